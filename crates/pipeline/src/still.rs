//! PNG encoding of single frames, for previews.

use std::io;

use clearcut_animation::straight_rgba;
use clearcut_frame::Frame;

use crate::Error;

/// Encodes `frame` as a PNG with straight alpha. Uses fast compression, because a preview is viewed
/// once.
///
/// # Errors
/// [`Error::Io`]; not expected, because the PNG is written to memory.
pub(crate) fn encode_png(frame: &Frame) -> Result<Vec<u8>, Error> {
    let failed = |error: png::EncodingError| Error::Io { doing: "writing a PNG", source: io::Error::other(error) };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, frame.size().width(), frame.size().height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(straight_rgba(frame).as_flattened()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
