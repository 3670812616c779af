//! The sweep of a store: with very many objects, and of what clients put into it too late.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clearcut_job::{Clock as _, ManualClock, ObjectName, Sha256Hex, StoredObject, UnixMillis, UploadId};
use clearcut_queue::{KeyHash, Keys as _, MemoryQueue, NewKey, NewUpload, Policy, Uploads as _};
use clearcut_store::Store;
use clearcut_worker::sweep_orphans;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};

const OBJECTS: usize = 100_000;

/// A store that lists very many uploads, of which every tenth is young, and counts what it is asked.
#[derive(Debug)]
struct VeryFull {
    empty: InMemory,
    now: UnixMillis,
    listed: Arc<AtomicUsize>,
    deleted: Arc<AtomicUsize>,
    /// Most objects that were listed and not yet judged when some were deleted.
    held: Arc<AtomicUsize>,
}

impl fmt::Display for VeryFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VeryFull")
    }
}

#[async_trait::async_trait]
impl ObjectStore for VeryFull {
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if prefix.is_none_or(|prefix| prefix.as_ref() != ObjectName::UPLOADS) {
            return stream::empty().boxed();
        }
        let (listed, now) = (Arc::clone(&self.listed), self.now);
        stream::iter(0..OBJECTS)
            .map(move |number| {
                listed.fetch_add(1, Ordering::Relaxed);
                let age_ms = if number.is_multiple_of(10) { 1000 } else { 100_000_000 };
                Ok(ObjectMeta {
                    location: Path::from(ObjectName::upload(number as u128).as_str()),
                    last_modified: chrono::DateTime::from_timestamp_millis(now.0 - age_ms).unwrap(),
                    size: 1,
                    e_tag: None,
                    version: None,
                })
            })
            .boxed()
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (listed, deleted, held) = (Arc::clone(&self.listed), Arc::clone(&self.deleted), Arc::clone(&self.held));
        let mut is_first = true;
        locations
            .inspect(move |_| {
                let gone = deleted.fetch_add(1, Ordering::Relaxed);
                if std::mem::take(&mut is_first) {
                    // Nine of ten listed objects are deleted.
                    held.fetch_max(listed.load(Ordering::Relaxed) - gone * 10 / 9, Ordering::Relaxed);
                }
            })
            .boxed()
    }

    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.empty.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.empty.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.empty.get_opts(at, options).await
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.empty.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.empty.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_sweep_of_very_many_objects_holds_few_at_a_time_and_spares_young_ones() {
    let clock = Arc::new(ManualClock::at(UnixMillis(1_710_000_000_500)));
    let [listed, deleted, held] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let full = VeryFull {
        empty: InMemory::new(),
        now: clock.now(),
        listed: Arc::clone(&listed),
        deleted: Arc::clone(&deleted),
        held: Arc::clone(&held),
    };
    let store = Store::remote(Arc::new(full));
    let queue = MemoryQueue::new(clock.clone(), Policy::default());
    let removed = sweep_orphans(&queue, &store, clock.as_ref(), Duration::from_hours(1)).await.unwrap();
    assert_eq!((removed, deleted.load(Ordering::Relaxed)), (OBJECTS / 10 * 9, OBJECTS / 10 * 9));
    let held = held.load(Ordering::Relaxed);
    assert!(held <= 1001, "{held} objects were held at once");
}

/// A presigned URL of the store outlives its upload.
#[tokio::test]
async fn what_a_client_puts_to_a_complete_upload_is_removed_by_the_next_sweep() {
    let clock = Arc::new(ManualClock::at(UnixMillis(1_710_000_000_500)));
    let queue = MemoryQueue::new(clock.clone(), Policy::default());
    let key = NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("k") };
    let owner = queue.create_key(key).await.unwrap().id;
    let objects = Arc::new(InMemory::new());
    let [begun, complete] = [1, 2].map(UploadId::from_random);
    let place = |id: &UploadId| Path::from(format!("{}/direct", ObjectName::partial(id)));
    for id in [&begun, &complete] {
        let upload = NewUpload { id: id.clone(), owner, length: Some(4), metadata: String::new() };
        queue.create_upload(upload).await.unwrap();
        objects.put(&place(id), "clip".into()).await.unwrap();
    }
    let whole = StoredObject { name: ObjectName::upload(1), size_bytes: 4, sha256: Sha256Hex::of_digest([1; 32]) };
    queue.finish_upload(&complete, whole).await.unwrap();
    let store = Store::remote(objects.clone());
    let removed = sweep_orphans(&queue, &store, clock.as_ref(), Duration::from_hours(24)).await.unwrap();
    assert_eq!(removed, 1);
    objects.head(&place(&begun)).await.expect("its upload is not complete");
    objects.head(&place(&complete)).await.unwrap_err();
}
