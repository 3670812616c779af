//! Receiving the bytes of an upload: durable writes, acknowledgement, and completion.
//!
//! An upload that is sent whole is a [`ClipUpload`] like every clip. One that grows by tus is not,
//! because its pieces outlive requests and restarts: its file is durable before it is complete, its
//! first bytes are read back from the disk, its hash is taken at the end, and its record counts it
//! against the quota.

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use clearcut_job::{Accepted, ObjectName, StoredObject, UploadId, error_line};
use clearcut_queue::{QueueError, UploadRecord};
use clearcut_store::{GrowingObject, Reservation, StoreError};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{
    Api, ApiError,
    http::body_limits::BodyOutcome,
    uploads::{locks::UploadGuard, quota::ClipUpload},
};

/// Interval in bytes at which received bytes are synced and acknowledged. A crash loses at most
/// this many.
const ACKNOWLEDGE_BYTES: u64 = 8 << 20;

/// The body of a request, with the reason if the server ended it early.
#[derive(Debug)]
pub(crate) struct IncomingBody {
    pub(crate) body: Body,
    pub(crate) outcome: BodyOutcome,
    pub(crate) max_bytes: u64,
}

impl IncomingBody {
    fn error(&self) -> ApiError {
        self.outcome.error(self.max_bytes).unwrap_or(ApiError::BodyIncomplete)
    }
}

impl Api {
    /// The body of `request`, with its limits.
    pub(crate) fn incoming_body(&self, request: Request) -> IncomingBody {
        let outcome = request.extensions().get().cloned().unwrap_or_default();
        IncomingBody { outcome, max_bytes: self.settings.body.max_bytes, body: request.into_body() }
    }
}

/// Receives a whole file into `clip`. On failure, nothing is left of it.
pub(crate) async fn receive_whole(
    mut clip: ClipUpload,
    guard: &UploadGuard,
    mut incoming: IncomingBody,
) -> Result<StoredObject, ApiError> {
    let mut pieces = std::mem::take(&mut incoming.body).into_data_stream();
    loop {
        let piece = tokio::select! {
            () = guard.takeover_requested() => return Err(ApiError::UploadBusy),
            piece = pieces.next() => match piece {
                None => return Ok(clip.finish().await?),
                Some(piece) => piece.map_err(|_| incoming.error())?,
            },
        };
        clip.write(piece).await?;
    }
}

/// An incomplete upload to which bytes are appended.
struct PartialUpload<'a> {
    api: &'a Api,
    record: UploadRecord,
    name: ObjectName,
    growing: GrowingObject,
    sniffed: bool,
}

/// Receives the next bytes of an upload and acknowledges those that are durable, also if the body
/// ends early or another request takes over. Returns the updated record. The upload is complete if
/// its length is known and reached.
pub(crate) async fn receive_piece(
    (api, space): (&Api, &mut Reservation),
    guard: &UploadGuard,
    record: UploadRecord,
    incoming: IncomingBody,
) -> Result<UploadRecord, ApiError> {
    let name = ObjectName::partial(&record.id);
    let growing = api.store.grow(&name, record.received).await?;
    let sniffed = record.received >= Accepted::SNIFF_BYTES as u64;
    let mut partial_upload = PartialUpload { api, record, name, growing, sniffed };
    let result = partial_upload.append(space, guard, incoming).await;
    if result.as_ref().is_err_and(ApiError::is_wrong_kind) {
        delete_upload(api, &partial_upload.record).await?;
        return result.map(|()| partial_upload.record);
    }
    partial_upload.acknowledge().await?;
    result?;
    finish_if_complete(api, partial_upload.record).await
}

