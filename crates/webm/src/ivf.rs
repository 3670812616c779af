//! A reader for IVF, the container in which encoders hand over VP9: a header of 32 bytes, then each
//! frame after its length and number.

use std::io::{self, ErrorKind, Read};

use crate::Error;

const SIGNATURE: &[u8] = b"DKIF";
/// Upper limit for a frame length in bytes. No VP9 frame is nearly as long; a larger value means a
/// damaged file.
const MAX_FRAME_BYTES: u32 = 1 << 30;

/// Reads the frames of one stream, which comes in one or more files.
pub(crate) struct FrameReader<I, R> {
    /// The files that were not begun.
    files: I,
    /// The file that is read.
    file: Option<R>,
}

impl<I: Iterator<Item = io::Result<R>>, R: Read> FrameReader<I, R> {
    pub(crate) const fn new(files: I) -> Self {
        Self { files, file: None }
    }

    /// The next frame; `None` at the end of the last file.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Stream`] if a file is not IVF, ends within a frame, or is not the
    /// first and does not begin with a keyframe.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(file) = &mut self.file
                && let Some(frame) = next_frame(file)?
            {
                return Ok(Some(frame));
            }
            let is_first = self.file.is_none();
            let Some(file) = self.files.next() else { return Ok(None) };
            let file = self.file.insert(opened(file.map_err(Error::Read)?)?);
            if let Some(frame) = next_frame(file)? {
                if !is_first && !is_keyframe(&frame) {
                    return Err(Error::Stream("a piece does not begin with a keyframe"));
                }
                return Ok(Some(frame));
            }
        }
    }
}

/// `file` behind its header.
fn opened<R: Read>(mut file: R) -> Result<R, Error> {
    let mut header = [0; 32];
    file.read_exact(&mut header).map_err(Error::Read)?;
    if &header[..4] != SIGNATURE || header[6] != 32 {
        return Err(Error::Stream("no IVF header"));
    }
    Ok(file)
}

/// The next frame of one file; `None` at its end.
fn next_frame(file: &mut impl Read) -> Result<Option<Vec<u8>>, Error> {
    let mut header = [0; 12];
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(Error::Read(error)),
    }
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let mut frame = Vec::new();
    let read = file.by_ref().take(length.min(MAX_FRAME_BYTES).into()).read_to_end(&mut frame);
    if read.map_err(Error::Read)? != length as usize || length == 0 {
        return Err(Error::Stream("a frame is truncated"));
    }
    Ok(Some(frame))
}

/// Whether decoding can start at this VP9 frame: the uncompressed header ("VP9 Bitstream & Decoding
/// Process Specification", §6.2) marks it as a keyframe and not as the repetition of an existing
/// frame. In profiles 0 to 2 both bits are in the first byte.
pub(crate) fn is_keyframe(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 0b1100_1100 == 0b1000_0000)
}
