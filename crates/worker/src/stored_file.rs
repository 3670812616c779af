//! Stored objects of the worker's own, fetched and compared with their rows.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::Path,
};

use clearcut_job::{Sha256Hex, StoredObject};
use clearcut_store::{Store, StoreError};
use sha2::{Digest as _, Sha256};

/// Fetches an object that another worker stored to the new file `to`.
///
/// # Errors
/// If the store fails, or the bytes are not those that the worker stored.
pub(crate) async fn fetch_checked(store: &Store, object: &StoredObject, to: &Path) -> Result<(), StoreError> {
    store.fetch(&object.name, to).await?;
    let path = to.to_owned();
    let hashing = tokio::task::spawn_blocking(move || {
        let (mut file, mut hash, mut size_bytes) =
            (BufReader::with_capacity(1 << 16, File::open(path)?), Sha256::new(), 0);
        loop {
            let bytes = file.fill_buf()?;
            if bytes.is_empty() {
                return Ok::<_, io::Error>((size_bytes, Sha256Hex::of_digest(hash.finalize().into())));
            }
            hash.update(bytes);
            let count = bytes.len();
            size_bytes += count as u64;
            file.consume(count);
        }
    });
    let (size_bytes, sha256) = hashing.await.map_err(io::Error::other)??;
    if size_bytes != object.size_bytes || sha256 != object.sha256 {
        return Err(io::Error::other("an object is not as it was stored").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clearcut_job::ObjectName;

    use super::*;

    #[tokio::test]
    async fn an_object_with_other_bytes_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(&dir.path().join("objects")).unwrap();
        let mut upload = store.begin(ObjectName::upload(1)).await.unwrap();
        upload.write("files".into()).await.unwrap();
        let stored = upload.finish().await.unwrap();
        fetch_checked(&store, &stored, &dir.path().join("good")).await.unwrap();
        let other = StoredObject { sha256: Sha256Hex::of_digest([0; 32]), ..stored.clone() };
        fetch_checked(&store, &other, &dir.path().join("other")).await.unwrap_err();
        let shorter = StoredObject { size_bytes: 4, ..stored };
        fetch_checked(&store, &shorter, &dir.path().join("shorter")).await.unwrap_err();
    }
}
