//! Writer of animated PNG: whole canvases in, the changed part of each out.

use std::io::{self, Write};

use clearcut_job::UnpackFailure;
use png::{BitDepth, BlendOp, ColorType, Compression, DisposeOp, Encoder, EncodingError, Filter, Writer};

/// Bytes of a pixel: RGBA.
const PIXEL_BYTES: usize = 4;

/// An animated PNG that is being written.
pub(crate) struct Apng<W: Write> {
    writer: Writer<Bounded<W>>,
    width: usize,
    /// The canvas after the last frame; empty before the first one.
    canvas: Vec<u8>,
}

impl<W: Write> Apng<W> {
    /// Begins a file of `frames` frames and at most `max_bytes` bytes.
    pub(crate) fn begin(out: W, size: (u32, u32), frames: u32, max_bytes: u64) -> Result<Self, UnpackFailure> {
        let mut encoder = Encoder::new(Bounded { out, left: max_bytes }, size.0, size.1);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Up);
        encoder.set_animated(frames, 1).map_err(|error| failure(&error))?;
        encoder.set_blend_op(BlendOp::Source).map_err(|error| failure(&error))?;
        encoder.set_dispose_op(DisposeOp::None).map_err(|error| failure(&error))?;
        let writer = encoder.write_header().map_err(|error| failure(&error))?;
        Ok(Self { writer, width: size.0 as usize, canvas: Vec::new() })
    }

    /// Adds a frame that is shown for `millis` milliseconds. `canvas` is straight RGBA.
    pub(crate) fn add(&mut self, canvas: &[u8], millis: u32) -> Result<(), UnpackFailure> {
        self.write(canvas, millis).map_err(|error| failure(&error))?;
        self.canvas.clear();
        self.canvas.extend_from_slice(canvas);
        Ok(())
    }

    fn write(&mut self, canvas: &[u8], millis: u32) -> Result<(), EncodingError> {
        let (numerator, denominator) = delay(millis);
        self.writer.set_frame_delay(numerator, denominator)?;
        if self.canvas.is_empty() {
            return self.writer.write_image_data(canvas);
        }
        let Patch { left, top, width, height } = Patch::between(&self.canvas, canvas, self.width);
        self.writer.reset_frame_position()?;
        self.writer.set_frame_dimension(width as u32, height as u32)?;
        self.writer.set_frame_position(left as u32, top as u32)?;
        let rows = (top..top + height).map(|row| (row * self.width + left) * PIXEL_BYTES);
        let pixels: Vec<u8> = rows.flat_map(|start| &canvas[start..start + width * PIXEL_BYTES]).copied().collect();
        self.writer.write_image_data(&pixels)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<(), UnpackFailure> {
        self.writer.finish().map_err(|error| failure(&error))
    }
}

/// The rectangle that holds all changes between two canvases; one pixel if there are none.
#[derive(Debug, PartialEq, Eq)]
struct Patch {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Patch {
    fn between(old: &[u8], new: &[u8], width: usize) -> Self {
        let rows = || old.chunks_exact(width * PIXEL_BYTES).zip(new.chunks_exact(width * PIXEL_BYTES));
        let differs = |(old, new): (&[u8], &[u8])| old != new;
        let Some(top) = rows().position(differs) else { return Self { left: 0, top: 0, width: 1, height: 1 } };
        let bottom = rows().rposition(differs).unwrap_or(top);
        let (mut left, mut right) = (width, 0);
        for (old, new) in rows().skip(top).take(bottom - top + 1) {
            let pixels = || old.chunks_exact(PIXEL_BYTES).zip(new.chunks_exact(PIXEL_BYTES));
            left = pixels().position(differs).map_or(left, |column| column.min(left));
            right = pixels().rposition(differs).map_or(right, |column| column.max(right));
        }
        Self { left, top, width: right - left + 1, height: bottom - top + 1 }
    }
}

/// A delay of PNG: seconds as a fraction of 16-bit numbers. Longer than a minute, it has tenths of
/// the precision.
fn delay(millis: u32) -> (u16, u16) {
    for (millis_per_unit, units_per_second) in [(1, 1000), (10, 100), (100, 10)] {
        if let Ok(units) = u16::try_from(millis / millis_per_unit) {
            return (units, units_per_second);
        }
    }
    (u16::try_from(millis / 1000).unwrap_or(u16::MAX), 1)
}

fn failure(error: &EncodingError) -> UnpackFailure {
    match error {
        EncodingError::IoError(error) if error.kind() == io::ErrorKind::FileTooLarge => UnpackFailure::TooManyBytes,
        EncodingError::IoError(error) => {
            // Known causes, such as a full disk, are read from here.
            eprintln!("{error}");
            UnpackFailure::Io
        }
        _ => UnpackFailure::Damaged,
    }
}

/// A writer that fails with [`io::ErrorKind::FileTooLarge`] after a number of bytes.
struct Bounded<W> {
    out: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_holds_all_changes() {
        let old = vec![0; 6 * 4 * PIXEL_BYTES];
        let changed = |pixels: &[(usize, usize)]| {
            let mut new = old.clone();
            for (x, y) in pixels {
                new[(y * 6 + x) * PIXEL_BYTES + 3] = 9;
            }
            Patch::between(&old, &new, 6)
        };
        assert_eq!(changed(&[]), Patch { left: 0, top: 0, width: 1, height: 1 });
        assert_eq!(changed(&[(2, 3)]), Patch { left: 2, top: 3, width: 1, height: 1 });
        assert_eq!(changed(&[(4, 1), (1, 2)]), Patch { left: 1, top: 1, width: 4, height: 2 });
    }

    #[test]
    fn delays_of_any_length_fit() {
        assert_eq!([delay(40), delay(65_535), delay(70_000)], [(40, 1000), (65_535, 1000), (7000, 100)]);
        assert_eq!([delay(0xFF_FFFF), delay(u32::MAX)], [(16_777, 1), (65_535, 1)]);
    }
}
