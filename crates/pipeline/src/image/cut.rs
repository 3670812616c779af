//! The cut of a still image: the stages of a clip on one frame. Colors that the matte leaves alone
//! keep their exact values.

use std::{iter, num::NonZeroUsize, slice, time::Duration};

use clearcut_ffmpeg::{DecodedImage, Error as ToolError, ImageError};
use clearcut_frame::{Frame, FrameRate, Size};
use clearcut_job::{CutImage, CutRequest, Hint, Hints, MatteReport};
use clearcut_matte::{Defects, Keyer};

use super::{
    ImageJob,
    pixels::{frame_of, scaled},
};
use crate::{
    Error, Stop,
    matte_log::MatteLog,
    method::{MatteSource, Method, choose_method},
    quality::QualityLog,
    stages::{
        hints::{HintMaps, Place, track_hints},
        key::{keyer_settings, matte_by_color},
        segment::{matte_with_model, pace},
        survey::background_of,
    },
    still::encode_pixels,
};

/// Most pixels of the frame that is matted. Of a larger image, a smaller version is matted, and the
/// matte is scaled up. The cut of an image of 24 million pixels takes 500 MiB in all.
const MAX_MATTE_PIXELS: u64 = 50_000_000;

/// Bytes for each pixel of that frame, with those of the image, as measured.
pub(super) const BYTES_PER_PIXEL: u64 = 24;

/// Longer side in pixels of the small frame in which hints are applied, as for clips.
const HINT_SIDE: u32 = 320;

/// Most pixels of the frame that is matted or measured within the memory of `job`.
pub(super) fn max_matte_pixels(job: &ImageJob) -> u64 {
    MAX_MATTE_PIXELS.min(job.resources.max_bytes / BYTES_PER_PIXEL)
}

/// Frame rate of an image, which is a clip of one frame.
const RATE: FrameRate = FrameRate::new(1, 1).unwrap();

/// Removes the background of `image`.
pub(super) fn cut(
    job: &ImageJob,
    request: &CutRequest,
    image: DecodedImage,
    has_soft_edges: bool,
    stop: &Stop,
) -> Result<CutImage, Error> {
    let DecodedImage { size, mut rgba, .. } = image;
    let matte_size = size.within_pixels(max_matte_pixels(job));
    let frame = if matte_size == size {
        frame_of(size, &rgba)
    } else {
        frame_of(matte_size, &scaled(size, &rgba, matte_size)?)
    };
    let survey = || background_of(slice::from_ref(&frame), request);
    let Method { source, reason } = choose_method(request, job.models, survey, stop, &|| ())?;
    stop.check()?;
    let hints = hints_in(request, size, &rgba, &source, stop)?;
    let (method, (key_color, confidence, model)) = (
        source.method(),
        match &source {
            // A transparent border has no color.
            MatteSource::Color(background) if background.is_transparent() => (None, None, None),
            MatteSource::Color(background) => (Some(background.color()), Some(background.confidence()), None),
            MatteSource::Model(model) => (None, None, Some(model.id.clone())),
        },
    );
    let (matted, defects) = matte(source, request, &hints, frame.clone())?;
    let report = report(&matted, defects, confidence, hints.frame_counts);
    stop.check()?;
    if matte_size == size {
        apply(&mut rgba, &frame, &matted);
    } else {
        apply_scaled(&mut rgba, size, &frame, &matted);
    }
    drop((frame, matted));
    // Scaled after the cut, because a larger frame shows edges better.
    let side = request.size.map(|side| u32::from(side.get())).filter(|side| *side < size.longest_side());
    let (size, mut rgba) = match side.map(|side| size.with_longest_side(side)) {
        Some(smaller) => (smaller, scaled(size, &rgba, smaller)?),
        None => (size, rgba),
    };
    settle_alpha(&mut rgba, has_soft_edges);
    let png = encode_pixels(size, &rgba)?;
    Ok(CutImage { png, size, method, reason, model, key_color, report })
}

/// The hints of the request, which hold in the image whatever their time.
fn hints_in(
    request: &CutRequest,
    size: Size,
    rgba: &[u8],
    source: &MatteSource,
    stop: &Stop,
) -> Result<HintMaps, Error> {
    if request.hints.is_empty() {
        return Ok(HintMaps::default());
    }
    let hints: Vec<Hint> = request.hints.iter().map(|hint| Hint { time: Duration::ZERO, ..*hint }).collect();
    let request = CutRequest { hints: Hints::try_from(hints).unwrap_or_default(), ..request.clone() };
    let small = size.with_longest_side(HINT_SIDE.min(size.longest_side()));
    let frame = frame_of(small, &scaled(size, rgba, small)?);
    Ok(track_hints(&request, &[frame], &Place { first: 0, rate: RATE, crop: None }, source, stop))
}

