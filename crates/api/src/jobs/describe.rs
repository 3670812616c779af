use std::{sync::Arc, time::Duration};

use clearcut_job::{Clock, OutputPointer};
use clearcut_queue::JobRecord;
use clearcut_store::UrlSigner;
use serde_json::Value;

use crate::jobs::{shapes::Job, view::link_to};

/// How a job reads on the wire, for those who tell of it without being asked.
#[derive(Debug, Clone)]
pub struct JobDescriber {
    /// Signs the links to outputs.
    pub signer: Arc<UrlSigner>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How long links open them.
    pub link_ttl: Duration,
    /// The address that links begin with; `None` takes the one that is given with each job.
    pub public_url: Option<String>,
}

impl JobDescriber {
    /// What reading the job would have answered when the record was made, but for its links, which are fresh: whoever is
    /// told late has as long to follow them.
    #[must_use]
    pub fn describe(&self, record: &JobRecord, link_base: &str) -> Value {
        let base = self.public_url.as_deref().map_or(link_base, |url| url.trim_end_matches('/'));
        let expires = self.clock.now().after(self.link_ttl);
        let link = |output: &OutputPointer| link_to(output, record, (&self.signer, base, expires));
        serde_json::to_value(Job::new(record, link)).unwrap_or_default()
    }
}
