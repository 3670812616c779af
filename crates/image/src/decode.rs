//! Decoding of each format to upright pixels in sRGB. Sizes are checked before pixels are allocated.

use std::io::Cursor;

use clearcut_frame::Size;
use clearcut_job::{ImageColors, ImageFailure, ImageInfo, StillFormat};
use image::{
    DynamicImage, ImageDecoder, ImageError, Limits, RgbaImage,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
    error::LimitErrorKind,
    metadata::Orientation,
};
use moxcms::ColorProfile;

use crate::{color, jpeg, pixels::Pixels, png_header};

/// Decodes the image in `bytes`.
pub(crate) fn decode(bytes: &[u8], max_pixels: u64) -> Result<(ImageInfo, Pixels), ImageFailure> {
    let format = StillFormat::sniff(bytes).map_err(|_| ImageFailure::Damaged)?;
    let source = match format {
        StillFormat::Jpeg => jpeg(bytes, max_pixels)?,
        StillFormat::Png => {
            let source = decoded(png(bytes)?, max_pixels)?;
            let (bits, stated) = png_header::header(bytes).ok_or(ImageFailure::Damaged)?;
            Source { bits, stated, ..source }
        }
        StillFormat::Webp => decoded(WebPDecoder::new(Cursor::new(bytes)).map_err(failure)?, max_pixels)?,
        StillFormat::Gif => decoded(GifDecoder::new(Cursor::new(bytes)).map_err(failure)?, max_pixels)?,
        // ffmpeg decodes these to PNG first.
        StillFormat::Avif | StillFormat::Heic => return Err(ImageFailure::Unsupported),
    };
    source.upright(format)
}

/// The size of the image in `bytes` as stored, by its headers.
pub(crate) fn stored_size(bytes: &[u8], max_pixels: u64) -> Result<(u32, u32), ImageFailure> {
    let (width, height) = match StillFormat::sniff(bytes).map_err(|_| ImageFailure::Damaged)? {
        StillFormat::Jpeg => jpeg::stored_size(bytes)?,
        StillFormat::Png => png(bytes)?.dimensions(),
        StillFormat::Webp => WebPDecoder::new(Cursor::new(bytes)).map_err(failure)?.dimensions(),
        StillFormat::Gif => GifDecoder::new(Cursor::new(bytes)).map_err(failure)?.dimensions(),
        StillFormat::Avif | StillFormat::Heic => return Err(ImageFailure::Unsupported),
    };
    check_size((width, height), max_pixels)?;
    Ok((width, height))
}

/// Longest side of an image, as in JPEG. The work on a longer one, which is hardly a picture, takes
/// far longer than its pixels tell.
const MAX_SIDE: u32 = 65_535;

fn check_size((width, height): (u32, u32), max_pixels: u64) -> Result<(), ImageFailure> {
    let is_allowed = u64::from(width) * u64::from(height) <= max_pixels && width.max(height) <= MAX_SIDE;
    if is_allowed { Ok(()) } else { Err(ImageFailure::TooManyPixels) }
}

/// Memory for what lies beside the pixels of a PNG, such as its color profile, in bytes. A few bytes
/// can inflate to any number.
const MAX_EXTRA_BYTES: u64 = 64 << 20;

fn png(bytes: &[u8]) -> Result<PngDecoder<Cursor<&[u8]>>, ImageFailure> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_EXTRA_BYTES);
    PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(failure)
}

/// A decoded image as it is stored.
struct Source {
    channels: jpeg::Channels,
    bits: u8,
    icc: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
    /// Colors that the file states without a profile.
    stated: Option<ColorProfile>,
}

fn jpeg(bytes: &[u8], max_pixels: u64) -> Result<Source, ImageFailure> {
    let jpeg::Jpeg { channels, icc, exif } = jpeg::decode(bytes, max_pixels)?;
    Ok(Source { channels, bits: 8, icc, exif, stated: None })
}

fn decoded(mut decoder: impl ImageDecoder, max_pixels: u64) -> Result<Source, ImageFailure> {
    let (width, height) = decoder.dimensions();
    check_size((width, height), max_pixels)?;
    // A damaged profile or EXIF block does not harm the pixels.
    let (icc, exif) = (decoder.icc_profile().ok().flatten(), decoder.exif_metadata().ok().flatten());
    let color = decoder.original_color_type();
    let bits = (color.bits_per_pixel() / u16::from(color.channel_count())) as u8;
    let image = DynamicImage::from_decoder(decoder).map_err(failure)?;
    Ok(Source { channels: jpeg::Channels::Image(image), bits, icc, exif, stated: None })
}

impl Source {
    /// The pixels in sRGB, turned upright.
    fn upright(self, format: StillFormat) -> Result<(ImageInfo, Pixels), ImageFailure> {
        let profile = self.icc.as_deref().map(ColorProfile::new_from_slice).and_then(Result::ok);
        let name = profile.as_ref().and_then(color::name_of);
        let has_profile = self.icc.is_some();
        let (width, height, rgba, colors) = match self.channels {
            jpeg::Channels::Inks(width, height, mut inks) => {
                let colors = if color::cmyk_to_srgb(&mut inks, profile.as_ref()) {
                    ImageColors::Profile
                } else {
                    ImageColors::Cmyk
                };
                (width, height, inks, colors)
            }
            jpeg::Channels::Image(image) => {
                let (width, height) = (image.width(), image.height());
                let by_profile = profile.as_ref().and_then(|profile| color::to_srgb(&image, profile));
                let by_statement = || self.stated.as_ref().and_then(|profile| color::to_srgb(&image, profile));
                let (rgba, colors) = match by_profile {
                    Some(rgba) => (rgba, ImageColors::Profile),
                    None if has_profile => (image.into_rgba8().into_raw(), ImageColors::UnusableProfile),
                    None => match by_statement() {
                        Some(rgba) => (rgba, ImageColors::Gamma),
                        None => (image.into_rgba8().into_raw(), ImageColors::Srgb),
                    },
                };
                (width, height, rgba, colors)
            }
        };
        let orientation = self.exif.as_deref().and_then(orientation).unwrap_or(Orientation::NoTransforms);
        let image = RgbaImage::from_raw(width, height, rgba).ok_or(ImageFailure::Damaged)?;
        let mut image = DynamicImage::from(image);
        image.apply_orientation(orientation);
        let size = Size::new(image.width(), image.height()).ok_or(ImageFailure::Damaged)?;
        let pixels = Pixels { size, rgba: image.into_rgba8().into_raw() };
        let info = ImageInfo {
            format,
            width: size.width(),
            height: size.height(),
            orientation: orientation.to_exif(),
            bits: self.bits,
            has_alpha: !pixels.are_opaque(),
            colors,
            profile: name,
        };
        Ok((info, pixels))
    }
}

/// The orientation in an EXIF block. Some programs put the name of the block in front.
fn orientation(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
}

fn failure(error: ImageError) -> ImageFailure {
    match error {
        ImageError::Unsupported(_) => ImageFailure::Unsupported,
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::InsufficientMemory) => {
            ImageFailure::TooMuchMemory
        }
        _ => ImageFailure::Damaged,
    }
}
