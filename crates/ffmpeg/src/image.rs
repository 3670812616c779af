//! Still images: another process in the same sandbox decodes, scales and encodes them.

use std::{
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read},
    process::ChildStdout,
};

use clearcut_frame::Size;
use clearcut_job::{EncodedImage, ImageEncoding, ImageFailure, ImageInfo, StillFormat};

use crate::{
    Child, Error, ImageError, KillHandle, MediaError, MediaLimits, Tools, limits::ChildLimits, probe::first_bytes,
    tools::duplicate_as_stdin, unpacking::has_crashed,
};

/// A running process that reads an image.
#[derive(Debug)]
pub struct ImageReading {
    format: StillFormat,
    child: Child,
    max_pixels: u64,
}

/// The pixels of an image.
#[derive(Debug)]
pub struct DecodedImage {
    /// What the image is. Its size is that of the file, turned upright.
    pub info: ImageInfo,
    /// Size of [`Self::rgba`].
    pub size: Size,
    /// Red, green, blue and straight alpha in sRGB, 8 bits each, row by row.
    pub rgba: Vec<u8>,
}

/// Longest description of an image, in bytes.
const MAX_INFO_BYTES: u64 = 4096;

/// Bytes that a file may have for each pixel, and for its headers: more than the worst image in any
/// format takes.
const MAX_BYTES_PER_PIXEL: u64 = 8;
const MAX_HEADER_BYTES: u64 = 1 << 20;

impl Tools {
    /// The format of the image in `input`, by its first bytes.
    ///
    /// # Errors
    /// [`Error::Image`] if it is none that is read, [`Error::Io`].
    pub fn still_format(&self, input: &File) -> Result<StillFormat, Error> {
        Ok(StillFormat::sniff(&first_bytes(input)?).map_err(ImageError::from)?)
    }

    /// Starts to read what the image in `input` is, for [`ImageReading::info`].
    ///
    /// # Errors
    /// [`Error::Image`] if the first bytes belong to no image that is read,
    /// [`Error::UnpackerMissing`], [`Error::Io`], [`Error::Spawn`].
    pub fn inspect_image(&self, input: &File, limits: &MediaLimits) -> Result<ImageReading, Error> {
        self.read_image(input, limits, "inspect", Vec::new())
    }

    /// Starts to read the size of the image in `input` from its headers, for
    /// [`ImageReading::size`].
    ///
    /// # Errors
    /// As [`Self::inspect_image`].
    pub fn size_image(&self, input: &File, limits: &MediaLimits) -> Result<ImageReading, Error> {
        self.read_image(input, limits, "size", Vec::new())
    }

    /// Starts to decode the image in `input`, for [`ImageReading::pixels`].
    ///
    /// # Errors
    /// As [`Self::inspect_image`].
    pub fn decode_image(&self, input: &File, limits: &MediaLimits) -> Result<ImageReading, Error> {
        self.read_image(input, limits, "pixels", Vec::new())
    }

    /// Starts to scale and encode the image in `input`, for [`ImageReading::files`] with the same
    /// encodings.
    ///
    /// # Errors
    /// As [`Self::inspect_image`].
    pub fn encode_image(
        &self,
        input: &File,
        limits: &MediaLimits,
        encodings: &[ImageEncoding],
    ) -> Result<ImageReading, Error> {
        let encodings = encodings.iter().map(|encoding| encoding.to_string().into());
        self.read_image(input, limits, "encode", encodings.collect())
    }

    fn read_image(
        &self,
        input: &File,
        limits: &MediaLimits,
        mode: &str,
        arguments: Vec<OsString>,
    ) -> Result<ImageReading, Error> {
        let format = self.still_format(input)?;
        let program = self.unpacker().ok_or(Error::UnpackerMissing { container: format.name() })?;
        let mut command = self.sandbox().command_alone(program, ChildLimits::IMAGE);
        command.args(["image", mode, &limits.max_image_pixels.to_string()]).args(arguments);
        let child =
            Child::spawn("reading the image", command, duplicate_as_stdin(input)?).map_err(|error| match error {
                // The program was removed. Clips can still be cut, so this is no shortage.
                Error::Unstartable { .. } => Error::UnpackerMissing { container: format.name() },
                other => other,
            })?;
        Ok(ImageReading { format, child, max_pixels: limits.max_image_pixels })
    }
}

