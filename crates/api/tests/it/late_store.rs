//! A store whose answer comes late: the object is stored, and the server does not know it yet.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use tokio::sync::Notify;

/// Holds back the answer to the first object that is put, until it is released.
#[derive(Debug)]
pub(crate) struct LateStore {
    objects: Arc<InMemory>,
    has_held: AtomicBool,
    stored: Notify,
    released: Notify,
}

impl LateStore {
    pub(crate) fn over(objects: Arc<InMemory>) -> Arc<Self> {
        Arc::new(Self { objects, has_held: AtomicBool::new(false), stored: Notify::new(), released: Notify::new() })
    }

    /// Waits until the first object is stored.
    pub(crate) async fn stored(&self) {
        self.stored.notified().await;
    }

    /// Lets the answer through.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

impl fmt::Display for LateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LateStore")
    }
}

#[async_trait::async_trait]
impl ObjectStore for LateStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let answer = self.objects.put_opts(at, payload, options).await;
        if !self.has_held.swap(true, Ordering::SeqCst) {
            self.stored.notify_one();
            self.released.notified().await;
        }
        answer
    }

    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(at, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
