//! Views of jobs: records with fresh links, and with the queue position and estimated start of
//! queued jobs.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use clearcut_job::{JobId, JobState, OutputPointer, UnixMillis};
use clearcut_queue::{JobRecord, KeyId, QueueOutlook};
use clearcut_store::UrlSigner;

use crate::{Api, ApiError, http::request_headers, jobs::shapes::Job};

/// Lifetime of the address of a job's events. A stream that began before goes on until the job ends.
const EVENTS_URL_TTL: Duration = Duration::from_hours(1);

impl Api {
    /// Renders `records` of `owner`, with fresh links, and with the queue position and estimated
    /// start of queued jobs.
    pub(crate) async fn job_views(
        &self,
        owner: KeyId,
        records: &[JobRecord],
        headers: &HeaderMap,
    ) -> Result<Vec<Job>, ApiError> {
        let is_queued = |record: &&JobRecord| record.state == JobState::Queued;
        let queued: Vec<_> = records.iter().filter(is_queued).map(|record| record.id.clone()).collect();
        let outlook =
            if queued.is_empty() { QueueOutlook::default() } else { self.queue.outlook(owner, queued).await? };
        let mut positions = outlook.positions.iter().copied();
        let base = self.base_url(headers);
        let expires = self.clock.now().after(self.settings.link_ttl);
        let to_job = |record: &JobRecord| {
            let position = if is_queued(&record) { positions.next().flatten() } else { None };
            let start = position.and_then(|position| self.estimated_start(position, &outlook));
            Job::new(record, |output| link_to(output, record, (&self.signer, &base, expires)))
                .with_queue_position(position, start)
                .with_events_url((!record.state.is_final()).then(|| self.events_url(owner, &record.id, &base)))
        };
        Ok(records.iter().map(to_job).collect())
    }

    /// Renders one job.
    pub(crate) async fn job_view(&self, record: JobRecord, headers: &HeaderMap) -> Result<Job, ApiError> {
        self.job_views(record.owner, &[record], headers).await?.pop().ok_or(ApiError::Internal)
    }

    /// The signed address of the events of a job of `owner`, below `base`.
    pub(crate) fn events_url(&self, owner: KeyId, id: &JobId, base: &str) -> String {
        let expires = self.clock.now().after(EVENTS_URL_TTL);
        format!("{base}{}", self.signer.sign_events(id, owner.0, expires).0)
    }

    fn estimated_start(&self, position: u64, outlook: &QueueOutlook) -> Option<UnixMillis> {
        let wait_ms = expected_wait_ms(position, outlook, self.settings.slots.get() as u64)?;
        Some(self.clock.now().after(Duration::from_millis(wait_ms)))
    }

    /// Base URL of links.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.settings.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = request_headers::text(headers, header::HOST).unwrap_or("localhost");
        format!("http://{host}")
    }
}

/// Signs a link to an output of a job. It includes the file name for downloads if the clip has a
/// name.
pub(crate) fn link_to(
    output: &OutputPointer,
    record: &JobRecord,
    (signer, base, expires): (&UrlSigner, &str, UnixMillis),
) -> String {
    let signed = match &record.clip_name {
        Some(clip) => signer.sign_as(&output.object_name, &clip.of_output(output.format), expires),
        None => signer.sign(&output.object_name, expires),
    };
    format!("{base}{}", signed.0)
}

/// Expected wait of the job at `position`, based on the mean duration of recent jobs: all jobs
/// before it, and half of each running job, divided among the slots. `None` without recent jobs.
fn expected_wait_ms(position: u64, outlook: &QueueOutlook, slots: u64) -> Option<u64> {
    let mean = outlook.mean_processing_ms?;
    if position <= slots.saturating_sub(outlook.running) {
        return Some(0);
    }
    let halves_before = 2 * position.saturating_sub(1) + outlook.running;
    Some(halves_before.saturating_mul(mean) / (2 * slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_wait_grows_with_the_queue_and_shrinks_with_slots() {
        let outlook = |running, mean| QueueOutlook { positions: Vec::new(), running, mean_processing_ms: mean };
        let cases = [
            (1, 0, None, 1, None),
            (1, 0, Some(10_000), 1, Some(0)),
            (1, 1, Some(10_000), 1, Some(5_000)),
            (4, 1, Some(10_000), 1, Some(35_000)),
            (2, 0, Some(10_000), 4, Some(0)),
            (9, 4, Some(10_000), 4, Some(25_000)),
        ];
        for (position, running, mean, slots, wait) in cases {
            assert_eq!(
                expected_wait_ms(position, &outlook(running, mean), slots),
                wait,
                "{position} {running} {slots}"
            );
        }
    }
}
