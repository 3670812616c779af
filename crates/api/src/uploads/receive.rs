//! Receiving the bytes of an upload: durable writes, acknowledgement, and completion.

use axum::body::Body;
use bytes::Bytes;
use clearcut_job::{ObjectName, SNIFF_BYTES, StoredObject};
use clearcut_queue::UploadRecord;
use clearcut_store::{GrowingObject, StoreError, Upload};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{
    Api, ApiError,
    http::body_limits::{BodyOutcome, BodyRefusal},
    jobs::intake::require_video,
    uploads::{locks::UploadGuard, room::Room},
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
        match self.outcome.refusal() {
            Some(BodyRefusal::TooLarge) => ApiError::TooLarge { max_bytes: self.max_bytes },
            Some(BodyRefusal::TooSlow) => ApiError::TooSlow,
            None => ApiError::BodyIncomplete,
        }
    }
}

/// Receives a whole file into a new object of the store. On failure, nothing is left of it.
pub(crate) async fn receive_whole(
    (api, room): (&Api, &mut Room),
    guard: &UploadGuard,
    mut incoming: IncomingBody,
) -> Result<StoredObject, ApiError> {
    let mut upload: Upload = api.store.begin(ObjectName::upload(crate::random::draw_random()?)).await?;
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    let mut pieces = std::mem::take(&mut incoming.body).into_data_stream();
    loop {
        let piece: Bytes = tokio::select! {
            () = guard.takeover_requested() => return Err(ApiError::UploadBusy),
            piece = pieces.next() => match piece {
                None => break,
                Some(piece) => piece.map_err(|_| incoming.error())?,
            },
        };
        if head.len() < SNIFF_BYTES {
            head.extend_from_slice(&piece[..(SNIFF_BYTES - head.len()).min(piece.len())]);
            if head.len() == SNIFF_BYTES {
                require_video(&head)?;
            }
        }
        room.take(piece.len() as u64).await?;
        upload.write(piece).await?;
    }
    require_video(&head)?;
    Ok(upload.finish().await?)
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
    (api, room): (&Api, &mut Room),
    guard: &UploadGuard,
    record: UploadRecord,
    incoming: IncomingBody,
) -> Result<UploadRecord, ApiError> {
    let name = ObjectName::partial(&record.id);
    let growing = api.store.grow(&name, record.received).await?;
    let sniffed = record.received >= SNIFF_BYTES as u64;
    let mut partial_upload = PartialUpload { api, record, name, growing, sniffed };
    let result = partial_upload.append(room, guard, incoming).await;
    if let Err(error @ ApiError::NotAVideo(_)) = result {
        delete_upload(api, &partial_upload.record).await?;
        return Err(error);
    }
    partial_upload.acknowledge().await?;
    result?;
    finish_if_complete(api, partial_upload.record).await
}

impl PartialUpload<'_> {
    async fn append(
        &mut self,
        room: &mut Room,
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
            room.take(piece.len() as u64).await?;
            self.growing.write(&piece).await?;
            if self.growing.size_bytes() - self.record.received >= ACKNOWLEDGE_BYTES {
                self.acknowledge().await?;
            }
            if !self.sniffed && self.growing.size_bytes() >= SNIFF_BYTES as u64 {
                self.growing.sync().await?;
                sniff(self.api, &self.name, SNIFF_BYTES as u64).await?;
                self.sniffed = true;
            }
        }
    }

    async fn acknowledge(&mut self) -> Result<(), ApiError> {
        let size_bytes = self.growing.sync().await?;
        let (id, from) = (&self.record.id, self.record.received);
        if size_bytes > from {
            self.api.queue.advance_upload(id, from, size_bytes, None).await?;
            self.record.received = size_bytes;
        }
        Ok(())
    }
}

/// Turns an upload into an object if all its bytes have arrived.
pub(crate) async fn finish_if_complete(api: &Api, record: UploadRecord) -> Result<UploadRecord, ApiError> {
    if record.object.is_some() || record.length != Some(record.received) {
        return Ok(record);
    }
    let partial = ObjectName::partial(&record.id);
    let sniffed = sniff(api, &partial, record.received.min(SNIFF_BYTES as u64)).await;
    if let Err(error @ ApiError::NotAVideo(_)) = sniffed {
        delete_upload(api, &record).await?;
        return Err(error);
    }
    sniffed?;
    let stored = api.store.adopt(&partial, ObjectName::upload(crate::random::draw_random()?)).await?;
    commit(api, &record, stored).await
}

/// Marks an upload as complete, and deletes the file that is no longer needed.
pub(crate) async fn commit(api: &Api, record: &UploadRecord, stored: StoredObject) -> Result<UploadRecord, ApiError> {
    let name = stored.name.clone();
    let finished = api.queue.finish_upload(&record.id, stored).await;
    match &finished {
        Ok(_) => delete_object(api, &ObjectName::partial(&record.id)).await,
        Err(_) => delete_unless_referenced(api, &name).await,
    }
    Ok(finished?)
}

/// Deletes an upload and the objects that no record refers to any more.
pub(crate) async fn delete_upload(api: &Api, record: &UploadRecord) -> Result<(), ApiError> {
    let orphaned = api.queue.drop_upload(&record.id).await?.ok_or(ApiError::UploadNotFound)?;
    for name in &orphaned {
        delete_object(api, name).await;
    }
    Ok(())
}

/// Deletes an object whose record was not committed. An error of the database may come from a commit
/// that took effect, so the database is asked first.
pub(crate) async fn delete_unless_referenced(api: &Api, name: &ObjectName) {
    match api.queue.referenced_objects(vec![name.clone()]).await {
        Ok(referenced) if referenced.is_empty() => delete_object(api, name).await,
        Ok(_) => {}
        Err(error) => tracing::warn!(?error, %name, "an object is left for the sweep"),
    }
}

async fn delete_object(api: &Api, name: &ObjectName) {
    if let Err(error) = api.store.delete(name).await {
        tracing::warn!(?error, %name, "an object is left for the sweep");
    }
}

/// Checks that the first `bytes` of an object are those of a supported video.
async fn sniff(api: &Api, name: &ObjectName, bytes: u64) -> Result<(), ApiError> {
    let pieces: Vec<Bytes> = match api.store.read(name, 0..bytes).await {
        Ok(pieces) => pieces.try_collect().await?,
        Err(StoreError::Missing) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    require_video(&pieces.concat()).map(drop)
}
