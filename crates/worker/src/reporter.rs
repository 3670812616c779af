//! Progress of a claim: passed on to the keeper of its lease, and timed by stage.

use std::sync::{Arc, Mutex, PoisonError};

use clearcut_job::{Progress, Stage};
use tokio::sync::watch;

use crate::metrics::StageClock;

/// Receiver of the progress of one claim.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    sender: watch::Sender<Progress>,
    stages: Arc<Mutex<StageClock>>,
}

impl Reporter {
    /// A reporter of a claim that begins, and the reports.
    pub(crate) fn new() -> (Self, watch::Receiver<Progress>) {
        let (sender, reports) = watch::channel(Progress::within(Stage::Waiting, 1.0));
        (Self { sender, stages: Arc::new(Mutex::new(StageClock::new(Stage::Waiting))) }, reports)
    }

    pub(crate) fn report(&self, progress: Progress) {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).enter(progress.stage());
        self.sender.send_replace(progress);
    }

    /// The work on the claim has ended, and with it its last stage.
    pub(crate) fn end(&self) {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).record();
    }
}
