//! What the routes work with: the services behind them, limits and choices.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use clearcut_job::{Clock, OutputFormat};
use clearcut_outbound::AddressPolicy;
use clearcut_queue::Queue;
use clearcut_store::{Store, UrlSigner};

use crate::{BodyLimits, OneTimeLink, Previewer, Readiness, Traffic};

/// What the routes work with.
#[derive(Debug, Clone)]
pub struct Api {
    /// Jobs and keys.
    pub queue: Arc<dyn Queue>,
    /// Uploads and outputs.
    pub store: Store,
    /// Signs and checks the links to outputs.
    pub signer: Arc<UrlSigner>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What `/readyz` asks.
    pub readiness: Arc<dyn Readiness>,
    /// Cuts single frames.
    pub previewer: Arc<dyn Previewer>,
    /// What is under way.
    pub traffic: Arc<Traffic>,
    /// What a fresh server printed for the first visit.
    pub link: Arc<OneTimeLink>,
    /// Limits and choices.
    pub settings: Arc<ApiSettings>,
}

/// Limits and choices of the API.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The address that links begin with, such as `https://cut.example.com`; `None` takes the `Host` of the request.
    pub public_url: Option<String>,
    /// The formats that this server can write; others are refused with `FORMAT_UNAVAILABLE`.
    pub available_formats: Vec<OutputFormat>,
    /// Whether this server has a neural model; without one `method=ai` is refused.
    pub has_model: bool,
    /// How large and how slow a request may be.
    pub body: BodyLimits,
    /// How long links to outputs open them. Default 1 h.
    pub link_ttl: Duration,
    /// How long the synchronous endpoint waits for its job. Clients wait 180 s or more. Default 170 s.
    pub sync_wait: Duration,
    /// Which machines an address may lead to that somebody names, for clips and for webhooks. Default those of the Internet.
    pub address_policy: AddressPolicy,
    /// Free bytes on the data disk below which no upload is taken. Default 1 GiB.
    pub disk_floor_bytes: u64,
    /// Cuts at once, for estimating when a waiting job starts. Default 1.
    pub slots: NonZeroUsize,
    /// Submits a minute of one key, where the key has no number of its own. Default 600.
    pub submits_per_minute: u32,
    /// Previews a minute of one key. Default 240: a person who drags a slider asks for two or three a second.
    pub previews_per_minute: u32,
    /// Other requests a minute of one key, where the key has no number of its own. Default 60,000: a client that asks every
    /// two seconds reaches it with two thousand jobs.
    pub requests_per_minute: u32,
    /// Requests of one key that may wait for a job at once. Default 1,000.
    pub max_waits: usize,
    /// Clips that come in at once, of one key. Each takes some memory and two files. Default 64.
    pub max_intakes_per_key: usize,
    /// Previews of one key at once, those that wait for their turn included. Default 4: a page drops those that it wants no more.
    pub max_previews: usize,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            available_formats: OutputFormat::ALL.into(),
            has_model: false,
            body: BodyLimits::default(),
            link_ttl: Duration::from_hours(1),
            sync_wait: Duration::from_secs(170),
            address_policy: AddressPolicy::default(),
            disk_floor_bytes: 1 << 30,
            slots: NonZeroUsize::MIN,
            submits_per_minute: 600,
            previews_per_minute: 240,
            requests_per_minute: 60_000,
            max_waits: 1000,
            max_intakes_per_key: 64,
            max_previews: 4,
        }
    }
}
