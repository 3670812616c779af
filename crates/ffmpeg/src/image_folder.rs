//! ZIP archives of images: another process in the same sandbox unpacks them, one file after the
//! other.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    process::ChildStdout,
};

use clearcut_job::{ImageCutRequest, PackedState, UnpackFailure};

use crate::{
    Child, Error, ImageError, KillHandle, Tools, limits::ChildLimits, tools::duplicate_as_stdin, unpacking::has_crashed,
};

/// Size limit of all files of an archive together.
const MAX_BYTES: u64 = 16 << 30;

/// Longest name in an archive: 65,535 bytes, of which each may become three in UTF-8.
const MAX_NAME_BYTES: u64 = 3 * 65_535;

/// The files of a ZIP archive, as a process unpacks them. It waits while no file is taken.
#[derive(Debug)]
pub struct ImageFolder {
    child: Child,
    pipe: ChildStdout,
}

/// A file of an archive.
#[derive(Debug)]
pub struct PackedImage {
    /// Its untrusted path in the archive.
    pub name: String,
    /// Why it cannot be read.
    pub content: Result<(), ImageError>,
}

impl Tools {
    /// Starts to unpack the ZIP archive in `input`.
    ///
    /// # Errors
    /// [`Error::UnpackerMissing`], [`Error::Io`], [`Error::Spawn`].
    pub fn unpack_images(&self, input: &File) -> Result<ImageFolder, Error> {
        let program = self.unpacker().ok_or(Error::UnpackerMissing { container: "zip" })?;
        let mut command = self.sandbox().command_alone(program, ChildLimits::UNPACKING);
        let limits = [ImageCutRequest::MAX_IMAGES as u64, ImageCutRequest::MAX_IMAGE_BYTES, MAX_BYTES];
        command.arg("unpack-images").args(limits.map(|limit| limit.to_string()));
        let mut child = Child::spawn("unpacking the images", command, duplicate_as_stdin(input)?).map_err(reason)?;
        let pipe = child.take_stdout().ok_or(ImageError::Damaged)?;
        Ok(ImageFolder { child, pipe })
    }
}

impl ImageFolder {
    /// A handle that kills the process from another thread; its results are then errors.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.child.kill_handle()
    }

    /// The number of files. Blocks. Called once, before [`Self::next_file`].
    ///
    /// # Errors
    /// [`Error::Image`] if the archive is at fault, [`Error::UnpackerMissing`].
    pub fn count(mut self) -> Result<(Self, usize), Error> {
        match read_number(&mut self.pipe) {
            Ok(count) if (1..=ImageCutRequest::MAX_IMAGES as u64).contains(&count) => Ok((self, count as usize)),
            _ => Err(self.end()),
        }
    }

    /// Writes the bytes of the next file to `into`. Blocks. Called as often as there are files.
    ///
    /// # Errors
    /// As [`Self::count`]; [`Error::DiskFull`] if `into` has no room.
    pub fn next_file(mut self, into: &mut File) -> Result<(Self, PackedImage), Error> {
        match read_file(&mut self.pipe, into) {
            Ok(image) => Ok((self, image)),
            Err(Broken::File(source)) => Err(Error::from_io("unpacking the images", source)),
            Err(Broken::Pipe) => Err(self.end()),
        }
    }

    /// Why the process wrote something else than expected: its end says why.
    fn end(self) -> Error {
        let Self { child, pipe } = self;
        // A process that still writes ends by itself, because nobody reads.
        drop(pipe);
        child.wait().map_or_else(reason, |()| ImageError::Damaged.into())
    }
}

/// Where a file could not be copied.
enum Broken {
    Pipe,
    File(io::Error),
}

fn read_number(pipe: &mut impl Read) -> Result<u64, Broken> {
    let mut number = [0; 8];
    pipe.read_exact(&mut number).map_err(|_| Broken::Pipe)?;
    Ok(u64::from_le_bytes(number))
}

/// The process reads untrusted files, so every length is checked.
fn read_length(pipe: &mut impl Read, max: u64) -> Result<u64, Broken> {
    read_number(pipe).and_then(|length| if length <= max { Ok(length) } else { Err(Broken::Pipe) })
}

