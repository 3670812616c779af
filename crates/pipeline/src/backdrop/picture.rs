//! An image as a background: decoded and scaled in the sandbox, to cover the frame.

use std::{fs::File, io::Cursor};

use clearcut_ffmpeg::{Error as ToolError, ImageError};
use clearcut_frame::{Frame, FrameFormat, Size, Subsampling};
use clearcut_job::{ImageEncoding, ImageFit, ImageFormat, ImageOutcome, ImageTask, Note, Quality};

use super::{compose::halved, fitted};
use crate::{
    CutJob, Error, Stop,
    image::{ImageJob, frame_in, process_image, size_of},
};

/// Reads the image in `file` as a picture of `format`. What of it is transparent becomes black.
///
/// # Errors
/// The file is at fault or no image, or exceeds a limit.
pub(super) fn read_picture(
    (job, file): (&CutJob, &File),
    format: FrameFormat,
    stop: &Stop,
) -> Result<(Frame, Vec<Note>), Error> {
    let size = format.size;
    let encoding = ImageEncoding {
        width: Some(size.width()),
        height: Some(size.height()),
        fit: ImageFit::Cover,
        format: ImageFormat::Png,
        quality: Quality::default(),
    };
    let CutJob { tools, scratch, limits, resources, models, .. } = *job;
    let image = ImageJob { tools, input: file, scratch, limits, resources, models };
    let found = size_of(&image, stop)?;
    let ImageOutcome::Encoded(files) = process_image(&image, &ImageTask::Encode(vec![encoding]), stop)? else {
        return Err(damaged());
    };
    let rgba = files.first().and_then(|file| decode_png(&file.bytes, size)).ok_or_else(damaged)?;
    Ok((picture_of(&rgba, format), fitted(found, size).into_iter().collect()))
}

fn damaged() -> Error {
    ToolError::from(ImageError::Damaged).into()
}

/// The pixels of the PNG `bytes`, which the sandbox wrote, over black; `None` unless it has `size`.
fn decode_png(bytes: &[u8], size: Size) -> Option<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    let is_expected = (info.width, info.height) == (size.width(), size.height())
        && info.color_type == png::ColorType::Rgba
        && info.bit_depth == png::BitDepth::Eight;
    for pixel in pixels.as_chunks_mut::<4>().0 {
        let alpha = u16::from(pixel[3]);
        *pixel = pixel.map(|level| ((u16::from(level) * alpha + 127) / 255) as u8);
        pixel[3] = 255;
    }
    is_expected.then_some(pixels)
}

/// The solid pixels `rgba` as a frame of `format`.
fn picture_of(rgba: &[u8], format: FrameFormat) -> Frame {
    let full = frame_in(format.matrix, format.size, rgba);
    if format.subsampling == Subsampling::Full {
        return full;
    }
    let bytes = [full.y(), &halved(full.cb(), format), &halved(full.cr(), format)].concat();
    Frame::from_bytes(format, bytes).unwrap_or_else(|| Frame::new(format))
}
