//! Bytes of an upload, on their way to the disk.

use axum::body::Body;
use bytes::Bytes;
use clearcut_job::SNIFF_BYTES;
use clearcut_queue::{InputPointer, QueueError, UploadRecord};
use clearcut_store::{Growing, ObjectName, StoreError, Stored, Upload};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{
    Api, ApiError,
    http::body_limits::{BodyFate, Verdict},
    jobs::intake::refuse_other_files,
    uploads::{locks::UploadGuard, room::Room},
};

/// After so many bytes what came is put on the disk and acknowledged, so that a crash costs no more than these.
const ACKNOWLEDGE_BYTES: u64 = 8 << 20;

/// The body of a request, with the reason if it was ended early.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) body: Body,
    pub(crate) fate: BodyFate,
    pub(crate) max_bytes: u64,
}

impl Incoming {
    fn explain(&self) -> ApiError {
        match self.fate.verdict() {
            Some(Verdict::TooLarge) => ApiError::TooLarge { max_bytes: self.max_bytes },
            Some(Verdict::TooSlow) => ApiError::TooSlow,
            None => ApiError::CutOff,
        }
    }
}

/// Takes a whole file into the store as an object of its own; when this fails, nothing is left of it.
pub(crate) async fn take_whole(
    (api, room): (&Api, &mut Room),
    guard: &UploadGuard,
    mut incoming: Incoming,
) -> Result<Stored, ApiError> {
    let mut upload: Upload = api.store.begin(ObjectName::upload(crate::random::draw_random()?)).await?;
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    let mut pieces = std::mem::take(&mut incoming.body).into_data_stream();
    loop {
        let piece: Bytes = tokio::select! {
            () = guard.wanted() => return Err(ApiError::UploadBusy),
            piece = pieces.next() => match piece {
                None => break,
                Some(piece) => piece.map_err(|_| incoming.explain())?,
            },
        };
        if head.len() < SNIFF_BYTES {
            head.extend_from_slice(&piece[..(SNIFF_BYTES - head.len()).min(piece.len())]);
            if head.len() == SNIFF_BYTES {
                refuse_other_files(&head)?;
            }
        }
        room.take(piece.len() as u64).await?;
        upload.write(piece).await?;
    }
    refuse_other_files(&head)?;
    Ok(upload.finish().await?)
}

/// What there is of an upload, with what comes now.
struct Appending<'a> {
    api: &'a Api,
    record: UploadRecord,
    name: ObjectName,
    growing: Growing,
    sniffed: bool,
}

/// Takes the next bytes of an upload, and acknowledges those that are on the disk, also if the body ends early or somebody
/// else wants to go on. Returns what is known of the upload then; it is whole if its length is known and reached.
pub(crate) async fn take_piece(
    (api, room): (&Api, &mut Room),
    guard: &UploadGuard,
    record: UploadRecord,
    incoming: Incoming,
) -> Result<UploadRecord, ApiError> {
    let name = ObjectName::partial(&record.id);
    let growing = api.store.grow(&name, record.received).await?;
    let sniffed = record.received >= SNIFF_BYTES as u64;
    let mut appending = Appending { api, record, name, growing, sniffed };
    let ended = appending.take(room, guard, incoming).await;
    if let Err(error @ ApiError::NotAVideo(_)) = ended {
        forget(api, &appending.record).await?;
        return Err(error);
    }
    appending.acknowledge().await?;
    ended?;
    finish_if_complete(api, appending.record).await
}

impl Appending<'_> {
    async fn take(&mut self, room: &mut Room, guard: &UploadGuard, mut incoming: Incoming) -> Result<(), ApiError> {
        let max_bytes = self.record.length.unwrap_or(incoming.max_bytes);
        let mut pieces = std::mem::take(&mut incoming.body).into_data_stream();
        loop {
            let piece: Bytes = tokio::select! {
                () = guard.wanted() => return Err(ApiError::UploadBusy),
                piece = pieces.next() => match piece {
                    None => return Ok(()),
                    Some(piece) => piece.map_err(|_| incoming.explain())?,
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

/// Makes an object of an upload whose bytes are all there.
pub(crate) async fn finish_if_complete(api: &Api, record: UploadRecord) -> Result<UploadRecord, ApiError> {
    if record.object.is_some() || record.length != Some(record.received) {
        return Ok(record);
    }
    let partial = ObjectName::partial(&record.id);
    let sniffed = sniff(api, &partial, record.received.min(SNIFF_BYTES as u64)).await;
    if let Err(error @ ApiError::NotAVideo(_)) = sniffed {
        forget(api, &record).await?;
        return Err(error);
    }
    sniffed?;
    let stored = api.store.adopt(&partial, ObjectName::upload(crate::random::draw_random()?)).await?;
    commit(api, &record, stored).await
}

/// Says that an upload is whole, and removes what is needed no more.
pub(crate) async fn commit(api: &Api, record: &UploadRecord, stored: Stored) -> Result<UploadRecord, ApiError> {
    let name = stored.name.clone();
    let object = InputPointer { key: name.to_string(), size_bytes: stored.size_bytes, sha256: stored.sha256 };
    let finished = api.queue.finish_upload(&record.id, object).await;
    let spare = match &finished {
        Ok(_) => Some(ObjectName::partial(&record.id)),
        Err(QueueError::NoSuchUpload | QueueError::QuotaExceeded { .. }) => Some(name),
        // Whether it was committed is not known: the sweeper will.
        Err(_) => None,
    };
    if let Some(spare) = spare {
        remove(api, &spare).await;
    }
    Ok(finished?)
}

/// Forgets an upload and removes what nothing points to any more.
pub(crate) async fn forget(api: &Api, record: &UploadRecord) -> Result<(), ApiError> {
    let unpointed = api.queue.drop_upload(&record.id).await?.ok_or(ApiError::UploadNotFound)?;
    for name in unpointed.iter().filter_map(|key| key.parse().ok()) {
        remove(api, &name).await;
    }
    Ok(())
}

async fn remove(api: &Api, name: &ObjectName) {
    if let Err(error) = api.store.delete(name).await {
        tracing::warn!(?error, %name, "an object is left for the sweeper");
    }
}

async fn sniff(api: &Api, name: &ObjectName, bytes: u64) -> Result<(), ApiError> {
    let pieces: Vec<Bytes> = match api.store.read(name, 0..bytes).await {
        Ok(pieces) => pieces.try_collect().await?,
        Err(StoreError::Missing) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    refuse_other_files(&pieces.concat()).map(drop)
}
