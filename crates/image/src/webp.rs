//! Encoding of WebP with libwebp: lossy colors, and alpha without loss.
#![expect(unsafe_code, reason = "libwebp is C; the crate that wraps this version encodes only animations")]

use std::{ptr, slice};

use clearcut_job::ImageFailure;
use libwebp_sys::{WebPEncodeRGBA, WebPFree};

use crate::pixels::Pixels;

/// Encodes `pixels` with quality 0–100.
pub(crate) fn encode(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, ImageFailure> {
    let too_long = |_| ImageFailure::TooManyPixels;
    let width = i32::try_from(pixels.size.width()).map_err(too_long)?;
    let height = i32::try_from(pixels.size.height()).map_err(too_long)?;
    let stride = width.checked_mul(4).ok_or(ImageFailure::TooManyPixels)?;
    if pixels.rgba.len() as u64 != 4 * pixels.size.pixels() {
        return Err(ImageFailure::Damaged);
    }
    let mut output = ptr::null_mut();
    // SAFETY: the buffer holds `height` rows of `stride` bytes, as was checked, and `output` is valid
    // for a write.
    let length =
        unsafe { WebPEncodeRGBA(pixels.rgba.as_ptr(), width, height, stride, f32::from(quality), &raw mut output) };
    if output.is_null() || length == 0 {
        return Err(ImageFailure::TooMuchMemory);
    }
    // SAFETY: libwebp returned `length` bytes at `output`, which are copied before they are freed.
    let bytes = unsafe { slice::from_raw_parts(output, length) }.to_vec();
    // SAFETY: `output` was allocated by libwebp and is not used again.
    unsafe { WebPFree(output.cast()) };
    Ok(bytes)
}