impl ImageReading {
    /// A handle that kills the process from another thread; its results are then errors.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.child.kill_handle()
    }

    /// What the image is. Blocks.
    ///
    /// # Errors
    /// [`Error::Image`] if the image is at fault, [`Error::UnpackerMissing`].
    pub fn info(self) -> Result<ImageInfo, Error> {
        self.parts(|parts| parts.info().map(|(info, _)| info))
    }

    /// The size of [`Tools::size_image`]: that of the file, which may have to be turned upright.
    /// Blocks.
    ///
    /// # Errors
    /// As [`Self::info`].
    pub fn size(self) -> Result<Size, Error> {
        self.parts(|parts| {
            let size = parts.next(8)?;
            let side = |at: usize| Some(u32::from_le_bytes(size.get(at..at + 4)?.try_into().ok()?));
            let size = side(0).zip(side(4)).and_then(|(width, height)| Size::new(width, height));
            size.filter(|size| size.pixels() <= parts.max_pixels).ok_or(Reason::Known(ImageError::Damaged))
        })
    }

    /// The pixels of [`Tools::decode_image`]. Blocks.
    ///
    /// # Errors
    /// As [`Self::info`].
    pub fn pixels(self) -> Result<DecodedImage, Error> {
        self.parts(|parts| {
            let (info, size) = parts.info()?;
            Ok(DecodedImage { info, size, rgba: parts.pixels(size)? })
        })
    }

    /// The files of [`Tools::encode_image`], in the order of its encodings. Blocks.
    ///
    /// # Errors
    /// As [`Self::info`]; [`ImageError::ResultTooLarge`].
    pub fn files(self, encodings: &[ImageEncoding]) -> Result<Vec<EncodedImage>, Error> {
        self.parts(|parts| {
            let (_, source) = parts.info()?;
            let too_large = |encoding: &ImageEncoding| {
                Reason::Known(ImageError::ResultTooLarge { size: source, max_side: encoding.format.max_side() })
            };
            let sizes =
                encodings.iter().map(|encoding| encoding.output_size(source).ok_or_else(|| too_large(encoding)));
            let sizes = sizes.collect::<Result<Vec<Size>, _>>()?;
            let file = |(encoding, size): (&ImageEncoding, Size)| {
                let max_bytes = size.pixels() * MAX_BYTES_PER_PIXEL + MAX_HEADER_BYTES;
                Ok(EncodedImage { bytes: parts.next(max_bytes)?, format: encoding.format, size })
            };
            encodings.iter().zip(sizes).map(file).collect()
        })
    }

    /// What `read` makes of the parts that the process writes. If it fails, the end of the process
    /// says why.
    fn parts<T>(self, read: impl FnOnce(&mut Parts) -> Result<T, Reason>) -> Result<T, Error> {
        let Self { format, mut child, max_pixels } = self;
        let pipe = child.take_stdout().ok_or(ImageError::Damaged)?;
        let mut parts = Parts { pipe, format, max_pixels };
        let result = read(&mut parts);
        if let Err(Reason::Known(error)) = result {
            return Err(error.into());
        }
        drop(parts);
        child.wait().map_err(|error| reason(error, format, max_pixels))?;
        result.map_err(|_| ImageError::Damaged.into())
    }
}

/// Why the parts of an image could not be read.
enum Reason {
    /// The process ended, or wrote something else. Its exit code says why.
    Broken,
    /// For a reason found here.
    Known(ImageError),
}

/// The parts that the process writes: each a length of 64 bits and its bytes. The process reads
/// untrusted files, so every length is checked.
struct Parts {
    pipe: ChildStdout,
    format: StillFormat,
    max_pixels: u64,
}

