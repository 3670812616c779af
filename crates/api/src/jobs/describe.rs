//! The JSON of a job outside of requests, for webhooks.

use std::{sync::Arc, time::Duration};

use clearcut_job::{Clock, OutputPointer};
use clearcut_queue::JobRecord;
use clearcut_store::UrlSigner;
use serde_json::Value;

use crate::jobs::{shapes::Job, view::link_to};

/// Renders a job as the API does, for webhooks.
#[derive(Debug, Clone)]
pub struct JobDescriber {
    /// Signs the links to outputs.
    pub signer: Arc<UrlSigner>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// Lifetime of links to outputs.
    pub link_ttl: Duration,
    /// Base URL of links. `None` uses the one passed with each job.
    pub public_url: Option<String>,
}

impl JobDescriber {
    /// Renders the job as a read would have returned it when `record` was made. Its links are
    /// signed now, so that a late delivery leaves the receiver their full lifetime.
    #[must_use]
    pub fn describe(&self, record: &JobRecord, link_base: &str) -> Value {
        let base = self.public_url.as_deref().map_or(link_base, |url| url.trim_end_matches('/'));
        let expires = self.clock.now().after(self.link_ttl);
        let link = |output: &OutputPointer| link_to(output, record, (&self.signer, base, expires));
        serde_json::to_value(Job::new(record, link)).unwrap_or_default()
    }
}
