//! Still images: decoded, turned upright, converted to sRGB, scaled, and encoded.
//!
//! The input is untrusted, and libwebp is C. Only the hidden command `clearcut image` calls this
//! crate, in the sandbox that ffmpeg has.
//!
//! Each function writes parts to `out`: the length of a part as 64 bits, little-endian, and its
//! bytes. The first part is an [`ImageInfo`] as JSON, except for [`size`].

mod color;
mod decode;
mod encode;
mod jpeg;
mod pixels;
mod png_header;
mod resize;
#[cfg(test)]
mod tests;
mod webp;

use std::io::{Read, Write};

use clearcut_job::{ImageEncoding, ImageFailure, ImageInfo};

use crate::{
    decode::{decode, stored_size},
    pixels::Pixels,
};

/// Reads the headers of an image, and writes its size as stored: width and height as 32 bits each,
/// little-endian.
///
/// # Errors
/// The reason why they cannot be read.
pub fn size(mut input: impl Read, max_pixels: u64, out: impl Write) -> Result<(), ImageFailure> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|_| ImageFailure::Io)?;
    let (width, height) = stored_size(&bytes, max_pixels)?;
    write_part(&[width.to_le_bytes(), height.to_le_bytes()].concat(), out)
}

/// Reads an image, and writes what it is.
///
/// # Errors
/// The reason why it cannot be read.
pub fn inspect(input: impl Read, max_pixels: u64, mut out: impl Write) -> Result<(), ImageFailure> {
    let (info, _) = read(input, max_pixels)?;
    write_info(&info, &mut out)
}

/// Reads an image, and writes what it is and its pixels: sRGB and straight alpha, 8 bits each, row by
/// row.
///
/// # Errors
/// The reason why it cannot be read.
pub fn pixels(input: impl Read, max_pixels: u64, mut out: impl Write) -> Result<(), ImageFailure> {
    let (info, pixels) = read(input, max_pixels)?;
    write_info(&info, &mut out)?;
    write_part(&pixels.rgba, &mut out)
}

/// Reads an image once, and writes what it is and one file for each of `encodings`.
///
/// # Errors
/// The reason why it cannot be read or encoded.
pub fn encode(
    input: impl Read,
    max_pixels: u64,
    encodings: &[ImageEncoding],
    mut out: impl Write,
) -> Result<(), ImageFailure> {
    let (info, pixels) = read(input, max_pixels)?;
    write_info(&info, &mut out)?;
    for encoding in encodings {
        write_part(&encode::encode(&pixels, encoding)?, &mut out)?;
    }
    Ok(())
}

fn read(mut input: impl Read, max_pixels: u64) -> Result<(ImageInfo, Pixels), ImageFailure> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|_| ImageFailure::Io)?;
    let (info, pixels) = decode(&bytes, max_pixels)?;
    Ok((info.sanitized(), pixels))
}

fn write_info(info: &ImageInfo, out: impl Write) -> Result<(), ImageFailure> {
    write_part(&serde_json::to_vec(info).map_err(|_| ImageFailure::Io)?, out)
}

fn write_part(bytes: &[u8], mut out: impl Write) -> Result<(), ImageFailure> {
    out.write_all(&(bytes.len() as u64).to_le_bytes())
        .and_then(|()| out.write_all(bytes))
        .and_then(|()| out.flush())
        .map_err(|_| ImageFailure::Io)
}
