//! The images of one input: those of a ZIP archive, unpacked in the sandbox one after the other, or
//! the one image that it is.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    path::Path,
};

use clearcut_ffmpeg::{Container, Error as ToolError, ImageError, ImageFolder, Tools, first_bytes};
use clearcut_job::ImageCutRequest;

use crate::{Error, Stop};

/// The images of an input, in its order. Each is unpacked when it is taken.
#[derive(Debug)]
pub struct ImageSet<'a> {
    source: Source,
    /// Number of images that were not taken yet.
    left: usize,
    scratch: &'a Path,
    stop: &'a Stop,
}

#[derive(Debug)]
enum Source {
    One(Option<Result<File, Error>>),
    /// `None` after it failed.
    Folder(Option<ImageFolder>),
}

/// An image of an input.
#[derive(Debug)]
pub struct SetImage {
    /// Its untrusted path in the archive; `None` if it is the input itself.
    pub name: Option<String>,
    /// The file, which has no name.
    pub file: Result<File, Error>,
}

impl<'a> ImageSet<'a> {
    /// Opens the images of `input`. Files are unpacked into the folder `scratch`; the process that
    /// unpacks ends with `stop`.
    ///
    /// # Errors
    /// [`Error::Tool`] with an [`ImageError`] if the archive is at fault; [`Error::Cancelled`].
    pub fn open(tools: &Tools, input: &File, scratch: &'a Path, stop: &'a Stop) -> Result<Self, Error> {
        if !Container::is_archive(&first_bytes(input)?) {
            let io_error = |source| Error::Io { doing: "reading the image", source };
            let max_bytes = ImageCutRequest::MAX_IMAGE_BYTES;
            let image = if input.metadata().map_err(io_error)?.len() > max_bytes {
                Err(ToolError::from(ImageError::TooLarge { max_bytes }).into())
            } else {
                Ok(input.try_clone().map_err(io_error)?)
            };
            return Ok(Self { source: Source::One(Some(image)), left: 1, scratch, stop });
        }
        let (folder, left) = stop.counted(tools.unpack_images(input)?)?;
        Ok(Self { source: Source::Folder(Some(folder)), left, scratch, stop })
    }

    fn take(&mut self) -> Result<SetImage, Error> {
        let folder = match &mut self.source {
            Source::One(file) => {
                return Ok(SetImage { name: None, file: file.take().ok_or(Error::Cancelled)? });
            }
            Source::Folder(folder) => folder.take().ok_or(Error::Cancelled)?,
        };
        let io_error = |source| Error::Io { doing: "unpacking the images", source };
        let mut file = tempfile::tempfile_in(self.scratch).map_err(io_error)?;
        let next = folder.next_file(&mut file);
        self.stop.check()?;
        let (folder, image) = next?;
        // The process has nothing more to do behind the last file.
        self.source = Source::Folder((self.left > 0).then_some(folder));
        file.seek(SeekFrom::Start(0)).map_err(io_error)?;
        Ok(SetImage {
            name: Some(image.name),
            file: image.content.map(|()| file).map_err(|error| ToolError::from(error).into()),
        })
    }
}

impl Iterator for ImageSet<'_> {
    type Item = Result<SetImage, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let image = self.take();
        if image.is_err() {
            self.left = 0;
        }
        Some(image)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ImageSet<'_> {}
