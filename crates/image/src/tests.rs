//! Tests of decoding and encoding with drawn images: formats, orientation, profiles, bit depths,
//! damage.

use clearcut_frame::Size;
use clearcut_job::{ImageColors, ImageEncoding, ImageFailure, ImageFit, ImageFormat, StillFormat};
use image::{
    DynamicImage, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
    metadata::Orientation,
};
use jpeg_encoder::{ColorType, Encoder};
use moxcms::ColorProfile;

use crate::{
    decode::{decode, stored_size},
    encode::encode,
    pixels::Pixels,
};

const LIMIT: u64 = 100_000_000;

/// 24×16 pixels: red at the top left, green at the top right, blue at the bottom left, white at the
/// bottom right.
fn quarters() -> RgbImage {
    RgbImage::from_fn(24, 16, |x, y| match (x < 12, y < 8) {
        (true, true) => Rgb([220, 30, 30]),
        (false, true) => Rgb([30, 200, 30]),
        (true, false) => Rgb([30, 30, 210]),
        (false, false) => Rgb([240, 240, 240]),
    })
}

/// An EXIF block with nothing but this orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif
}

fn encoded(mut encoder: impl ImageEncoder, image: &DynamicImage, exif: &[u8], icc: Option<Vec<u8>>) {
    if !exif.is_empty() {
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
    }
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc).unwrap();
    }
    image.write_with_encoder(encoder).unwrap();
}

fn png_of(image: &DynamicImage, icc: Option<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoded(PngEncoder::new(&mut bytes), image, &[], icc);
    bytes
}

fn pixel(pixels: &Pixels, x: u32, y: u32) -> [u8; 4] {
    pixels.rgba.as_chunks::<4>().0[(y * pixels.size.width() + x) as usize]
}

fn assert_near(found: [u8; 4], expected: [u8; 4], tolerance: u8, what: &str) {
    let error = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
    assert!(error <= tolerance, "{what}: {found:?} instead of {expected:?}");
}

#[test]
fn every_orientation_of_every_format_is_turned_upright() {
    for stated in 1..=8 {
        let mut stored = DynamicImage::from(quarters());
        // What turns upright as stated must be stored turned the other way.
        stored.apply_orientation(match Orientation::from_exif(stated).unwrap() {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        });
        let mut files = [Vec::new(), Vec::new(), Vec::new()];
        let [jpeg, png, webp] = &mut files;
        encoded(JpegEncoder::new_with_quality(jpeg, 98), &stored, &exif(stated), None);
        encoded(PngEncoder::new(png), &stored, &exif(stated), None);
        let named = [b"Exif\0\0".to_vec(), exif(stated)].concat();
        encoded(WebPEncoder::new_lossless(webp), &stored, &named, None);
        for file in &files {
            let (info, pixels) = decode(file, LIMIT).unwrap();
            let what = format!("{} {stated}", info.format);
            assert_eq!((info.orientation, pixels.size), (stated, Size::new(24, 16).unwrap()), "{what}");
            assert_near(pixel(&pixels, 3, 3), [220, 30, 30, 255], 8, &what);
            assert_near(pixel(&pixels, 20, 3), [30, 200, 30, 255], 8, &what);
            assert_near(pixel(&pixels, 3, 12), [30, 30, 210, 255], 8, &what);
        }
    }
}

#[test]
fn a_profile_of_display_p3_is_applied_and_named() {
    let icc = ColorProfile::new_display_p3().encode().unwrap();
    let patch = DynamicImage::from(RgbImage::from_pixel(8, 8, Rgb([200, 120, 60])));
    let (info, pixels) = decode(&png_of(&patch, Some(icc)), LIMIT).unwrap();
    assert_eq!(info.colors, ImageColors::Profile);
    assert!(info.profile.is_some_and(|name| name.contains("P3")));
    assert_near(pixel(&pixels, 4, 4), [213, 115, 42, 255], 2, "P3");
}

#[test]
fn a_damaged_profile_does_not_harm_the_pixels() {
    let patch = DynamicImage::from(quarters());
    let (info, pixels) = decode(&png_of(&patch, Some(b"no profile at all".to_vec())), LIMIT).unwrap();
    assert_eq!(info.colors, ImageColors::UnusableProfile);
    assert_eq!(pixel(&pixels, 3, 3), [220, 30, 30, 255]);
}