impl PartialUpload<'_> {
    async fn append(
        &mut self,
        space: &mut Reservation,
        guard: &UploadGuard,
        mut incoming: IncomingBody,
    ) -> Result<(), ApiError> {
        let max_bytes = self.record.length.unwrap_or(incoming.max_bytes);
        let mut pieces = std::mem::take(&mut incoming.body).into_data_stream();
        loop {
            let piece: Bytes = tokio::select! {
                () = guard.takeover_requested() => return Err(ApiError::UploadBusy),
                piece = pieces.next() => match piece {
                    None => return Ok(()),
                    Some(piece) => piece.map_err(|_| incoming.error())?,
                },
            };
            if self.growing.size_bytes() + piece.len() as u64 > max_bytes {
                return Err(ApiError::TooLarge { max_bytes });
            }
            space.take(piece.len() as u64).await?;
            self.growing.write(&piece).await?;
            if self.growing.size_bytes() - self.record.received >= ACKNOWLEDGE_BYTES {
                self.acknowledge().await?;
            }
            if !self.sniffed && self.growing.size_bytes() >= Accepted::SNIFF_BYTES as u64 {
                self.growing.sync().await?;
                sniff(self.api, &self.name, Accepted::SNIFF_BYTES as u64).await?;
                self.sniffed = true;
            }
        }
    }

    async fn acknowledge(&mut self) -> Result<(), ApiError> {
        let size_bytes = match self.growing.sync().await {
            Err(StoreError::Exists) => return Err(self.give_way().await?),
            size_bytes => size_bytes?,
        };
        while size_bytes > self.record.received {
            let (id, from) = (&self.record.id, self.record.received);
            match self.api.queue.advance_upload(id, from, size_bytes, None).await {
                Err(QueueError::NoSuchUpload) => {
                    let received = self.acknowledged_elsewhere().await?;
                    self.record.received = received.min(size_bytes);
                }
                advanced => {
                    advanced?;
                    self.record.received = size_bytes;
                }
            }
        }
        Ok(())
    }

    /// The number of bytes that other servers have acknowledged. One that came too late to append
    /// acknowledges what it finds, which is what this one has just stored.
    async fn acknowledged_elsewhere(&self) -> Result<u64, ApiError> {
        match self.api.queue.read_upload(&self.record.id).await? {
            Some(now) if now.object.is_none() && now.received > self.record.received => Ok(now.received),
            now => Err(overtaken(now.as_ref())),
        }
    }

    /// Gives way to another server that has appended to the upload, and acknowledges its bytes: it may
    /// have ended before it did. The client reads the new offset and continues there.
    async fn give_way(&self) -> Result<ApiError, ApiError> {
        let (id, from) = (&self.record.id, self.record.received);
        let size_bytes = self.api.store.grown(&self.name, from).await?;
        if size_bytes > from {
            match self.api.queue.advance_upload(id, from, size_bytes, None).await {
                Ok(()) | Err(QueueError::NoSuchUpload) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(overtaken(self.api.queue.read_upload(id).await?.as_ref()))
    }
}

/// Why an upload cannot go on that another server has changed meanwhile. `now` is its record.
pub(crate) fn overtaken(now: Option<&UploadRecord>) -> ApiError {
    match now {
        None => ApiError::UploadNotFound,
        Some(record) if record.object.is_some() => ApiError::UploadFinished,
        Some(_) => ApiError::UploadBusy,
    }
}

/// Turns an upload into an object if all its bytes have arrived.
pub(crate) async fn finish_if_complete(api: &Api, record: UploadRecord) -> Result<UploadRecord, ApiError> {
    if record.object.is_some() || record.length != Some(record.received) {
        return Ok(record);
    }
    let partial = ObjectName::partial(&record.id);
    let sniffed = sniff(api, &partial, record.received.min(Accepted::SNIFF_BYTES as u64)).await;
    if sniffed.as_ref().is_err_and(ApiError::is_wrong_kind) {
        delete_upload(api, &record).await?;
    }
    sniffed?;
    let whole = ObjectName::upload(crate::random::draw_random()?);
    let finished = match api.store.adopt(&partial, record.received, whole).await {
        Ok(stored) => commit(api, &record, stored).await,
        Err(error) => Err(error.into()),
    };
    match finished {
        // Another server may have completed the upload, and removed its pieces, meanwhile.
        Err(ApiError::UploadFinished | ApiError::FileGone) => completed_elsewhere(api, &record.id).await,
        finished => finished,
    }
}

async fn completed_elsewhere(api: &Api, id: &UploadId) -> Result<UploadRecord, ApiError> {
    let record = api.queue.read_upload(id).await?.ok_or(ApiError::UploadNotFound)?;
    if record.object.is_some() { Ok(record) } else { Err(ApiError::FileGone) }
}

/// Marks an upload as complete, and deletes the file that is no longer needed.
pub(crate) async fn commit(api: &Api, record: &UploadRecord, stored: StoredObject) -> Result<UploadRecord, ApiError> {
    let name = stored.name.clone();
    let finished = api.queue.finish_upload(&record.id, stored).await;
    match &finished {
        Ok(_) => delete_object(api, &ObjectName::partial(&record.id)).await,
        Err(_) => delete_unless_referenced(api, &name).await,
    }
    match finished {
        Err(QueueError::NoSuchUpload) => Err(overtaken(api.queue.read_upload(&record.id).await?.as_ref())),
        finished => Ok(finished?),
    }
}

/// Deletes an upload and the objects that no record refers to any more.
pub(crate) async fn delete_upload(api: &Api, record: &UploadRecord) -> Result<(), ApiError> {
    let orphaned = api.queue.drop_upload(&record.id).await?.ok_or(ApiError::UploadNotFound)?;
    for name in &orphaned {
        delete_object(api, name).await;
    }
    Ok(())
}

/// Deletes an object whose record was not committed. An error of the database may come from a
/// commit that took effect, so the database is asked first.
pub(crate) async fn delete_unless_referenced(api: &Api, name: &ObjectName) {
    match api.queue.referenced_objects(vec![name.clone()]).await {
        Ok(referenced) if referenced.is_empty() => delete_object(api, name).await,
        Ok(_) => {}
        Err(error) => tracing::warn!(error = error_line(&error), %name, "an object is left for the sweep"),
    }
}

async fn delete_object(api: &Api, name: &ObjectName) {
    if let Err(error) = api.store.delete(name).await {
        tracing::warn!(error = error_line(&error), %name, "an object is left for the sweep");
    }
}

/// Checks that the first `bytes` of an object are those of a supported clip or image.
async fn sniff(api: &Api, name: &ObjectName, bytes: u64) -> Result<(), ApiError> {
    Ok(Accepted::Everything.check(&api.read_head(name, bytes).await?)?)
}

impl Api {
    /// Reads the first `bytes` of an object; nothing of one that does not exist.
    pub(crate) async fn read_head(&self, name: &ObjectName, bytes: u64) -> Result<Vec<u8>, ApiError> {
        let pieces: Vec<Bytes> = match self.store.read(name, 0..bytes).await {
            Ok(pieces) => pieces.try_collect().await?,
            Err(StoreError::Missing) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(pieces.concat())
    }
}
