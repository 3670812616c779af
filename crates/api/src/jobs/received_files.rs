//! The files of a request, stored as they arrive: one file, or several images in one bundle.

use bytes::Bytes;
use clearcut_job::{Accepted, Container, ImageCutRequest, ObjectName, StoredObject};
use clearcut_queue::KeyId;
use clearcut_store::Reservation;

use crate::{
    Api, ApiError,
    jobs::{image_bundle::ImageBundle, part::Part},
    random::draw_random,
    uploads::quota::ClipUpload,
};

/// What the file of a request may be, and how long it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileRules {
    accepted: Accepted,
    /// Maximum size of a file; of several images, of each.
    max_bytes: u64,
    /// The file is stored as long as its job, and counts against the quota of its API key. Otherwise
    /// it is stored until the end of the request.
    belongs_to_job: bool,
    /// Several files may be given, and become one.
    are_bundled: bool,
}

impl FileRules {
    pub(crate) fn clip_of_job(api: &Api) -> Self {
        Self { belongs_to_job: true, ..Self::clip_of_request(api) }
    }

    pub(crate) fn clip_of_request(api: &Api) -> Self {
        let max_bytes = api.settings.body.max_bytes;
        Self { accepted: Accepted::Videos, max_bytes, belongs_to_job: false, are_bundled: false }
    }

    pub(crate) fn background_of_job(api: &Api) -> Self {
        Self { accepted: Accepted::Backgrounds, ..Self::clip_of_job(api) }
    }

    pub(crate) fn image_of_request(api: &Api) -> Self {
        let max_bytes = api.settings.max_image_bytes.min(api.settings.body.max_bytes);
        Self { accepted: Accepted::Images, max_bytes, ..Self::clip_of_request(api) }
    }

    pub(crate) fn images_of_job(api: &Api) -> Self {
        let accepted = Accepted::ImagesAndArchives;
        Self { accepted, belongs_to_job: true, are_bundled: true, ..Self::image_of_request(api) }
    }

    /// Most files of a request.
    pub(crate) const fn max_files(&self) -> usize {
        if self.are_bundled { ImageCutRequest::MAX_IMAGES } else { 1 }
    }
}

/// The files of a request that arrived so far. Dropping it removes them.
pub(crate) struct ReceivedFiles {
    rules: FileRules,
    /// The disk space of the files, until one takes it.
    space: Option<Reservation>,
    incoming: Option<Incoming>,
    /// Name of the file; of several, [`SEVERAL`].
    pub(crate) name: Option<String>,
}

/// Files on their way into the store, where they become one object.
enum Incoming {
    File(Box<ClipUpload>),
    Bundle(Box<ImageBundle>),
}

impl ReceivedFiles {
    /// No files yet, which will take `space`.
    pub(crate) const fn new(rules: FileRules, space: Reservation) -> Self {
        Self { rules, space: Some(space), incoming: None, name: None }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }

    /// Stores a part with a file. A part without bytes and name is that of a form in which no file is
    /// chosen.
    pub(crate) async fn take(
        &mut self,
        (api, owner): (&Api, KeyId),
        mut part: Part<'_>,
        name: Option<String>,
    ) -> Result<(), ApiError> {
        let head = part.read_head(Accepted::SNIFF_BYTES).await?;
        if head.is_empty() && name.is_none() {
            return Ok(());
        }
        // The path of a file instead of the file.
        if name.is_none() && head.len() <= MAX_PATH_BYTES && head.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(ApiError::Request(NO_FILE.to_owned()));
        }
        let is_bundled = self.rules.are_bundled && !Container::is_archive(&head);
        match &mut self.incoming {
            None if is_bundled => {
                let mut bundle = Box::new(ImageBundle::new(self.begin((api, owner)).await?));
                bundle.add(name.as_deref(), self.rules.max_bytes, (head, part)).await?;
                self.incoming = Some(Incoming::Bundle(bundle));
                self.name = name;
            }
            None => {
                let file = self.begin((api, owner)).await?;
                // Of an archive, the files in it are limited when they are unpacked.
                let max_bytes = if self.rules.are_bundled { api.settings.body.max_bytes } else { self.rules.max_bytes };
                let file = stream_file((file, max_bytes), (head, part)).await?;
                self.incoming = Some(Incoming::File(Box::new(file)));
                self.name = name;
            }
            Some(Incoming::Bundle(bundle)) if is_bundled => {
                bundle.add(name.as_deref(), self.rules.max_bytes, (head, part)).await?;
                self.name = Some(SEVERAL.to_owned());
            }
            Some(_) if self.rules.are_bundled => return Err(ApiError::Request(ARCHIVE_NOT_ALONE.to_owned())),
            Some(_) => {
                return Err(ApiError::Request("file is given twice; only one file is allowed".to_owned()));
            }
        }
        Ok(())
    }

    async fn begin(&mut self, (api, owner): (&Api, KeyId)) -> Result<ClipUpload, ApiError> {
        let space = self.space.take().ok_or(ApiError::Internal)?;
        let quota = self.rules.belongs_to_job.then(|| api.quota_of(owner));
        Ok(api.store.begin_clip(ObjectName::upload(draw_random()?), self.rules.accepted, space, quota).await?)
    }

    /// Makes the files one object of the store; `None` if there are none.
    pub(crate) async fn finish(self) -> Result<Option<StoredObject>, ApiError> {
        match self.incoming {
            None => Ok(None),
            Some(Incoming::File(file)) => Ok(Some(file.finish().await?)),
            Some(Incoming::Bundle(bundle)) => bundle.finish().await.map(Some),
        }
    }
}

/// Name of several images, after which their download is named.
const SEVERAL: &str = "images.zip";

/// Most bytes of a file without a name that is taken for a path.
const MAX_PATH_BYTES: usize = 1024;

const NO_FILE: &str = "file holds text and has no file name; to send a file with curl, write file=@PATH";

const ARCHIVE_NOT_ALONE: &str = "file is a ZIP archive beside other files; send one archive, or up to 500 images";

/// Streams the first bytes of the file and the others to the disk, and fails early if the file is of
/// no accepted kind or larger than `max_bytes`. Every early return drops it, which deletes the bytes
/// written.
async fn stream_file(
    (mut file, max_bytes): (ClipUpload, u64),
    (head, mut part): (Bytes, Part<'_>),
) -> Result<ClipUpload, ApiError> {
    let mut piece = (!head.is_empty()).then_some(head);
    while let Some(bytes) = piece {
        if file.size_bytes() + bytes.len() as u64 > max_bytes {
            return Err(ApiError::TooLarge { max_bytes });
        }
        file.write(bytes).await?;
        piece = part.next().await?;
    }
    file.check_type()?;
    Ok(file)
}