impl Parts {
    /// The next part, if it has at most `max_bytes` bytes.
    fn next(&mut self, max_bytes: u64) -> Result<Vec<u8>, Reason> {
        let mut length = [0; 8];
        self.pipe.read_exact(&mut length).map_err(|_| Reason::Broken)?;
        let length = u64::from_le_bytes(length);
        if length > max_bytes {
            return Err(Reason::Known(ImageError::Damaged));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length as usize).map_err(|_| Reason::Known(ImageError::TooMuchMemory))?;
        match self.pipe.by_ref().take(length).read_to_end(&mut bytes) {
            Ok(read) if read as u64 == length => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::OutOfMemory => Err(Reason::Known(ImageError::TooMuchMemory)),
            Ok(_) | Err(_) => Err(Reason::Broken),
        }
    }

    fn info(&mut self) -> Result<(ImageInfo, Size), Reason> {
        let info: ImageInfo = serde_json::from_slice(&self.next(MAX_INFO_BYTES)?).map_err(|_| Reason::Broken)?;
        let size = info.size().filter(|size| size.pixels() <= self.max_pixels && info.format == self.format);
        Ok((info.sanitized(), size.ok_or(Reason::Known(ImageError::Damaged))?))
    }

    fn pixels(&mut self, size: Size) -> Result<Vec<u8>, Reason> {
        let bytes = self.next(4 * size.pixels())?;
        if bytes.len() as u64 == 4 * size.pixels() { Ok(bytes) } else { Err(Reason::Known(ImageError::Damaged)) }
    }
}

/// The reason that the exit code of the process gives.
fn reason(error: Error, format: StillFormat, max_pixels: u64) -> Error {
    let status = match &error {
        // What Rust's allocator says before it ends the process.
        Error::Failed { stderr_tail, .. } if stderr_tail.contains("memory allocation of") => {
            return ImageError::TooMuchMemory.into();
        }
        Error::Failed { status, .. } => status,
        Error::Unstartable { .. } => return Error::UnpackerMissing { container: format.name() },
        Error::Media(MediaError::TooMuchMemory) => return ImageError::TooMuchMemory.into(),
        Error::Media(MediaError::TooMuchWork) => return ImageError::TooMuchWork.into(),
        _ => return error,
    };
    let reason = match status.code().and_then(ImageFailure::from_exit_code) {
        Some(ImageFailure::Damaged) => ImageError::Damaged,
        Some(ImageFailure::TooManyPixels) => ImageError::TooManyPixels { limit: max_pixels / 1_000_000 },
        Some(ImageFailure::Unsupported) => ImageError::Unsupported { format },
        Some(ImageFailure::TooMuchMemory) => ImageError::TooMuchMemory,
        None if has_crashed(*status) => ImageError::Damaged,
        Some(ImageFailure::Io) | None => return error,
    };
    reason.into()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use super::*;

    #[test]
    fn the_exit_code_names_the_reason() {
        let reason = |code: i32| {
            let status = ExitStatus::from_raw(code << 8);
            let failed = Error::Failed { program: "reading the image", status, stderr_tail: String::new() };
            reason(failed, StillFormat::Png, 100_000_000)
        };
        let code = |failure: ImageFailure| i32::from(failure.exit_code());
        for damaged in [code(ImageFailure::Damaged), 101, 134] {
            assert!(matches!(reason(damaged), Error::Image(ImageError::Damaged)), "{damaged}");
        }
        let many = reason(code(ImageFailure::TooManyPixels));
        assert!(matches!(many, Error::Image(ImageError::TooManyPixels { limit: 100 })), "{many:?}");
        // The sandbox fails with 1, and a program that does not know the command with 2.
        for machine in [code(ImageFailure::Io), 1, 2] {
            assert!(matches!(reason(machine), Error::Failed { .. }), "{machine}");
        }
    }
}
