//! Conversion of colors to sRGB.

use image::DynamicImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, ProfileText, TransformOptions};

/// Pixels that are converted at once.
const CHUNK: usize = 4096;

/// The pixels of `image` as 8-bit RGBA in sRGB; `None` if `profile` is one of other channels or cannot
/// be used.
pub(crate) fn to_srgb(image: &DynamicImage, profile: &ColorProfile) -> Option<Vec<u8>> {
    let is_gray = !image.color().has_color();
    match profile.color_space {
        DataColorSpace::Gray if is_gray => gray_to_srgb(image, profile),
        DataColorSpace::Rgb => rgb_to_srgb(image, profile),
        _ => None,
    }
}

fn rgb_to_srgb(image: &DynamicImage, profile: &ColorProfile) -> Option<Vec<u8>> {
    let srgb = ColorProfile::new_srgb();
    let (layout, options) = (Layout::Rgba, TransformOptions::default());
    let eight = profile.create_transform_8bit(layout, &srgb, layout, options).ok()?;
    if is_identity(|from, to| eight.transform(from, to).is_ok()) {
        return Some(image.to_rgba8().into_raw());
    }
    if image.color().bytes_per_pixel() / image.color().channel_count() == 1 {
        let mut rgba = image.to_rgba8().into_raw();
        let mut source = vec![0; 4 * CHUNK];
        for chunk in rgba.chunks_mut(4 * CHUNK) {
            let source = &mut source[..chunk.len()];
            source.copy_from_slice(chunk);
            eight.transform(source, chunk).ok()?;
        }
        return Some(rgba);
    }
    let sixteen = profile.create_transform_16bit(layout, &srgb, layout, options).ok()?;
    let deep = image.to_rgba16().into_raw();
    let (mut rgba, mut converted) = (Vec::with_capacity(deep.len()), vec![0; 4 * CHUNK]);
    for chunk in deep.chunks(4 * CHUNK) {
        let converted = &mut converted[..chunk.len()];
        sixteen.transform(chunk, converted).ok()?;
        rgba.extend(converted.iter().map(|level| ((u32::from(*level) + 128) / 257) as u8));
    }
    Some(rgba)
}

/// Whether a transform changes no color by more than the rounding of one level: the profile is that
/// of sRGB, and the pixels are kept as they are.
fn is_identity(transform: impl Fn(&[u8], &mut [u8]) -> bool) -> bool {
    let levels = || (0..=255_u8).step_by(17);
    let colors = levels().flat_map(|r| levels().flat_map(move |g| levels().map(move |b| [r, g, b, 255])));
    let from: Vec<u8> = colors.flatten().collect();
    let mut to = vec![0; from.len()];
    transform(&from, &mut to) && from.iter().zip(&to).all(|(from, to)| from.abs_diff(*to) <= 1)
}

fn gray_to_srgb(image: &DynamicImage, profile: &ColorProfile) -> Option<Vec<u8>> {
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(Layout::Gray, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
    let levels: Vec<u8> = (0..=255).collect();
    let mut colors = vec![0; 3 * 256];
    transform.transform(&levels, &mut colors).ok()?;
    let mut rgba = image.to_rgba8().into_raw();
    for pixel in rgba.as_chunks_mut::<4>().0 {
        let level = usize::from(pixel[0]);
        pixel[..3].copy_from_slice(&colors[3 * level..][..3]);
    }
    Some(rgba)
}

/// Converts ink amounts (cyan, magenta, yellow and black; 255 is full ink) to RGBA in place. Returns
/// true if `profile` could be used; otherwise, the plain formula was.
pub(crate) fn cmyk_to_srgb(inks: &mut [u8], profile: Option<&ColorProfile>) -> bool {
    let is_usable = profile.is_some_and(|profile| cmyk_by_profile(inks, profile).is_some());
    if !is_usable {
        for pixel in inks.as_chunks_mut::<4>().0 {
            let black = 255 - u32::from(pixel[3]);
            let level = |ink: u8| ((255 - u32::from(ink)) * black + 127) / 255;
            *pixel = [level(pixel[0]) as u8, level(pixel[1]) as u8, level(pixel[2]) as u8, 255];
        }
    }
    is_usable
}

/// Converts `inks` by `profile`. If that fails, they are as before.
fn cmyk_by_profile(inks: &mut [u8], profile: &ColorProfile) -> Option<()> {
    if profile.color_space != DataColorSpace::Cmyk {
        return None;
    }
    let (layout, options) = (Layout::Rgba, TransformOptions::default());
    let transform = profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), layout, options).ok()?;
    transform.transform(&[0; 4], &mut [0; 4]).ok()?;
    let mut source = vec![0; 4 * CHUNK];
    for chunk in inks.chunks_mut(4 * CHUNK) {
        let source = &mut source[..chunk.len()];
        source.copy_from_slice(chunk);
        transform.transform(source, chunk).ok()?;
        chunk.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel[3] = 255);
    }
    Some(())
}

/// The name of a profile.
pub(crate) fn name_of(profile: &ColorProfile) -> Option<String> {
    match profile.description.as_ref()? {
        ProfileText::PlainString(text) => Some(text.clone()),
        ProfileText::Localizable(texts) => texts.first().map(|text| text.value.clone()),
        ProfileText::Description(text) => Some(text.ascii_string.clone()),
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Rgb, RgbImage};

    use super::*;

    fn patch(color: [u8; 3]) -> DynamicImage {
        RgbImage::from_pixel(2, 2, Rgb(color)).into()
    }

    #[test]
    fn display_p3_and_adobe_rgb_match_their_published_values_in_srgb() {
        // Colors inside of sRGB, converted by the published matrices (CSS Color 4).
        for (profile, color, expected) in [
            (ColorProfile::new_display_p3(), [128, 128, 128], [128, 128, 128]),
            (ColorProfile::new_display_p3(), [200, 120, 60], [213, 115, 42]),
            (ColorProfile::new_adobe_rgb(), [128, 128, 128], [128, 128, 128]),
        ] {
            let converted = to_srgb(&patch(color), &profile).unwrap();
            let error = converted.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(error <= 2, "{converted:?} instead of {expected:?}");
        }
    }

    #[test]
    fn sixteen_bits_give_the_same_color_as_eight() {
        let deep: ImageBuffer<Rgb<u16>, Vec<u16>> =
            ImageBuffer::from_pixel(2, 2, Rgb([200 * 257, 120 * 257, 60 * 257]));
        let profile = ColorProfile::new_display_p3();
        let [eight, sixteen] =
            [patch([200, 120, 60]), deep.into()].map(|image: DynamicImage| to_srgb(&image, &profile).unwrap());
        assert!(eight.iter().zip(&sixteen).all(|(a, b)| a.abs_diff(*b) <= 1), "{eight:?} {sixteen:?}");
    }

    #[test]
    fn the_profile_of_srgb_changes_nothing() {
        let colors = [[1, 2, 3], [250, 128, 7]];
        for color in colors {
            let converted = to_srgb(&patch(color), &ColorProfile::new_srgb()).unwrap();
            assert_eq!(converted[..4], [color[0], color[1], color[2], 255]);
        }
    }

    #[test]
    fn a_profile_of_other_channels_is_not_used() {
        assert_eq!(to_srgb(&patch([1, 2, 3]), &ColorProfile::new_gray_with_gamma(2.2)), None);
        let mut inks = vec![0, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0];
        assert!(!cmyk_to_srgb(&mut inks, Some(&ColorProfile::new_srgb())));
        assert_eq!(inks, [255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 255]);
    }
}
