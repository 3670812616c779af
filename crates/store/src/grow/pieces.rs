//! Growing objects in a store whose objects cannot be appended to, such as S3.
//!
//! The bytes lie in pieces: the object `NAME/FROM` holds the bytes from `FROM` on, up to the next
//! piece. A piece is created and never written again, so of two processes that append to an object
//! at once, one creates the piece and the other is told that it exists. Bytes that the store has
//! are never lost, and any process can go on after the last piece.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use clearcut_job::{ObjectName, StoredObject};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, path::Path as Location};

use crate::{Store, StoreError};

/// Largest number of bytes of a piece.
const PIECE_BYTES: usize = 8 << 20;

/// Last part of the name of an object that a client has put into the store itself.
const DIRECT: &str = "direct";

/// An object open for appending, with the bytes that the store has not yet.
#[derive(Debug)]
pub(crate) struct GrowingPieces {
    objects: Arc<dyn ObjectStore>,
    name: ObjectName,
    /// Number of bytes in the store.
    saved: u64,
    unsaved: BytesMut,
}

impl GrowingPieces {
    /// Opens the object `name` for appending at byte `from`.
    pub(super) fn open(objects: Arc<dyn ObjectStore>, name: &ObjectName, from: u64) -> Self {
        Self { objects, name: name.clone(), saved: from, unsaved: BytesMut::new() }
    }

    /// Appends `bytes`, and writes each piece that they fill.
    pub(super) async fn write(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let (fits, more) = rest.split_at(rest.len().min(PIECE_BYTES - self.unsaved.len()));
            self.unsaved.extend_from_slice(fits);
            rest = more;
            if self.unsaved.len() == PIECE_BYTES {
                self.sync().await?;
            }
        }
        Ok(())
    }

    /// Writes the new bytes as a piece.
    pub(super) async fn sync(&mut self) -> Result<(), StoreError> {
        if !self.unsaved.is_empty() {
            let content = Bytes::copy_from_slice(&self.unsaved);
            let create = PutOptions::from(PutMode::Create);
            self.objects.put_opts(&piece(&self.name, self.saved), content.into(), create).await?;
            self.saved += self.unsaved.len() as u64;
            self.unsaved.clear();
        }
        Ok(())
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.saved + self.unsaved.len() as u64
    }
}

impl Store {
    /// The size of the growing object `name`, of which `known` bytes are acknowledged: another process
    /// may have appended more.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn grown(&self, name: &ObjectName, known: u64) -> Result<u64, StoreError> {
        if self.root.is_some() {
            return Ok(self.head(name).await?.size_bytes);
        }
        let pieces = self.pieces(name).await?;
        Ok(pieces.into_iter().fold(known, |end, piece| if piece.start == end { piece.end } else { end }))
    }

    /// Copies the first `size_bytes` of the growing object `grown` into the object `name`.
    pub(super) async fn join_pieces(
        &self,
        grown: &ObjectName,
        size_bytes: u64,
        name: ObjectName,
    ) -> Result<StoredObject, StoreError> {
        let mut pieces = self.read_pieces(grown, 0..size_bytes).await?;
        let mut upload = self.begin(name).await?;
        while let Some(bytes) = pieces.try_next().await? {
            upload.write(bytes).await?;
        }
        upload.finish().await
    }

    /// A stream of the bytes in `range` of the growing object `name`.
    pub(crate) async fn read_pieces(
        &self,
        name: &ObjectName,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let pieces = self.pieces(name).await?;
        let end = pieces.iter().fold(0, |end, piece| if piece.start == end { piece.end } else { end });
        if end < range.end {
            return Err(StoreError::Missing);
        }
        let parts: Vec<_> = pieces
            .into_iter()
            .map(|piece| (piece.start, range.start.max(piece.start)..range.end.min(piece.end)))
            .filter(|(_, wanted)| wanted.start < wanted.end)
            .collect();
        let (objects, name) = (self.objects.clone(), name.clone());
        Ok(stream::iter(parts)
            .then(move |(from, wanted)| {
                let (objects, place) = (objects.clone(), piece(&name, from));
                async move { Ok(objects.get_range(&place, wanted.start - from..wanted.end - from).await?) }
            })
            .boxed())
    }

    /// The ranges of all pieces of the growing object `name`, in their order.
    async fn pieces(&self, name: &ObjectName) -> Result<Vec<Range<u64>>, StoreError> {
        let found = self.objects.list(Some(&Location::from(name.as_str())));
        let mut pieces: Vec<_> = found
            .try_filter_map(|found| async move {
                let from = found.location.filename().and_then(|number| number.parse::<u64>().ok());
                Ok(from.map(|from| from..from + found.size))
            })
            .try_collect()
            .await?;
        pieces.sort_unstable_by_key(|piece| piece.start);
        Ok(pieces)
    }

    /// Removes all pieces of the growing object `name`, and what a client has put beside them.
    pub(crate) async fn delete_pieces(&self, name: &ObjectName) -> Result<(), StoreError> {
        let pieces = self.objects.list(Some(&Location::from(name.as_str()))).map_ok(|found| found.location);
        self.delete_places(pieces.boxed()).await
    }
}

/// The location of a piece. Numbers of equal length are listed in their order.
fn piece(name: &ObjectName, from: u64) -> Location {
    Location::from(format!("{name}/{from:020}"))
}

/// The location of what a client puts into the store itself.
pub(crate) fn direct(name: &ObjectName) -> Location {
    Location::from(format!("{name}/{DIRECT}"))
}

/// The growing object that a piece belongs to; `None` if the location is not that of a piece.
pub(crate) fn object_of_piece(location: &Location) -> Option<ObjectName> {
    let (name, piece) = location.as_ref().rsplit_once('/')?;
    let is_piece = piece == DIRECT || (!piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit()));
    let name: ObjectName = name.parse().ok()?;
    (is_piece && name.is_partial()).then_some(name)
}
