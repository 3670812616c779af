//! Webhook events of the in-memory model, derived from the states of the jobs.

use clearcut_job::{JobId, JobState};

use super::{tables::Tables, webhook_tables::EventRow};
use crate::{Event, EventKind, KeyId, Policy};

impl Tables {
    /// Writes the events of jobs since the last access to the tables. The model derives them from
    /// the states of the jobs, so that no path into a state can miss its event.
    pub(super) fn note_events(&mut self, policy: &Policy) {
        for row in &mut self.jobs {
            let key = self.keys.get(&row.owner);
            let revoked = key.is_some_and(|(_, key)| key.revoked.is_some());
            if let Some(started) = row.started.filter(|_| !row.noted.start) {
                row.noted.start = true;
                self.webhooks.note_event(&row.record(policy), EventKind::JobStarted, revoked, started);
            }
            if let Some(ended) = row.ended.filter(|_| !row.noted.end) {
                row.noted.end = true;
                let completed = row.state == JobState::Completed;
                let kind = if completed { EventKind::JobCompleted } else { EventKind::JobFailed };
                self.webhooks.note_event(&row.record(policy), kind, revoked, ended);
            }
        }
    }

    /// Builds the event with its job as it was. For a start, the fields written by the end are left
    /// out.
    pub(super) fn event(&self, row: &EventRow, policy: &Policy) -> Event {
        let found = row.job.as_ref().and_then(|id| self.jobs.iter().find(|job| job.id == *id));
        let record = found.map(|job| job.record(policy));
        let job = record
            .map(|job| if row.kind == EventKind::JobStarted { job.at_start(row.progress, row.revision) } else { job });
        Event { kind: row.kind, happened: row.happened, job }
    }

    pub(super) fn owns_job(&self, owner: KeyId, job: &JobId) -> bool {
        self.jobs.iter().any(|row| row.id == *job && row.owner == owner)
    }
}
