//! The state that routes share: the services behind them, and their settings.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use clearcut_job::{Clock, ImageCutRequest, OutputFormat};
use clearcut_outbound::AddressPolicy;
use clearcut_queue::Queue;
use clearcut_store::{DEFAULT_DISK_FLOOR_BYTES, Store, UrlSigner};

use crate::{BodyLimits, InteractiveWorker, OneTimeLink, Readiness, Traffic};

/// Shared state of the routes.
#[derive(Debug, Clone)]
pub struct Api {
    /// Jobs and API keys.
    pub queue: Arc<dyn Queue>,
    /// Uploads and outputs.
    pub store: Store,
    /// Signs and checks the links to outputs.
    pub signer: Arc<UrlSigner>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// The checks of `/readyz` beyond database and disk.
    pub readiness: Arc<dyn Readiness>,
    /// Makes previews and works on images.
    pub interactive: Arc<dyn InteractiveWorker>,
    /// Requests in progress, and rate limits.
    pub traffic: Arc<Traffic>,
    /// The sign-in link that a new server printed.
    pub link: Arc<OneTimeLink>,
    /// Limits and options.
    pub settings: Arc<ApiSettings>,
}

/// Limits and options of the API.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Base URL of links, such as `https://cut.example.com`. `None` uses the `Host` header of the
    /// request.
    pub public_url: Option<String>,
    /// Whether clients read outputs from the store, and put clips into it, by presigned URLs. Otherwise
    /// this server passes them on. Default: no.
    pub presigned_results: bool,
    /// Formats that this server can encode. Others are refused with `FORMAT_UNAVAILABLE`.
    pub available_formats: Vec<OutputFormat>,
    /// Whether this server has a neural model. Without one, `method=ai` is refused.
    pub has_model: bool,
    /// Limits on the size and speed of request bodies.
    pub body: BodyLimits,
    /// Lifetime of links to outputs. Default 1 h.
    pub link_ttl: Duration,
    /// Timeout of the synchronous endpoint. Clients wait 180 s or more. Default 170 s.
    pub sync_wait: Duration,
    /// Hosts that user-supplied URLs of clips and webhooks may reach. Default: public addresses.
    pub address_policy: AddressPolicy,
    /// Free bytes on the data disk below which uploads are refused. Default
    /// [`DEFAULT_DISK_FLOOR_BYTES`].
    pub disk_floor_bytes: u64,
    /// Concurrent cuts, for estimating when a queued job starts. Default 1.
    pub slots: NonZeroUsize,
    /// Submits and images per minute and API key, unless the API key has its own limit. Default 600.
    pub submits_per_minute: u32,
    /// Previews per minute and API key. Default 240: dragging a slider requests two or three per
    /// second.
    pub previews_per_minute: u32,
    /// Other requests per minute and API key, unless the API key has its own limit. Default 60,000:
    /// a client that polls every two seconds reaches it with two thousand jobs.
    pub requests_per_minute: u32,
    /// Concurrent requests per API key that wait for a job. Default 1,000.
    pub max_waits: usize,
    /// Concurrent incoming clips per API key. Each takes some memory and two open files. Default
    /// 64.
    pub max_intakes_per_key: usize,
    /// Concurrent previews per API key, including those that wait for a free slot. Default 4: the
    /// page cancels previews that it no longer needs.
    pub max_previews: usize,
    /// Concurrent images per API key, including those that wait for a free slot. Default 16.
    pub max_images: usize,
    /// Maximum size of an image in bytes. Default [`MAX_IMAGE_BYTES`].
    pub max_image_bytes: u64,
}

/// Maximum size of an image in bytes.
pub const MAX_IMAGE_BYTES: u64 = ImageCutRequest::MAX_IMAGE_BYTES;

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            presigned_results: false,
            available_formats: OutputFormat::ALL.into(),
            has_model: false,
            body: BodyLimits::default(),
            link_ttl: Duration::from_hours(1),
            sync_wait: Duration::from_secs(170),
            address_policy: AddressPolicy::default(),
            disk_floor_bytes: DEFAULT_DISK_FLOOR_BYTES,
            slots: NonZeroUsize::MIN,
            submits_per_minute: 600,
            previews_per_minute: 240,
            requests_per_minute: 60_000,
            max_waits: 1000,
            max_intakes_per_key: 64,
            max_previews: 4,
            max_images: 4,
            max_image_bytes: MAX_IMAGE_BYTES,
        }
    }
}
