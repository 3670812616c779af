//! Growing objects in a store whose objects cannot be appended to, such as S3.
//!
//! The bytes lie in pieces of [`PIECE_BYTES`]: piece `n` is the object `NAME/n` and holds the bytes
//! from `n * PIECE_BYTES` on. All pieces but the last are full. Bytes are appended to the last one by
//! writing it again, longer, under the same name, so that at every moment the store holds all
//! acknowledged bytes, and any process can go on.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use clearcut_job::{ObjectName, StoredObject};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{GetRange, ObjectStore, ObjectStoreExt as _, path::Path as Location};

use crate::{Store, StoreError};

/// Number of bytes of a full piece.
const PIECE_BYTES: usize = 8 << 20;

/// An object open for appending, with the bytes of its last piece.
#[derive(Debug)]
pub(crate) struct GrowingPieces {
    objects: Arc<dyn ObjectStore>,
    name: ObjectName,
    /// Number of full pieces before the last one.
    full: u64,
    last: BytesMut,
    /// Whether the last piece has bytes that the store has not.
    is_unsaved: bool,
}

impl GrowingPieces {
    /// Opens the object `name` for appending at byte `from`, after its last acknowledged byte.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the store has fewer than `from` bytes.
    pub(super) async fn open(objects: Arc<dyn ObjectStore>, name: &ObjectName, from: u64) -> Result<Self, StoreError> {
        let (full, kept) = (from / PIECE_BYTES as u64, from % PIECE_BYTES as u64);
        let mut last = BytesMut::with_capacity(PIECE_BYTES);
        if kept > 0 {
            last.extend_from_slice(&read_piece(objects.as_ref(), name, full, 0..kept).await?);
        } else if full > 0 {
            objects.head(&piece(name, full - 1)).await?;
        }
        Ok(Self { objects, name: name.clone(), full, last, is_unsaved: false })
    }

    /// Appends `bytes`, and writes each piece that they fill.
    pub(super) async fn write(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let (fits, more) = rest.split_at(rest.len().min(PIECE_BYTES - self.last.len()));
            self.last.extend_from_slice(fits);
            self.is_unsaved = true;
            rest = more;
            if self.last.len() == PIECE_BYTES {
                self.sync().await?;
                self.full += 1;
                self.last.clear();
            }
        }
        Ok(())
    }

    /// Writes the last piece if it has new bytes.
    pub(super) async fn sync(&mut self) -> Result<(), StoreError> {
        if self.is_unsaved {
            let content = Bytes::copy_from_slice(&self.last);
            self.objects.put(&piece(&self.name, self.full), content.into()).await?;
            self.is_unsaved = false;
        }
        Ok(())
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.full * PIECE_BYTES as u64 + self.last.len() as u64
    }
}

impl Store {
    /// Copies the first `size_bytes` of the growing object `grown` into the object `name`.
    pub(super) async fn join_pieces(
        &self,
        grown: &ObjectName,
        size_bytes: u64,
        name: ObjectName,
    ) -> Result<StoredObject, StoreError> {
        let mut pieces = self.read_pieces(grown, 0..size_bytes);
        let mut upload = self.begin(name).await?;
        loop {
            match pieces.try_next().await {
                Ok(Some(bytes)) => upload.write(bytes).await?,
                Ok(None) => return upload.finish().await,
                Err(error) => {
                    upload.abort().await?;
                    return Err(error);
                }
            }
        }
    }

    /// A stream of the bytes in `range` of the growing object `name`.
    pub(crate) fn read_pieces(
        &self,
        name: &ObjectName,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Bytes, StoreError>> {
        const BYTES: u64 = PIECE_BYTES as u64;
        let (objects, name) = (self.objects.clone(), name.clone());
        stream::iter(range.start / BYTES..range.end.div_ceil(BYTES))
            .then(move |number| {
                let within = range.start.saturating_sub(number * BYTES)..(range.end - number * BYTES).min(BYTES);
                let (objects, name) = (objects.clone(), name.clone());
                async move { read_piece(objects.as_ref(), &name, number, within).await }
            })
            .boxed()
    }

    /// Removes all pieces of the growing object `name`.
    pub(crate) async fn delete_pieces(&self, name: &ObjectName) -> Result<(), StoreError> {
        let pieces: Vec<_> = self.objects.list(Some(&Location::from(name.as_str()))).try_collect().await?;
        for found in pieces {
            match self.objects.delete(&found.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The location of a piece. Numbers of equal length are listed in their order.
fn piece(name: &ObjectName, number: u64) -> Location {
    Location::from(format!("{name}/{number:08}"))
}

/// The growing object that a piece belongs to; `None` if the location is not that of a piece.
pub(crate) fn object_of_piece(location: &Location) -> Option<ObjectName> {
    let (name, number) = location.as_ref().rsplit_once('/')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let name: ObjectName = name.parse().ok()?;
    (is_number && name.is_partial()).then_some(name)
}

/// The bytes of a piece within `wanted`.
async fn read_piece(
    objects: &dyn ObjectStore,
    name: &ObjectName,
    number: u64,
    wanted: Range<u64>,
) -> Result<Bytes, StoreError> {
    let options = object_store::GetOptions { range: Some(GetRange::Bounded(wanted.clone())), ..Default::default() };
    let bytes = objects.get_opts(&piece(name, number), options).await?.bytes().await?;
    if bytes.len() as u64 == wanted.end - wanted.start { Ok(bytes) } else { Err(StoreError::Missing) }
}
