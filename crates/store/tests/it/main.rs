//! Integration tests of the store, on local files and on an object store.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod check;
mod s3;

use std::{fs, path::Path, sync::Arc, time::Duration};

use clearcut_job::{FencingToken, JobId, ObjectName, OutputFormat};
use clearcut_store::{Store, StoreError, StoreFault};
use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;

fn output(token: u64) -> ObjectName {
    ObjectName::output(&JobId::from_random(1), FencingToken(token), OutputFormat::Webm.into())
}

async fn bytes_of(store: &Store, name: &ObjectName, range: std::ops::Range<u64>) -> Vec<u8> {
    let pieces: Vec<bytes::Bytes> = store.read(name, range).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

fn files_under(folder: &Path) -> usize {
    let entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap).collect();
    entries.iter().map(|entry| if entry.path().is_dir() { files_under(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn a_stored_object_reads_back_in_full_and_by_range() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    // More than two parts, so that parts in flight at once must land in order.
    let content: Vec<u8> = (0..12_000_001_u32).map(|at| (at % 251) as u8).collect();
    let mut upload = store.begin(output(1)).await.unwrap();
    for piece in content.chunks(700_001) {
        upload.write(piece.to_vec().into()).await.unwrap();
    }
    let stored = upload.finish().await.unwrap();
    assert_eq!(stored.size_bytes, content.len() as u64);
    assert_eq!(store.head(&output(1)).await.unwrap().size_bytes, content.len() as u64);
    assert_eq!(bytes_of(&store, &output(1), 0..content.len() as u64).await, content);
    assert_eq!(bytes_of(&store, &output(1), 5_000_000..5_300_000).await, content[5_000_000..5_300_000]);
    assert_eq!(bytes_of(&store, &output(1), 7..7).await, Vec::<u8>::new());

    let copy = dir.path().join("copy");
    store.fetch(&output(1), &copy).await.unwrap();
    let again = store.put_file(output(2), &copy).await.unwrap();
    assert_eq!((again.size_bytes, again.sha256), (stored.size_bytes, stored.sha256));
}

#[tokio::test]
async fn the_stored_hash_is_the_sha256_of_the_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    let mut upload = store.begin(ObjectName::upload(1)).await.unwrap();
    upload.write("abc".into()).await.unwrap();
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(upload.finish().await.unwrap().sha256.as_str(), expected);
}

#[tokio::test]
async fn an_aborted_upload_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    let mut upload = store.begin(ObjectName::upload(1)).await.unwrap();
    upload.write(vec![1; 6 << 20].into()).await.unwrap();
    assert_eq!(store.list(ObjectName::UPLOADS).try_collect::<Vec<_>>().await.unwrap(), []);
    upload.abort().await.unwrap();
    assert_eq!(files_under(dir.path()), 0);
}

#[tokio::test]
async fn a_missing_object_is_reported_and_can_be_deleted_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    assert!(matches!(store.head(&output(1)).await, Err(StoreError::Missing)));
    assert!(matches!(store.read(&output(1), 0..1).await, Err(StoreError::Missing)));
    assert!(matches!(store.fetch(&output(1), &dir.path().join("x")).await, Err(StoreError::Missing)));
    store.delete(&output(1)).await.unwrap();
}

#[tokio::test]
async fn a_sweep_removes_stale_staging_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    let mut upload = store.begin(output(1)).await.unwrap();
    upload.write("whole".into()).await.unwrap();
    upload.finish().await.unwrap();
    let folder = dir.path().join("jobs").join(JobId::from_random(1).as_str()).join("2");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("webm.webm#1"), b"half").unwrap();
    assert_eq!(store.sweep_staging(Duration::from_hours(1)).await.unwrap(), 0);
    assert_eq!(store.sweep_staging(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(bytes_of(&store, &output(1), 0..5).await, b"whole");
}

#[tokio::test]
async fn deleting_the_last_output_of_a_job_removes_its_folders() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    let mut upload = store.begin(output(1)).await.unwrap();
    upload.write("x".into()).await.unwrap();
    upload.finish().await.unwrap();
    let listed: Vec<_> = store.list(ObjectName::JOBS).try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|info| info.name.clone()).collect::<Vec<_>>(), [output(1)]);
    store.delete(&output(1)).await.unwrap();
    assert!(!dir.path().join("jobs").join(JobId::from_random(1).as_str()).exists());
}

#[tokio::test]
async fn a_resumed_upload_continues_at_its_acknowledged_offset_and_is_adopted_completely() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    let partial = ObjectName::partial(&clearcut_job::UploadId::from_random(1));
    let mut growing = store.grow(&partial, 0).await.unwrap();
    growing.write(&"hello".into()).await.unwrap();
    assert_eq!(growing.sync().await.unwrap(), 5);
    // These bytes are never acknowledged.
    growing.write(&"lost and longer".into()).await.unwrap();
    growing.sync().await.unwrap();
    drop(growing);
    let mut growing = store.grow(&partial, 5).await.unwrap();
    growing.write(&" world".into()).await.unwrap();
    assert_eq!(growing.sync().await.unwrap(), 11);
    let old = fs::File::open(dir.path().join(partial.as_str())).unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    let name = ObjectName::upload(1);
    let stored = store.adopt(&partial, 11, name.clone()).await.unwrap();
    let hello_world = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    assert_eq!((stored.size_bytes, stored.sha256.as_str()), (11, hello_world));
    store.delete(&partial).await.unwrap();
    assert!(store.head(&name).await.unwrap().modified.0 > 1_000_000_000_000, "as old as its first bytes");
    assert_eq!(fs::read(dir.path().join(name.as_str())).unwrap(), b"hello world");
}