#[test]
fn cmyk_is_read_with_and_without_a_marker_of_adobe() {
    let inks = [0, 200, 220, 10].repeat(16 * 16);
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let mut jpeg = Vec::new();
        Encoder::new(&mut jpeg, 98).encode(&inks, 16, 16, color).unwrap();
        let (info, pixels) = decode(&jpeg, LIMIT).unwrap();
        assert_eq!(info.colors, ImageColors::Cmyk);
        assert_near(pixel(&pixels, 8, 8), [245, 53, 34, 255], 5, "with the marker");
        // Without the marker, the same samples are amounts of ink.
        let marker = jpeg.windows(5).position(|bytes| bytes == b"Adobe").unwrap();
        if color == ColorType::Cmyk {
            jpeg[marker] = b'a';
            let (_, pixels) = decode(&jpeg, LIMIT).unwrap();
            assert_near(pixel(&pixels, 8, 8), [0, 8, 9, 255], 5, "without the marker");
        }
    }
}

#[test]
fn a_progressive_jpeg_is_read() {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 98);
    encoder.set_progressive(true);
    encoder.encode(quarters().as_raw(), 24, 16, ColorType::Rgb).unwrap();
    let (_, pixels) = decode(&jpeg, LIMIT).unwrap();
    assert_near(pixel(&pixels, 3, 12), [30, 30, 210, 255], 8, "progressive");
}

/// A PNG of 16×4 pixels with these settings and rows.
fn raw_png(
    color: png::ColorType,
    depth: png::BitDepth,
    rows: &[u8],
    set: impl FnOnce(&mut png::Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 16, 4);
    encoder.set_color(color);
    encoder.set_depth(depth);
    set(&mut encoder);
    encoder.write_header().unwrap().write_image_data(rows).unwrap();
    bytes
}

#[test]
fn every_depth_of_png_is_read() {
    use png::{BitDepth, ColorType};
    let bits = raw_png(ColorType::Grayscale, BitDepth::One, &[0xF0; 8], |_| ());
    let palette = raw_png(ColorType::Indexed, BitDepth::Four, &[0x01; 32], |encoder| {
        encoder.set_palette(vec![250, 20, 30, 1, 2, 3]);
        encoder.set_trns(vec![255, 100]);
    });
    let deep: Vec<u8> = [0x8000_u16, 0x40FF, 0xFFFF].map(u16::to_be_bytes).as_flattened().repeat(64);
    let deep = raw_png(ColorType::Rgb, BitDepth::Sixteen, &deep, |_| ());
    for (file, bits, first, second) in [
        (bits, 1, [255; 4], [255; 4]),
        (palette, 4, [250, 20, 30, 255], [1, 2, 3, 100]),
        (deep, 16, [128, 65, 255, 255], [128, 65, 255, 255]),
    ] {
        let (info, pixels) = decode(&file, LIMIT).unwrap();
        assert_eq!((info.format, pixel(&pixels, 0, 0), pixel(&pixels, 1, 0)), (StillFormat::Png, first, second));
        assert_eq!((info.bits, info.has_alpha), (bits, second[3] < 255));
    }
}

#[test]
fn a_stated_gamma_is_applied() {
    use png::{BitDepth, ColorType, ScaledFloat};
    let linear = raw_png(ColorType::Grayscale, BitDepth::Eight, &[128; 64], |encoder| {
        encoder.set_source_gamma(ScaledFloat::new(1.0));
    });
    let (info, pixels) = decode(&linear, LIMIT).unwrap();
    assert_eq!(info.colors, ImageColors::Gamma);
    assert_near(pixel(&pixels, 0, 0), [188, 188, 188, 255], 1, "half of the light");
}

#[test]
fn a_size_beyond_the_limit_is_refused_before_pixels_are_allocated() {
    let mut png = png_of(&DynamicImage::from(quarters()), None);
    png[16..24].copy_from_slice(&[0x00, 0x01, 0, 0, 0x00, 0x01, 0, 0]);
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(decode(&png, LIMIT).unwrap_err(), ImageFailure::TooManyPixels);
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 90).encode(quarters().as_raw(), 24, 16, ColorType::Rgb).unwrap();
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(decode(&jpeg, LIMIT).unwrap_err(), ImageFailure::TooManyPixels);
    assert_eq!(decode(&png_of(&DynamicImage::from(quarters()), None), 383).unwrap_err(), ImageFailure::TooManyPixels);
}

/// The checksum of a chunk of a PNG.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[test]
fn files_that_are_cut_off_are_damaged() {
    let noise = RgbaImage::from_fn(64, 64, |x, y| Rgba([((x * 37) ^ (y * 91)) as u8, (x * y) as u8, y as u8, 255]));
    let noise = DynamicImage::from(noise);
    let mut files = [Vec::new(), png_of(&noise, None), Vec::new()];
    let [jpeg, _, webp] = &mut files;
    encoded(JpegEncoder::new_with_quality(jpeg, 90), &DynamicImage::from(noise.to_rgb8()), &[], None);
    encoded(WebPEncoder::new_lossless(webp), &noise, &[], None);
    for file in &files {
        for share in [0.2, 0.6, 0.95] {
            let length = (file.len() as f64 * share) as usize;
            assert_eq!(decode(&file[..length], LIMIT).map(|_| ()), Err(ImageFailure::Damaged), "{share}");
        }
    }
}

