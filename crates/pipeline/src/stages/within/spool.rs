//! The frames of an output on the disk: they can be encoded more than once.

use std::{cell::RefCell, fs::File, io::Write, os::unix::fs::FileExt, path::Path, sync::Arc};

use clearcut_frame::{Frame, FrameFormat};

use crate::{Error, Stop, limit::Settings, shrink::shrunk, stages::encode::spool_in};

/// Frames that were kept in a file.
#[derive(Debug)]
pub(super) struct FrameSpool {
    file: File,
    format: FrameFormat,
    frames: u64,
    visible_pixels: u64,
}

impl FrameSpool {
    /// Keeps `frames`, of which there is at least one, in a file in `scratch`, all with alpha. Blocks.
    ///
    /// # Errors
    /// A full disk, or [`Error::Io`]; [`Error::Cancelled`] without a frame.
    pub(super) fn keep(scratch: &Path, frames: impl Iterator<Item = Arc<Frame>>) -> Result<Self, Error> {
        let failed = |source| Error::from_write("keeping the frames of an output", source);
        let mut file = spool_in(scratch)?;
        let (mut count, mut visible_pixels, mut last) = (0, 0, None::<Arc<Frame>>);
        for frame in frames {
            file.write_all(frame.bytes()).map_err(failed)?;
            let solid = vec![255; if frame.alpha().is_none() { frame.y().len() } else { 0 }];
            file.write_all(&solid).map_err(failed)?;
            count += 1;
            if last.as_ref().is_none_or(|last| last.bytes() != frame.bytes()) {
                let visible = |alpha: &[u8]| alpha.iter().filter(|alpha| **alpha > 0).count();
                visible_pixels += frame.alpha().map_or(frame.y().len(), visible) as u64;
            }
            last = Some(frame);
        }
        let format = last.map(|frame| frame.format().with_alpha()).ok_or(Error::Cancelled)?;
        Ok(Self { file, format, frames: count, visible_pixels })
    }

    /// Number of the frames.
    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    /// Sum over the frames of the pixels that are not clear, but for frames that repeat the one before.
    pub(super) const fn visible_pixels(&self) -> u64 {
        self.visible_pixels
    }

    /// The frames as `settings` have them, until the cut stops. An error ends them and is left in
    /// `failure`.
    pub(super) fn read<'a>(
        &'a self,
        settings: Settings,
        stop: &'a Stop,
        failure: &'a RefCell<Option<Error>>,
    ) -> impl Iterator<Item = Arc<Frame>> + 'a {
        let (kept, of) = settings.kept;
        let size = settings.size(self.format.size);
        let numbers = (0..settings.frames(self.frames)).map(move |index| index * u64::from(of) / u64::from(kept));
        numbers.take_while(|_| !stop.is_stopped()).map_while(move |number| {
            let frame = self
                .frame(number)
                .and_then(|frame| if size == frame.size() { Ok(frame) } else { shrunk(&frame, size) });
            frame.map_err(|error| failure.replace(Some(error))).ok().map(Arc::new)
        })
    }

    fn frame(&self, number: u64) -> Result<Frame, Error> {
        let mut frame = Frame::new(self.format);
        let at = number * self.format.byte_len() as u64;
        let read = self.file.read_exact_at(frame.bytes_mut(), at);
        read.map_err(|source| Error::Io { doing: "reading the frames of an output", source })?;
        Ok(frame)
    }
}