/// The frame with alpha and clean color, and its possible defects.
fn matte(source: MatteSource, request: &CutRequest, hints: &HintMaps, frame: Frame) -> Result<(Frame, Defects), Error> {
    let mut matted = None;
    match source {
        MatteSource::Color(background) => {
            let keyer = Keyer::new(background, keyer_settings(request));
            matte_by_color(&keyer, hints, NonZeroUsize::MIN, iter::once(frame), |frame, keyed| {
                matted.replace((frame, keyed.defects())).is_none()
            });
        }
        MatteSource::Model(model) => {
            let emit = |mut frame: Frame, source_planes: &[u8]| {
                if let Some(map) = hints.map(0) {
                    map.overrule(&mut frame, source_planes);
                }
                matted.replace((frame, Defects::default())).is_none()
            };
            matte_with_model(model, pace(request.speed), NonZeroUsize::MIN, iter::once(frame), emit)?;
        }
    }
    matted.ok_or_else(|| ToolError::from(ImageError::Damaged).into())
}

/// The quality estimate of the matte of one frame.
fn report(matted: &Frame, defects: Defects, confidence: Option<f32>, hint_frames: Vec<u64>) -> MatteReport {
    let (mut log, mut quality) = (MatteLog::default(), QualityLog::default());
    log.push(matted);
    // One frame has no flicker, for which the source would be compared.
    quality.push(matted, &[], defects);
    quality.report(confidence, log.removed_share(), RATE, hint_frames)
}

/// The color of one pixel of a frame without subsampling, as R'G'B'.
fn rgb_at(frame: &Frame, index: usize) -> [f32; 3] {
    frame.format().matrix.rgb_from_ycc([frame.y()[index], frame.cb()[index], frame.cr()[index]].map(f32::from))
}

/// Whether matting changed the color of a pixel.
fn is_changed(frame: &Frame, matted: &Frame, index: usize) -> bool {
    let color = |frame: &Frame| [frame.y()[index], frame.cb()[index], frame.cr()[index]];
    color(frame) != color(matted)
}

/// Gives `rgba` the alpha of `matted`. To each color, the change that matting made to that of `frame`
/// is added, so that a color without change keeps its exact value.
fn apply(rgba: &mut [u8], frame: &Frame, matted: &Frame) {
    let alpha = matted.alpha().unwrap_or_default();
    for (index, (pixel, &alpha)) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(alpha).enumerate() {
        if alpha > 0 && is_changed(frame, matted, index) {
            let changes = rgb_at(matted, index).into_iter().zip(rgb_at(frame, index));
            for (level, (new, old)) in pixel.iter_mut().zip(changes) {
                *level = (f32::from(*level) + new - old).round().clamp(0.0, 255.0) as u8;
            }
        }
        pixel[3] = alpha;
    }
}