fn read_file(pipe: &mut impl Read, into: &mut File) -> Result<PackedImage, Broken> {
    let mut name = vec![0; read_length(pipe, MAX_NAME_BYTES)? as usize];
    pipe.read_exact(&mut name).map_err(|_| Broken::Pipe)?;
    let content = match PackedState::from_number(read_number(pipe)?).ok_or(Broken::Pipe)? {
        PackedState::Whole => Ok(()),
        PackedState::Damaged => Err(ImageError::Damaged),
        PackedState::TooLarge => Err(ImageError::TooLarge { max_bytes: ImageCutRequest::MAX_IMAGE_BYTES }),
    };
    let mut left = read_length(pipe, ImageCutRequest::MAX_IMAGE_BYTES)?;
    let mut piece = vec![0; 64 << 10];
    while left > 0 {
        let part = &mut piece[..left.min(64 << 10) as usize];
        pipe.read_exact(part).map_err(|_| Broken::Pipe)?;
        into.write_all(part).map_err(Broken::File)?;
        left -= part.len() as u64;
    }
    Ok(PackedImage { name: String::from_utf8_lossy(&name).into_owned(), content })
}

/// The reason that the exit code of the process gives.
fn reason(error: Error) -> Error {
    let status = match &error {
        Error::Failed { status, .. } => status,
        // The program was removed. Clips can still be cut, so this is no shortage.
        Error::Unstartable { .. } => return Error::UnpackerMissing { container: "zip" },
        Error::Media(_) => return ImageError::Archive { finding: "takes more memory or time than the limit" }.into(),
        _ => return error,
    };
    let finding = match status.code().and_then(UnpackFailure::from_exit_code) {
        Some(UnpackFailure::NoImages) => "holds no images",
        Some(UnpackFailure::TooManyImages) => "holds more than 500 files",
        Some(UnpackFailure::TooManyBytes) => "holds more than 16 GiB",
        Some(UnpackFailure::Encrypted) => "is encrypted",
        Some(UnpackFailure::Io) => return error,
        Some(_) => "is damaged or cut off",
        None if has_crashed(*status) => "is damaged or cut off",
        None => return error,
    };
    ImageError::Archive { finding }.into()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use super::*;

    #[test]
    fn the_exit_code_names_the_reason() {
        let reason = |code: u8| {
            let status = ExitStatus::from_raw(i32::from(code) << 8);
            reason(Error::Failed { program: "unpacking the images", status, stderr_tail: String::new() }).to_string()
        };
        let cases = [
            (UnpackFailure::NoImages, "the ZIP archive holds no images"),
            (UnpackFailure::TooManyImages, "the ZIP archive holds more than 500 files"),
            (UnpackFailure::TooManyBytes, "the ZIP archive holds more than 16 GiB"),
            (UnpackFailure::Encrypted, "the ZIP archive is encrypted"),
            (UnpackFailure::Damaged, "the ZIP archive is damaged or cut off"),
        ];
        for (failure, message) in cases {
            assert_eq!(reason(failure.exit_code()), message);
        }
        assert_eq!((ImageCutRequest::MAX_IMAGES, MAX_BYTES >> 30), (500, 16));
        assert_eq!(reason(101), "the ZIP archive is damaged or cut off");
    }

    #[test]
    fn lengths_over_a_limit_are_not_believed() {
        let mut file = tempfile::tempfile().unwrap();
        let number = |number: u64| number.to_le_bytes().to_vec();
        let fine = [number(1), b"a".to_vec(), number(0), number(2), b"xy".to_vec()].concat();
        assert!(
            read_file(&mut fine.as_slice(), &mut file).is_ok_and(|image| image.name == "a" && image.content.is_ok())
        );
        let long_name = number(MAX_NAME_BYTES + 1);
        let other_state = [number(0), number(3), number(0)].concat();
        let large = [number(0), number(0), number(ImageCutRequest::MAX_IMAGE_BYTES + 1)].concat();
        for bytes in [long_name, other_state, large, fine[..fine.len() - 1].to_vec()] {
            assert!(matches!(read_file(&mut bytes.as_slice(), &mut file), Err(Broken::Pipe)));
        }
    }
}
