//! JPEG: baseline and progressive; gray, color, CMYK and YCCK with or without Adobe's marker.

use clearcut_job::ImageFailure;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

/// A decoded JPEG.
pub(crate) struct Jpeg {
    pub(crate) channels: Channels,
    pub(crate) icc: Option<Vec<u8>>,
    pub(crate) exif: Option<Vec<u8>>,
}

/// What the channels of a JPEG hold.
pub(crate) enum Channels {
    /// Gray or color.
    Image(DynamicImage),
    /// Width, height, and amounts of cyan, magenta, yellow and black: 255 is full ink.
    Inks(u32, u32, Vec<u8>),
}

fn options() -> DecoderOptions {
    DecoderOptions::default().set_strict_mode(false).set_max_width(1 << 16).set_max_height(1 << 16)
}

/// Width and height, by the headers.
pub(crate) fn stored_size(bytes: &[u8]) -> Result<(u32, u32), ImageFailure> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().map_err(|_| ImageFailure::Damaged)?;
    let (width, height) = decoder.dimensions().ok_or(ImageFailure::Damaged)?;
    Ok((width as u32, height as u32))
}

pub(crate) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Jpeg, ImageFailure> {
    let markers = Markers::read(bytes)?;
    let damaged = |_| ImageFailure::Damaged;
    let options = options();
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or(ImageFailure::Damaged)?;
    if width as u64 * height as u64 > max_pixels {
        return Err(ImageFailure::TooManyPixels);
    }
    let stored = decoder.input_colorspace().ok_or(ImageFailure::Damaged)?;
    let decoded = match stored {
        ColorSpace::YCbCr => ColorSpace::RGB,
        ColorSpace::RGB | ColorSpace::Luma | ColorSpace::CMYK | ColorSpace::YCCK => stored,
        _ => return Err(ImageFailure::Unsupported),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(decoded));
    let (icc, exif) = (decoder.icc_profile(), decoder.exif().cloned());
    let mut samples = decoder.decode().map_err(damaged)?;
    if !markers.ends {
        return Err(ImageFailure::Damaged);
    }
    let (width, height) = (width as u32, height as u32);
    let image = match decoded {
        ColorSpace::Luma => GrayImage::from_raw(width, height, samples).map(DynamicImage::from),
        ColorSpace::RGB => RgbImage::from_raw(width, height, samples).map(DynamicImage::from),
        _ => {
            if samples.len() as u64 != 4 * u64::from(width) * u64::from(height) {
                return Err(ImageFailure::Damaged);
            }
            to_inks(&mut samples, decoded == ColorSpace::YCCK, markers.is_from_adobe);
            return Ok(Jpeg { channels: Channels::Inks(width, height, samples), icc, exif });
        }
    };
    Ok(Jpeg { channels: Channels::Image(image.ok_or(ImageFailure::Damaged)?), icc, exif })
}

/// Converts four channels to amounts of ink. Adobe's programs, which leave a marker, store them
/// inverted.
fn to_inks(samples: &mut [u8], is_ycck: bool, is_inverted: bool) {
    for pixel in samples.as_chunks_mut::<4>().0 {
        if is_ycck {
            let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            let (cb, cr) = (cb - 128.0, cr - 128.0);
            // The inverse of JFIF's conversion gives the complement of the stored inks.
            let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
            for (stored, level) in pixel.iter_mut().zip(rgb) {
                *stored = 255 - level.round().clamp(0.0, 255.0) as u8;
            }
        }
        if is_inverted {
            *pixel = pixel.map(|stored| 255 - stored);
        }
    }
}

/// What the markers of a JPEG say that its decoder does not.
struct Markers {
    /// Whether Adobe's marker is there.
    is_from_adobe: bool,
    /// Whether the image ends: its last scan is followed by an end marker.
    ends: bool,
}

impl Markers {
    /// # Errors
    /// [`ImageFailure::Unsupported`] for arithmetic coding, lossless and hierarchical images, and more
    /// than 8 bits; [`ImageFailure::Damaged`] if there is no scan.
    fn read(bytes: &[u8]) -> Result<Self, ImageFailure> {
        let (mut at, mut is_from_adobe) = (2, false);
        loop {
            // Fill bytes, and stray ones between segments, are skipped.
            let found = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xFF));
            at += found.ok_or(ImageFailure::Damaged)? + 1;
            let Some((&marker, segment)) = bytes.get(at..).and_then(<[u8]>::split_first) else {
                return Err(ImageFailure::Damaged);
            };
            match marker {
                0xFF => continue,
                0x00 | 0x01 | 0xD0..=0xD8 => {
                    at += 1;
                    continue;
                }
                0xD9 => return Err(ImageFailure::Damaged),
                0xDA => break,
                0xC0..=0xC2 if segment.get(2).is_some_and(|bits| *bits != 8) => return Err(ImageFailure::Unsupported),
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(ImageFailure::Unsupported),
                0xEE if segment.get(2..7) == Some(b"Adobe") => is_from_adobe = true,
                _ => {}
            }
            let Some(&[high, low]) = segment.first_chunk() else { return Err(ImageFailure::Damaged) };
            at += 1 + usize::from(u16::from_be_bytes([high, low])).max(2);
        }
        let ends = bytes[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]);
        Ok(Self { is_from_adobe, ends })
    }
}
