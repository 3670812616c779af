//! Signals between the parts of one process, and between the processes of one database: new work,
//! ended jobs, due deliveries, changed jobs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clearcut_job::JobId;
use tokio::sync::{Notify, mpsc, watch};

/// A signal, as it is sent to other processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A job is ready to be claimed.
    Work,
    /// A job ended.
    Ending,
    /// There may be a delivery to send.
    Delivery,
    /// This job changed.
    Job(JobId),
}

impl Signal {
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Work => "work".to_owned(),
            Self::Ending => "ending".to_owned(),
            Self::Delivery => "delivery".to_owned(),
            Self::Job(id) => format!("job {id}"),
        }
    }

    /// Parses [`Self::to_text`]; `None` for the signal of a newer version.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text {
            "work" => Some(Self::Work),
            "ending" => Some(Self::Ending),
            "delivery" => Some(Self::Delivery),
            _ => Some(Self::Job(text.strip_prefix("job ")?.parse().ok()?)),
        }
    }
}

/// Wake-up signals.
///
/// Signals only shorten waits: a waiter reads the queue itself, and reads it again after a timeout
/// without any signal.
#[derive(Debug, Default)]
pub struct Signals {
    /// Takes the signals that go to other processes as well.
    relay: Option<mpsc::Sender<Signal>>,
    work: Notify,
    endings: Notify,
    deliveries: Notify,
    channels: Arc<JobChannels>,
    closed: watch::Sender<bool>,
}

/// One channel for each watched job, shared by all its watchers.
#[derive(Debug, Default)]
struct JobChannels(Mutex<HashMap<JobId, watch::Sender<()>>>);

impl JobChannels {
    fn lock_map(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signals {
    /// Signals that are given to `relay` as well.
    pub(crate) fn relayed(relay: mpsc::Sender<Signal>) -> Self {
        Self { relay: Some(relay), ..Self::default() }
    }

    /// Signals that a job is ready to be claimed. Wakes one waiting worker, or the next one to
    /// wait.
    pub fn call_worker(&self) {
        self.call(Signal::Work);
    }

    /// Signals that a job ended. Wakes all who wait for an end, and the courier.
    pub fn call_waiters(&self) {
        self.call(Signal::Ending);
    }

    /// Signals that there may be a delivery to send.
    pub fn call_courier(&self) {
        self.call(Signal::Delivery);
    }

    /// Signals that the job `id` changed. Wakes all its watchers.
    pub fn call_watchers(&self, id: &JobId) {
        self.call(Signal::Job(id.clone()));
    }

    fn call(&self, signal: Signal) {
        self.pass_on(&signal);
        if let Some(relay) = &self.relay {
            // A full relay drops the signal, which only costs time.
            let _ = relay.try_send(signal);
        }
    }

    /// Wakes those in this process whom `signal` concerns.
    pub(crate) fn pass_on(&self, signal: &Signal) {
        match signal {
            Signal::Work => self.work.notify_one(),
            Signal::Ending => {
                self.endings.notify_waiters();
                self.deliveries.notify_one();
            }
            Signal::Delivery => self.deliveries.notify_one(),
            Signal::Job(id) => {
                if let Some(changes) = self.channels.lock_map().get(id) {
                    changes.send_replace(());
                }
            }
        }
    }

    /// Waits until there may be a job to claim, at most `timeout`.
    pub async fn work(&self, timeout: Duration) {
        let _ = tokio::time::timeout(timeout, self.work.notified()).await;
    }

    /// Waits until a job may have ended, at most `timeout`.
    pub async fn ending(&self, timeout: Duration) {
        let _ = tokio::time::timeout(timeout, self.endings.notified()).await;
    }

    /// Waits until there may be a delivery to send, at most `timeout`.
    pub async fn delivery(&self, timeout: Duration) {
        let _ = tokio::time::timeout(timeout, self.deliveries.notified()).await;
    }

    /// Watches the job `id` from now on.
    ///
    /// Watch first, then read the job, then wait. Changes in between are then not missed.
    #[must_use]
    pub fn watch(&self, id: &JobId) -> JobWatch {
        let changes = self.channels.lock_map().entry(id.clone()).or_default().subscribe();
        JobWatch {
            id: id.clone(),
            changes: Some(changes),
            closed: self.closed.subscribe(),
            channels: self.channels.clone(),
        }
    }

    /// The watched jobs.
    pub(crate) fn watched(&self) -> Vec<JobId> {
        self.channels.lock_map().keys().cloned().collect()
    }

    /// Counts the watched jobs.
    #[must_use]
    pub fn watched_jobs(&self) -> usize {
        self.channels.lock_map().len()
    }

    /// Signals that this process is about to end. Ends all present and future waits of
    /// [`JobWatch`].
    pub fn close(&self) {
        self.closed.send_replace(true);
    }
}

/// A subscription to the changes of one job. Dropping a job's last watch removes its channel.
#[derive(Debug)]
pub struct JobWatch {
    id: JobId,
    /// `None` only during the drop.
    changes: Option<watch::Receiver<()>>,
    closed: watch::Receiver<bool>,
    channels: Arc<JobChannels>,
}

impl JobWatch {
    /// Waits until the job may have changed since the last call, at most `timeout`. Returns at once
    /// if this process is about to end.
    pub async fn changed(&mut self, timeout: Duration) {
        let Some(changes) = &mut self.changes else { return };
        tokio::select! {
            _ = changes.changed() => {}
            _ = self.closed.wait_for(|closed| *closed) => {}
            () = tokio::time::sleep(timeout) => {}
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
        let mut jobs = self.channels.lock_map();
        self.changes = None;
        if jobs.get(&self.id).is_some_and(|changes| changes.receiver_count() == 0) {
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
    async fn a_watch_ignores_changes_of_other_jobs() {
        let signals = Signals::default();
        let mut watch = signals.watch(&JobId::from_random(1));
        signals.call_watchers(&JobId::from_random(2));
        let began = tokio::time::Instant::now();
        watch.changed(LONG).await;
        assert_eq!(began.elapsed(), LONG);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_ends_every_wait() {
        let signals = Signals::default();
        let mut watch = signals.watch(&JobId::from_random(1));
        signals.close();
        let began = tokio::time::Instant::now();
        watch.changed(LONG).await;
        assert!(watch.is_closed() && began.elapsed().is_zero());
        assert!(signals.watch(&JobId::from_random(2)).is_closed());
    }

    #[test]
    fn signals_between_processes_read_back() {
        for signal in [Signal::Work, Signal::Ending, Signal::Delivery, Signal::Job(JobId::from_random(1))] {
            assert_eq!(Signal::from_text(&signal.to_text()), Some(signal));
        }
        assert_eq!((Signal::from_text("later"), Signal::from_text("job ../x")), (None, None));
    }

    #[test]
    fn dropping_the_last_watch_removes_its_channel() {
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
