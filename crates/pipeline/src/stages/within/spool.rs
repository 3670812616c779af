//! The frames of an output on the disk: they can be encoded more than once.

use std::{cell::RefCell, path::Path, sync::Arc};

use clearcut_frame::{Frame, FrameFormat};

use crate::{Error, Stop, kept_frames::KeptFrames, limit::Settings, shrink::shrunk};

/// Frames that were kept in a file.
#[derive(Debug)]
pub(super) struct FrameSpool {
    kept: KeptFrames,
    format: FrameFormat,
    visible_pixels: u64,
}

impl FrameSpool {
    /// Keeps `frames`, of which there is at least one, in a file in `scratch`, all with alpha. Blocks.
    ///
    /// # Errors
    /// A full disk, or [`Error::Io`]; [`Error::Cancelled`] without a frame.
    pub(super) fn keep(scratch: &Path, frames: impl Iterator<Item = Arc<Frame>>) -> Result<Self, Error> {
        let mut kept = KeptFrames::in_folder(scratch)?;
        let (mut visible_pixels, mut last) = (0, None::<Arc<Frame>>);
        for frame in frames {
            let solid = frame.alpha().is_none().then(|| solid(&frame)).flatten();
            kept.push(solid.as_ref().unwrap_or(&frame))?;
            if last.as_ref().is_none_or(|last| last.bytes() != frame.bytes()) {
                let visible = |alpha: &[u8]| alpha.iter().filter(|alpha| **alpha > 0).count();
                visible_pixels += frame.alpha().map_or(frame.y().len(), visible) as u64;
            }
            last = Some(frame);
        }
        let format = kept.format().ok_or(Error::Cancelled)?;
        Ok(Self { kept, format, visible_pixels })
    }

    /// Number of the frames.
    pub(super) const fn frames(&self) -> u64 {
        self.kept.count()
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
        let numbers = (0..settings.frames(self.kept.count())).map(move |index| index * u64::from(of) / u64::from(kept));
        numbers.take_while(|_| !stop.is_stopped()).map_while(move |number| {
            let frame = self.kept.read(number);
            let frame = frame.and_then(|frame| if size == frame.size() { Ok(frame) } else { shrunk(&frame, size) });
            frame.map_err(|error| failure.replace(Some(error))).ok().map(Arc::new)
        })
    }
}

/// An opaque frame with alpha.
fn solid(frame: &Frame) -> Option<Frame> {
    let bytes = [frame.bytes(), &vec![255; frame.y().len()]].concat();
    Frame::from_bytes(frame.format().with_alpha(), bytes)
}