/// As [`apply`], for an image of `size` that is larger than the frames: alpha is scaled up, and where
/// matting changed the color, the new color is scaled up, too.
fn apply_scaled(rgba: &mut [u8], size: Size, frame: &Frame, matted: &Frame) {
    let (width, small_width) = (size.width() as usize, matted.size().width() as usize);
    let alpha = matted.alpha().unwrap_or_default();
    let changed: Vec<bool> = (0..alpha.len()).map(|index| is_changed(frame, matted, index)).collect();
    let across = samples(size.width(), matted.size().width());
    let down = samples(size.height(), matted.size().height());
    for (row, &(top, bottom, down)) in rgba.as_chunks_mut::<4>().0.chunks_exact_mut(width).zip(&down) {
        for (pixel, &(left, right, across)) in row.iter_mut().zip(&across) {
            let corners = [
                (top * small_width + left, (1.0 - down) * (1.0 - across)),
                (top * small_width + right, (1.0 - down) * across),
                (bottom * small_width + left, down * (1.0 - across)),
                (bottom * small_width + right, down * across),
            ];
            let mean: f32 = corners.iter().map(|(index, share)| share * f32::from(alpha[*index])).sum();
            pixel[3] = mean.round() as u8;
            if pixel[3] == 0 || corners.iter().all(|(index, _)| !changed[*index]) {
                continue;
            }
            let (mut weight, mut color) = (0.0, [0.0; 3]);
            for (index, share) in corners.into_iter().filter(|(index, _)| changed[*index]) {
                weight += share;
                color.iter_mut().zip(rgb_at(matted, index)).for_each(|(sum, own)| *sum += share * own);
            }
            for (level, sum) in pixel.iter_mut().zip(color) {
                *level = (f32::from(*level) * (1.0 - weight) + sum).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// For each of `length` pixels, the two of `small_length` between which it lies, and the share of the
/// second.
fn samples(length: u32, small_length: u32) -> Vec<(usize, usize, f32)> {
    let scale = f64::from(small_length) / f64::from(length);
    let last = f64::from(small_length - 1);
    let sample = |index: u32| {
        let at = ((f64::from(index) + 0.5) * scale - 0.5).clamp(0.0, last);
        (at as usize, (at as usize + 1).min(small_length as usize - 1), at.fract() as f32)
    };
    (0..length).map(sample).collect()
}

/// Without soft edges, makes every pixel opaque or transparent. Transparent pixels are all zero.
fn settle_alpha(rgba: &mut [u8], has_soft_edges: bool) {
    for pixel in rgba.as_chunks_mut::<4>().0 {
        if !has_soft_edges {
            pixel[3] = if pixel[3] >= 128 { 255 } else { 0 };
        }
        if pixel[3] == 0 {
            *pixel = [0; 4];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of a green background with a grey square, and the frame of them.
    fn square(size: Size) -> Vec<u8> {
        let (width, height) = (size.width(), size.height());
        let is_square = |x, y| (width / 4..width * 3 / 4).contains(&x) && (height / 4..height * 3 / 4).contains(&y);
        let pixel = |x, y| if is_square(x, y) { [91, 92, 93, 255] } else { [20, 190, 70, 255] };
        (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
    }

    /// `frame` with alpha from `alpha`, and with the color `painted` where alpha is partial.
    fn matted(frame: &Frame, alpha: &[u8]) -> Frame {
        let mut bytes = frame.bytes().to_vec();
        bytes.extend_from_slice(alpha);
        let mut matted = Frame::from_bytes(frame.format().with_alpha(), bytes).unwrap();
        let [y, ..] = matted.planes_mut();
        y.iter_mut().zip(alpha).filter(|(_, alpha)| (1..255).contains(*alpha)).for_each(|(y, _)| *y += 20);
        matted
    }

    #[test]
    fn colors_that_matting_leaves_alone_keep_their_exact_values() {
        let size = Size::new(16, 16).unwrap();
        let mut rgba = square(size);
        let frame = frame_of(size, &rgba);
        let solid = |pixel: &[u8; 4]| if pixel[0] == 91 { 255 } else { 0 };
        let mut alpha: Vec<u8> = rgba.as_chunks::<4>().0.iter().map(solid).collect();
        alpha[4 * 16 + 4] = 128;
        let before = rgba.clone();
        apply(&mut rgba, &frame, &matted(&frame, &alpha));
        settle_alpha(&mut rgba, true);
        let (pixels, before) = (rgba.as_chunks::<4>().0, before.as_chunks::<4>().0);
        assert_eq!(pixels[8 * 16 + 8], before[8 * 16 + 8]);
        assert_eq!(pixels[0], [0; 4]);
        let painted = pixels[4 * 16 + 4];
        assert!(painted[3] == 128 && painted[0].abs_diff(91 + 23) <= 1, "{painted:?}");
    }

    #[test]
    fn a_small_matte_is_scaled_up() {
        let (size, small) = (Size::new(64, 64).unwrap(), Size::new(32, 32).unwrap());
        let mut rgba = square(size);
        let frame = frame_of(small, &scaled(size, &rgba, small).unwrap());
        let inside = |index: usize| (8..24).contains(&(index % 32)) && (8..24).contains(&(index / 32));
        let alpha: Vec<u8> = (0..1024).map(|index| if inside(index) { 255 } else { 0 }).collect();
        apply_scaled(&mut rgba, size, &frame, &matted(&frame, &alpha));
        settle_alpha(&mut rgba, true);
        let pixels = rgba.as_chunks::<4>().0;
        assert_eq!((pixels[32 * 64 + 32], pixels[0]), ([91, 92, 93, 255], [0; 4]));
        assert!((1..255).contains(&pixels[32 * 64 + 15][3]));
    }

    #[test]
    fn without_soft_edges_every_pixel_is_opaque_or_transparent() {
        let mut rgba = [[1, 2, 3, 127], [1, 2, 3, 128], [1, 2, 3, 255]].concat();
        settle_alpha(&mut rgba, false);
        assert_eq!(rgba, [0, 0, 0, 0, 1, 2, 3, 255, 1, 2, 3, 255]);
    }
}
