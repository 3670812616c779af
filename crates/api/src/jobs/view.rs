//! Views of jobs: records with fresh links, and with the queue position and estimated start of
//! queued jobs.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use clearcut_job::{JobId, JobState, UnixMillis};
use clearcut_queue::{JobRecord, KeyId, QueueOutlook};

use crate::{
    Api, ApiError,
    http::request_headers,
    jobs::{links::LinkMaker, shapes::Job},
};

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
        let link_maker = self.link_maker(&base);
        let mut jobs = Vec::with_capacity(records.len());
        for record in records {
            let position = if is_queued(&record) { positions.next().flatten() } else { None };
            let start = position.and_then(|position| self.estimated_start(position, &outlook));
            let links = link_maker.links(record).await;
            let events_url = (!record.state.is_final()).then(|| self.events_url(owner, &record.id, &base));
            let job = Job::new(record, |output| links.to(output));
            jobs.push(job.with_queue_position(position, start).with_events_url(events_url));
        }
        Ok(jobs)
    }

    /// Renders one job.
    pub(crate) async fn job_view(&self, record: JobRecord, headers: &HeaderMap) -> Result<Job, ApiError> {
        self.job_views(record.owner, &[record], headers).await?.pop().ok_or(ApiError::Internal)
    }

    pub(crate) fn link_maker<'a>(&'a self, base: &'a str) -> LinkMaker<'a> {
        let presigning = self.settings.presigned_results.then_some(&self.store);
        LinkMaker { signer: &self.signer, presigning, base, now: self.clock.now(), ttl: self.settings.link_ttl }
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
