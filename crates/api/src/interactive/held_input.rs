//! The input of interactive work: an object that is held for the time of the request.

use clearcut_job::{InteractiveFailure, ObjectName, UploadId, error_line};
use clearcut_queue::KeyId;
use clearcut_store::Store;

use crate::{Api, ApiError, jobs::intake::Source};

/// An object that interactive work reads.
#[derive(Debug)]
pub(crate) struct HeldInput {
    pub(crate) name: ObjectName,
    _temporary: Option<TemporaryObject>,
}

impl HeldInput {
    /// Holds the input that `source` names. One at an address is fetched, as an image.
    pub(crate) async fn of(api: &Api, owner: KeyId, source: Source) -> Result<Self, ApiError> {
        match source {
            Source::Stored(stored) => Ok(Self::temporary(api, stored.name)),
            Source::Uploaded(id) => Ok(Self { name: find_upload(api, owner, &id).await?, _temporary: None }),
            Source::Address(target) => Ok(Self::temporary(api, api.interactive.fetch_image(target).await?.name)),
        }
    }

    fn temporary(api: &Api, name: ObjectName) -> Self {
        let temporary = TemporaryObject { store: api.store.clone(), name: name.clone() };
        Self { name, _temporary: Some(temporary) }
    }
}

/// Finds the object of a complete upload of `owner`.
async fn find_upload(api: &Api, owner: KeyId, id: &UploadId) -> Result<ObjectName, ApiError> {
    let upload = api.arrived_upload(id).await?.filter(|upload| upload.owner == owner);
    let object = upload.ok_or(ApiError::UploadNotFound)?.object.ok_or(ApiError::UploadUnfinished)?;
    Ok(object.name)
}

/// An object that came with the request. No record refers to it, so it is deleted when dropped,
/// however the request ends.
#[derive(Debug)]
struct TemporaryObject {
    store: Store,
    name: ObjectName,
}

impl Drop for TemporaryObject {
    fn drop(&mut self) {
        let (store, name) = (self.store.clone(), self.name.clone());
        tokio::spawn(async move {
            if let Err(error) = store.delete(&name).await {
                tracing::warn!(error = error_line(&error), %name, "the input of a request is left for the sweep");
            }
        });
    }
}

impl From<InteractiveFailure> for ApiError {
    fn from(reason: InteractiveFailure) -> Self {
        match reason {
            InteractiveFailure::Busy { retry_after_secs } => Self::WorkerBusy { retry_after_secs },
            InteractiveFailure::Gone => Self::UploadNotFound,
            InteractiveFailure::Failed(failure) => Self::JobFailed(failure),
        }
    }
}
