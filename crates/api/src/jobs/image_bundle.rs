//! Several images of a request as one object: a ZIP archive without compression, written as they
//! arrive. The same files in the same order make the same archive.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use clearcut_job::{ImageCutRequest, ImagePaths, NotImage, RequestError, StillFormat, StoredObject};
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{ApiError, jobs::part::Part, uploads::quota::ClipUpload};

/// Images on their way into the store.
pub(crate) struct ImageBundle {
    upload: ClipUpload,
    archive: Box<ZipWriter<StreamWriter<Pieces>>>,
    /// What the archive has written and the store has not.
    pieces: Pieces,
    paths: ImagePaths,
    files: usize,
    images: usize,
    /// Why the first file that is no image is none.
    refusal: Option<NotImage>,
}

/// Bytes that wait for the store.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Vec<u8>>>);

impl Pieces {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ImageBundle {
    /// An empty bundle that becomes the object of `upload`.
    pub(crate) fn new(upload: ClipUpload) -> Self {
        let pieces = Pieces::default();
        let mut archive = Box::new(ZipWriter::new_stream(pieces.clone()));
        let comment = archive.set_raw_comment(ImageCutRequest::BUNDLE_COMMENT.into());
        debug_assert!(comment.is_ok(), "the comment is short");
        Self { upload, archive, pieces, paths: ImagePaths::default(), files: 0, images: 0, refusal: None }
    }

    /// Adds a file of at most `max_bytes`, which starts with `head`. One that is no image is added,
    /// too: the job reports it, unless all are.
    pub(crate) async fn add(
        &mut self,
        name: Option<&str>,
        max_bytes: u64,
        (head, mut part): (Bytes, Part<'_>),
    ) -> Result<(), ApiError> {
        if self.files == ImageCutRequest::MAX_IMAGES {
            let given = format!("more than {} files", ImageCutRequest::MAX_IMAGES);
            return Err(RequestError::new("file", &given, "1 to 500 images, or one ZIP archive of them").into());
        }
        self.files += 1;
        match StillFormat::sniff(&head) {
            Ok(_) => self.images += 1,
            Err(reason) => _ = self.refusal.get_or_insert(reason),
        }
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::DEFAULT);
        self.archive
            .start_file(self.paths.claim(name.unwrap_or_default()), options)
            .map_err(|error| internal(&error))?;
        let mut size_bytes = 0;
        let mut piece = Some(head);
        while let Some(bytes) = piece {
            size_bytes += bytes.len() as u64;
            if size_bytes > max_bytes {
                return Err(ApiError::TooLarge { max_bytes });
            }
            self.archive.write_all(&bytes).map_err(|error| internal(&error.into()))?;
            self.upload.write(self.pieces.take()).await?;
            piece = part.next().await?;
        }
        Ok(())
    }

    /// Completes the object.
    ///
    /// # Errors
    /// If none of the files is an image.
    pub(crate) async fn finish(self) -> Result<StoredObject, ApiError> {
        let Self { mut upload, archive, pieces, images, refusal, .. } = self;
        if images == 0 {
            return Err(refusal.unwrap_or(NotImage::Empty).into());
        }
        archive.finish().map_err(|error| internal(&error))?;
        upload.write(pieces.take()).await?;
        Ok(upload.finish().await?)
    }
}

fn internal(error: &ZipError) -> ApiError {
    tracing::error!(%error, "the images of a request could not be bundled");
    ApiError::Internal
}
