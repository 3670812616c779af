use std::time::Duration;

use tokio::sync::Notify;

/// Wake-up calls within this process. They only shorten waits: whoever waits looks at the queue itself, and again after a
/// while without any call.
#[derive(Debug, Default)]
pub struct Signals {
    work: Notify,
    endings: Notify,
    deliveries: Notify,
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
}
