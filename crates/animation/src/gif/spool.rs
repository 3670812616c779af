//! Frames that wait on disk, compressed without loss, until the palette is known.

use std::io::{BufReader, BufWriter, IntoInnerError, Read, Seek, SeekFrom, Write};

use clearcut_frame::{Frame, Size};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use super::{indexed::LEAST_VISIBLE, palette::MAX_PER_FRAME};
use crate::{Error, rgba::Rgba};

/// A compressed frame and a sample of its visible colors.
pub(super) struct Packed {
    bytes: Vec<u8>,
    pub(super) colors: Vec<[u8; 3]>,
}

impl Packed {
    pub(super) fn new(frame: &Frame) -> Result<Self, Error> {
        let mut pixels = Rgba::from_frame(frame).pixels;
        for pixel in &mut pixels {
            if pixel[3] < LEAST_VISIBLE {
                *pixel = [0; 4];
            }
        }
        let visible = || pixels.iter().filter(|pixel| pixel[3] > 0);
        let step = visible().count() / MAX_PER_FRAME + 1;
        let colors = visible().step_by(step).map(|&[r, g, b, _]| [r, g, b]).collect();
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(pixels.as_flattened())?;
        Ok(Self { bytes: encoder.finish()?, colors })
    }
}

/// The file of packed frames: of each its length in bytes, then its pixels.
pub(super) struct Spool<F: Write>(BufWriter<F>);

impl<F: Read + Write + Seek> Spool<F> {
    pub(super) fn new(file: F) -> Self {
        Self(BufWriter::new(file))
    }

    pub(super) fn write(&mut self, frame: &Packed) -> Result<(), Error> {
        self.0.write_all(&(frame.bytes.len() as u64).to_le_bytes())?;
        Ok(self.0.write_all(&frame.bytes)?)
    }

    /// The pixels of the frames in order: R'G'B' and alpha.
    pub(super) fn read(self, size: Size) -> Result<impl Iterator<Item = Result<Vec<[u8; 4]>, Error>>, Error> {
        let mut file = self.0.into_inner().map_err(IntoInnerError::into_error)?;
        let end = file.stream_position()?;
        file.seek(SeekFrom::Start(0))?;
        let (mut file, mut at) = (BufReader::new(file), 0);
        Ok(std::iter::from_fn(move || {
            (at < end).then(|| {
                let mut length = [0; 8];
                file.read_exact(&mut length)?;
                let length = u64::from_le_bytes(length);
                at += 8 + length;
                let mut pixels = vec![[0; 4]; size.pixels() as usize];
                let mut packed = ZlibDecoder::new((&mut file).take(length));
                packed.read_exact(pixels.as_flattened_mut())?;
                std::io::copy(&mut packed.into_inner(), &mut std::io::sink())?;
                Ok(pixels)
            })
        }))
    }
}
