//! The files that commands read: opened, and told apart as clips and still images.

use std::{fs::File, path::Path};

use clearcut_ffmpeg::{Error, ImageError};
use clearcut_job::{Container, NotImage, NotVideo, StillFormat};

use crate::failure::Failure;

/// Opens a clip or an image. It must be a regular file, because it is read at several positions at
/// once.
pub(crate) fn open_input(path: &Path) -> Result<File, Failure> {
    let meta = path.metadata().map_err(|error| Failure::input(path, &error))?;
    if !meta.is_file() {
        return Err(Failure::not_a_file(path));
    }
    File::open(path).map_err(|error| Failure::input(path, &error))
}

/// Whether a file is an animated image: a GIF, PNG or WebP. Its first frame can be cut as a still
/// image.
pub(crate) fn is_animation(file: &File) -> Result<bool, Failure> {
    let head = clearcut_ffmpeg::first_bytes(file)?;
    Ok(matches!(Container::sniff(&head), Ok(Container::Gif | Container::Apng | Container::Webp)))
}

/// Whether a file is a still image. An animation is a clip, and so is every GIF.
///
/// # Errors
/// If the file is an image of a kind that is not read.
pub(crate) fn is_image(file: &File) -> Result<bool, Failure> {
    let head = clearcut_ffmpeg::first_bytes(file)?;
    let Err(not_video) = Container::sniff(&head) else { return Ok(false) };
    match StillFormat::sniff(&head) {
        Ok(_) => Ok(true),
        // A clip says better what a sound file or an archive is.
        Err(reason @ NotImage::OtherKind { .. }) if !matches!(not_video, NotVideo::OtherKind { .. }) => {
            Err(Error::from(ImageError::from(reason)).into())
        }
        Err(_) => Ok(false),
    }
}
