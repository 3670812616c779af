use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clearcut_job::JobId;
use tokio::sync::{Notify, watch};

/// Wake-up calls within this process. They only shorten waits: whoever waits looks at the queue itself, and again after a
/// while without any call.
#[derive(Debug, Default)]
pub struct Signals {
    work: Notify,
    endings: Notify,
    deliveries: Notify,
    watched: Arc<Watched>,
    closed: watch::Sender<bool>,
}

/// One channel for each job that somebody watches, shared by all who watch it.
#[derive(Debug, Default)]
struct Watched(Mutex<HashMap<JobId, watch::Sender<()>>>);

impl Watched {
    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signals {
    /// Says that a job became ready to be claimed: wakes one waiting worker, or the next to wait.
    pub fn call_worker(&self) {
        self.work.notify_one();
    }

    /// Says that a job ended: wakes all who wait for an end.
    pub fn call_waiters(&self) {
        self.endings.notify_waiters();
        self.call_courier();
    }

    /// Says that there may be something to deliver.
    pub fn call_courier(&self) {
        self.deliveries.notify_one();
    }

    /// Says that something about the job `id` changed: wakes all who watch it.
    pub fn call_watchers(&self, id: &JobId) {
        if let Some(calls) = self.watched.jobs().get(id) {
            calls.send_replace(());
        }
    }

    /// Waits until there may be work, at most `longest`.
    pub async fn work(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.work.notified()).await;
    }

    /// Waits until a job may have ended, at most `longest`.
    pub async fn ending(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.endings.notified()).await;
    }

    /// Waits until there may be something to deliver, at most `longest`.
    pub async fn delivery(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.deliveries.notified()).await;
    }

    /// Watches the job `id` from now on. Watch first, then read the job, then wait: what changes in between is not missed.
    #[must_use]
    pub fn watch(&self, id: &JobId) -> JobWatch {
        let calls = self.watched.jobs().entry(id.clone()).or_default().subscribe();
        JobWatch { id: id.clone(), calls: Some(calls), closed: self.closed.subscribe(), watched: self.watched.clone() }
    }

    /// How many jobs are watched.
    #[must_use]
    pub fn watched_jobs(&self) -> usize {
        self.watched.jobs().len()
    }

    /// Says that this process is about to end: nobody shall wait for a job any longer.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }
}

/// The right to be woken when one job changes. Dropping the last one of a job leaves nothing behind.
#[derive(Debug)]
pub struct JobWatch {
    id: JobId,
    /// Empty only while being dropped.
    calls: Option<watch::Receiver<()>>,
    closed: watch::Receiver<bool>,
    watched: Arc<Watched>,
}

impl JobWatch {
    /// Waits until the job may have changed since the last call, at most `longest`, and not at all once this process is
    /// about to end.
    pub async fn changed(&mut self, longest: Duration) {
        let Some(calls) = &mut self.calls else { return };
        tokio::select! {
            _ = calls.changed() => {}
            _ = self.closed.wait_for(|closed| *closed) => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    /// Whether this process is about to end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }
}

impl Drop for JobWatch {
    fn drop(&mut self) {
        let mut jobs = self.watched.jobs();
        self.calls = None;
        if jobs.get(&self.id).is_some_and(|calls| calls.receiver_count() == 0) {
            jobs.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn a_change_between_reading_and_waiting_is_not_missed() {
        let (signals, id) = (Signals::default(), JobId::from_random(1));
        let (mut first, mut second) = (signals.watch(&id), signals.watch(&id));
        signals.call_watchers(&id);
        let began = tokio::time::Instant::now();
        first.changed(LONG).await;
        second.changed(LONG).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        first.changed(LONG).await;
        assert_eq!(began.elapsed(), LONG);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_another_job_wakes_nobody() {
        let signals = Signals::default();
        let mut watch = signals.watch(&JobId::from_random(1));
        signals.call_watchers(&JobId::from_random(2));
        let began = tokio::time::Instant::now();
        watch.changed(LONG).await;
        assert_eq!(began.elapsed(), LONG);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_in_a_process_that_is_about_to_end() {
        let signals = Signals::default();
        let mut watch = signals.watch(&JobId::from_random(1));
        signals.close();
        let began = tokio::time::Instant::now();
        watch.changed(LONG).await;
        assert!(watch.is_closed() && began.elapsed().is_zero());
        assert!(signals.watch(&JobId::from_random(2)).is_closed());
    }

    #[test]
    fn the_last_who_looks_away_leaves_nothing_behind() {
        let (signals, id) = (Signals::default(), JobId::from_random(1));
        let watches = [signals.watch(&id), signals.watch(&id)];
        assert_eq!(signals.watched_jobs(), 1);
        let [first, second] = watches;
        drop(first);
        assert_eq!(signals.watched_jobs(), 1);
        drop(second);
        assert_eq!(signals.watched_jobs(), 0);
    }
}