/// `quarters` scaled and read back.
fn scaled(width: u32, height: u32, fit: ImageFit, format: ImageFormat) -> Pixels {
    let image = quarters();
    let rgba = DynamicImage::from(image).into_rgba8().into_raw();
    let pixels = Pixels { size: Size::new(24, 16).unwrap(), rgba };
    let quality = "95".parse().unwrap();
    let encoding = ImageEncoding { width: Some(width), height: Some(height), fit, format, quality };
    let file = encode(&pixels, &encoding).unwrap();
    decode(&file, LIMIT).unwrap().1
}

#[test]
fn each_fit_places_the_image_as_documented() {
    let cover = scaled(16, 16, ImageFit::Cover, ImageFormat::Png);
    assert_eq!(cover.size, Size::new(16, 16).unwrap());
    assert_near(pixel(&cover, 2, 2), [220, 30, 30, 255], 9, "cover");
    let contain = scaled(48, 48, ImageFit::Contain, ImageFormat::Png);
    assert_eq!(pixel(&contain, 24, 3), [0; 4]);
    assert_near(pixel(&contain, 4, 14), [220, 30, 30, 255], 9, "contain");
    let bars = scaled(48, 48, ImageFit::Contain, ImageFormat::Jpeg);
    assert_near(pixel(&bars, 24, 3), [0, 0, 0, 255], 6, "bars");
    let fill = scaled(8, 32, ImageFit::Fill, ImageFormat::Webp);
    assert_near(pixel(&fill, 1, 28), [30, 30, 210, 255], 30, "fill");
    assert_eq!(scaled(12, 12, ImageFit::Inside, ImageFormat::Png).size, Size::new(12, 8).unwrap());
    assert_eq!(scaled(12, 12, ImageFit::Outside, ImageFormat::Png).size, Size::new(18, 12).unwrap());
}

#[test]
fn webp_keeps_alpha_without_loss_and_jpeg_lays_it_over_white() {
    let size = Size::new(32, 32).unwrap();
    let rgba: Vec<u8> = (0..1024).flat_map(|index| [200, 40, 40, (index % 32 * 8) as u8]).collect();
    let pixels = Pixels { size, rgba };
    let encoding = |format| ImageEncoding {
        width: None,
        height: None,
        fit: ImageFit::Cover,
        format,
        quality: "90".parse().unwrap(),
    };
    let webp = decode(&encode(&pixels, &encoding(ImageFormat::Webp)).unwrap(), LIMIT).unwrap().1;
    assert!((0..32).all(|x| pixel(&webp, x, 9)[3] == (x * 8) as u8));
    let jpeg = decode(&encode(&pixels, &encoding(ImageFormat::Jpeg)).unwrap(), LIMIT).unwrap().1;
    assert_near(pixel(&jpeg, 0, 9), [255, 255, 255, 255], 12, "clear");
    assert_near(pixel(&jpeg, 31, 9), [202, 46, 46, 255], 12, "solid");
}

#[test]
fn the_size_is_read_from_the_headers() {
    let image = DynamicImage::from(quarters());
    let (mut jpeg, mut webp) = (Vec::new(), Vec::new());
    encoded(JpegEncoder::new(&mut jpeg), &image, &exif(6), None);
    encoded(WebPEncoder::new_lossless(&mut webp), &image, &[], None);
    for bytes in [&png_of(&image, None), &jpeg, &webp] {
        assert_eq!(stored_size(bytes, LIMIT), Ok((24, 16)));
        // Without the last pixels.
        assert_eq!(stored_size(&bytes[..bytes.len() - 12], LIMIT), Ok((24, 16)));
        assert_eq!(stored_size(bytes, 24 * 16 - 1), Err(ImageFailure::TooManyPixels));
        assert_eq!(stored_size(&bytes[..16], LIMIT), Err(ImageFailure::Damaged));
    }
    let long = png_of(&DynamicImage::new_rgb8(70_000, 1), None);
    assert_eq!(stored_size(&long, LIMIT), Err(ImageFailure::TooManyPixels));
    assert_eq!(decode(&long, LIMIT).err(), Some(ImageFailure::TooManyPixels));
}
