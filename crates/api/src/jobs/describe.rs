//! The JSON of a job outside of requests, for webhooks.

use std::{sync::Arc, time::Duration};

use clearcut_job::Clock;
use clearcut_queue::JobRecord;
use clearcut_store::{Store, UrlSigner};
use serde_json::Value;

use crate::jobs::{links::LinkMaker, shapes::Job};

/// Renders a job as the API does, for webhooks.
#[derive(Debug, Clone)]
pub struct JobDescriber {
    /// Signs the links to outputs.
    pub signer: Arc<UrlSigner>,
    /// The store, if links lead to it; otherwise this server serves outputs.
    pub presigning: Option<Store>,
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
    pub async fn describe(&self, record: &JobRecord, link_base: &str) -> Value {
        let base = self.public_url.as_deref().map_or(link_base, |url| url.trim_end_matches('/'));
        let (presigning, now) = (self.presigning.as_ref(), self.clock.now());
        let links = LinkMaker { signer: &self.signer, presigning, base, now, ttl: self.link_ttl }.links(record).await;
        serde_json::to_value(Job::new(record, |output| links.to(output))).unwrap_or_default()
    }
}
