//! Frames on the disk, which can be read again in any order.

use std::{fs::File, io::Write, os::unix::fs::FileExt, path::Path};

use clearcut_frame::{Frame, FrameFormat};

use crate::{Error, stages::encode::spool_in};

/// Frames of one format that were kept in a file.
#[derive(Debug)]
pub(crate) struct KeptFrames {
    file: File,
    format: Option<FrameFormat>,
    count: u64,
}

impl KeptFrames {
    /// Without frames yet, in a file without a name in `scratch`.
    ///
    /// # Errors
    /// A full disk, or [`Error::Io`].
    pub(crate) fn in_folder(scratch: &Path) -> Result<Self, Error> {
        Ok(Self { file: spool_in(scratch)?, format: None, count: 0 })
    }

    /// Keeps `frame`, which has the format of those before. Blocks.
    ///
    /// # Errors
    /// A full disk, or [`Error::Io`].
    pub(crate) fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        let written = self.file.write_all(frame.bytes());
        written.map_err(|source| Error::from_write("keeping the frames of an output", source))?;
        self.format = Some(frame.format());
        self.count += 1;
        Ok(())
    }

    /// Number of the frames.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Format of the frames; `None` without one.
    pub(crate) const fn format(&self) -> Option<FrameFormat> {
        self.format
    }

    /// The frame of this number. Blocks.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Cancelled`] without a frame.
    pub(crate) fn read(&self, number: u64) -> Result<Frame, Error> {
        let format = self.format.ok_or(Error::Cancelled)?;
        let mut frame = Frame::new(format);
        let read = self.file.read_exact_at(frame.bytes_mut(), number * format.byte_len() as u64);
        read.map_err(|source| Error::Io { doing: "reading the frames of an output", source })?;
        Ok(frame)
    }
}
