//! PNG encoding of previews and of the cuts of still images.

use std::io;

use clearcut_animation::straight_rgba;
use clearcut_frame::{Frame, Size};

use crate::Error;

/// Encodes `frame` as a PNG with straight alpha.
///
/// # Errors
/// As [`encode_pixels`].
pub(crate) fn encode_png(frame: &Frame) -> Result<Vec<u8>, Error> {
    encode_pixels(frame.size(), straight_rgba(frame).as_flattened())
}

/// Encodes pixels of `size`, red, green, blue and straight alpha of 8 bits each, as a PNG. Uses fast
/// compression, because somebody waits for it.
///
/// # Errors
/// [`Error::Io`]; not expected, because the PNG is written to memory.
pub(crate) fn encode_pixels(size: Size, rgba: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error: png::EncodingError| Error::Io { doing: "writing a PNG", source: io::Error::other(error) };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width(), size.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(rgba).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