#[tokio::test]
async fn growing_past_the_stored_bytes_reports_missing_instead_of_filling_with_zeros() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::local(dir.path()).unwrap();
    let partial = ObjectName::partial(&clearcut_job::UploadId::from_random(1));
    assert!(matches!(store.grow(&partial, 1).await, Err(StoreError::Missing)));
    let other = ObjectName::partial(&clearcut_job::UploadId::from_random(2));
    assert!(matches!(store.adopt(&other, 1, ObjectName::upload(2)).await, Err(StoreError::Missing)));
}

fn remote() -> Store {
    Store::remote(Arc::new(InMemory::new()))
}

/// Reproducible bytes without a period that divides a piece.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn an_upload_to_an_object_store_goes_on_in_another_process_at_any_offset() {
    let store = remote();
    let partial = ObjectName::partial(&clearcut_job::UploadId::from_random(1));
    let content = content(20_000_003);
    let mut acknowledged = 0;
    for end in [5, 8 << 20, (8 << 20) + 1, 20_000_000, 20_000_003] {
        let mut growing = store.grow(&partial, acknowledged as u64).await.unwrap();
        for block in content[acknowledged..end].chunks(1_000_003) {
            growing.write(&block.to_vec().into()).await.unwrap();
        }
        assert_eq!(growing.sync().await.unwrap(), end as u64);
        // These bytes are never sent to the store: their process is killed.
        growing.write(&vec![255; 900_000].into()).await.unwrap();
        acknowledged = end;
    }
    assert_eq!(bytes_of(&store, &partial, 8_000_000..9_000_000).await, content[8_000_000..9_000_000]);
    let stored = store.adopt(&partial, acknowledged as u64, ObjectName::upload(1)).await.unwrap();
    assert_eq!(stored.size_bytes, content.len() as u64);
    assert_eq!(bytes_of(&store, &stored.name, 0..stored.size_bytes).await, content);
    let listed = async |prefix| store.list(prefix).map_ok(|found| found.name).try_collect::<Vec<_>>().await.unwrap();
    assert!(listed("partial").await.iter().all(|name| *name == partial));
    store.delete(&partial).await.unwrap();
    assert_eq!((listed("partial").await, listed("uploads").await), (vec![], vec![stored.name]));
}

#[tokio::test]
async fn of_two_processes_that_append_at_once_one_fails_and_no_byte_is_lost() {
    let store = remote();
    let partial = ObjectName::partial(&clearcut_job::UploadId::from_random(1));
    let [mut first, mut second] =
        [store.grow(&partial, 0).await.unwrap(), store.clone().grow(&partial, 0).await.unwrap()];
    let content = content(9_000_000);
    first.write(&content.clone().into()).await.unwrap();
    assert_eq!(first.sync().await.unwrap(), 9_000_000);
    second.write(&"late".into()).await.unwrap();
    assert!(matches!(second.sync().await, Err(StoreError::Exists)));
    // The first process may be dead before it acknowledges; the second one learns what it stored.
    assert_eq!(store.grown(&partial, 0).await.unwrap(), 9_000_000);
    let stored = store.adopt(&partial, 9_000_000, ObjectName::upload(1)).await.unwrap();
    assert_eq!(bytes_of(&store, &stored.name, 0..9_000_000).await, content);
}

#[tokio::test]
async fn an_object_store_that_has_lost_acknowledged_bytes_reports_them_missing() {
    let store = remote();
    let partial = ObjectName::partial(&clearcut_job::UploadId::from_random(1));
    for (from, text) in [(0, "hello"), (6, "world")] {
        let mut growing = store.grow(&partial, from).await.unwrap();
        growing.write(&text.into()).await.unwrap();
        growing.sync().await.unwrap();
    }
    for size_bytes in [6, 11, 12] {
        assert!(matches!(store.adopt(&partial, size_bytes, ObjectName::upload(1)).await, Err(StoreError::Missing)));
    }
    assert!(matches!(store.head(&ObjectName::upload(1)).await, Err(StoreError::Missing)));
}

#[tokio::test]
async fn an_object_of_an_object_store_is_never_replaced_and_its_bytes_are_compared_with_its_hash() {
    let (inner, dir) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
    let store = Store::remote(inner.clone());
    let put = async |bytes: Vec<u8>| {
        let mut upload = store.begin(output(1)).await.unwrap();
        upload.write(bytes.into()).await.unwrap();
        upload.finish().await
    };
    let stored = put(b"winner".to_vec()).await.unwrap();
    assert!(matches!(put(b"loser!".to_vec()).await, Err(StoreError::Exists)));
    // A request that was repeated although it had succeeded.
    assert_eq!(put(b"winner".to_vec()).await.unwrap(), stored);
    store.fetch_stored(&stored, &dir.path().join("a")).await.unwrap();
    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"winner");
    let place = object_store::path::Path::from(stored.name.as_str());
    object_store::ObjectStoreExt::put(inner.as_ref(), &place, "rotten".into()).await.unwrap();
    assert!(matches!(store.fetch_stored(&stored, &dir.path().join("b")).await, Err(StoreError::Altered)));
}

#[tokio::test]
async fn a_check_of_a_folder_leaves_nothing_and_names_a_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("objects");
    let store = Store::local(&root).unwrap();
    store.check().await.unwrap();
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    fs::remove_dir(&root).unwrap();
    assert_eq!(store.check().await.unwrap_err().fault, StoreFault::NoFolder);
    assert!(!root.exists());
}
