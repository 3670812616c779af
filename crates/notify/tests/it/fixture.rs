//! Test bench of the courier: an in-memory queue, a running courier, and a manual clock.

use std::{sync::Arc, time::Duration};

use clearcut_job::{
    Clock as _, CutRequest, Failure, FailureCode, FencingToken, JobId, ManualClock, ObjectName, OutputFormat,
    Sha256Hex, StoredObject, UnixMillis, WorkerId,
};
use clearcut_notify::{Courier, CourierSettings, DescribeJob};
use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
use clearcut_queue::{
    DeliveryRecord, DeliveryState, Destination, Ending, EndpointId, JobRecord, JobWebhook, KeyHash, KeyId, MemoryQueue,
    NewInput, NewJob, NewKey, Policy, Queue, WebhookSecret,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Queue, courier that works on it, and manual clock of one test.
pub(crate) struct Bench {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) owner: KeyId,
    stop: CancellationToken,
    courier: JoinHandle<()>,
}

pub(crate) fn secret() -> WebhookSecret {
    WebhookSecret::from_random([7; 24])
}

/// Current time. Signature libraries refuse signatures from another time.
fn current_time() -> UnixMillis {
    clearcut_job::SystemClock.now()
}

/// Serializer that shows ID, status, revision and link base of a job.
#[derive(Debug)]
struct DescribeState;

#[async_trait::async_trait]
impl DescribeJob for DescribeState {
    async fn describe(&self, job: &JobRecord, link_base: &str) -> Value {
        json!({ "jobId": job.id, "status": job.state.name(), "revision": job.revision, "base": link_base })
    }
}

impl Bench {
    /// Starts a courier with default settings that may connect to loopback.
    pub(crate) async fn new() -> Self {
        Self::with_settings("127.0.0.0/8", CourierSettings::default()).await
    }

    /// Starts a courier that may connect to the networks in `allowed`, separated by commas.
    pub(crate) async fn with_settings(allowed: &str, settings: CourierSettings) -> Self {
        let clock = Arc::new(ManualClock::at(current_time()));
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new(clock.clone(), Policy::default()));
        let key = NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("k") };
        let owner = queue.create_key(key).await.unwrap().id;
        let stop = CancellationToken::new();
        let allowed = allowed.split(',').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
        let courier = Courier {
            queue: queue.clone(),
            outbound: Outbound::new(AddressPolicy::new(allowed), Timeouts::default()).unwrap(),
            describe: Arc::new(DescribeState),
            clock: clock.clone(),
            settings,
        };
        let courier = tokio::spawn(clearcut_notify::run(courier, stop.clone()));
        Self { queue, clock, owner, stop, courier }
    }

    /// Submits a job with `url` as its webhook and fails it without a start.
    pub(crate) async fn fail_job(&self, number: u128, url: &str) -> JobId {
        let (id, token) = self.claim_job(number, url).await;
        let failure = Failure::new(FailureCode::InvalidVideo, "no video stream in the file");
        self.queue.finish(&id, token, Ending::Failed(failure)).await.unwrap();
        id
    }

    /// Submits a job with `url` as its webhook and claims it.
    pub(crate) async fn claim_job(&self, number: u128, url: &str) -> (JobId, FencingToken) {
        let id = JobId::from_random(number);
        let host = url.split('/').nth(2).unwrap_or_default().to_owned();
        let destination = Destination { url: url.into(), host, link_base: "http://cut.example".into() };
        let job = NewJob {
            id: id.clone(),
            owner: self.owner,
            clip_name: None,
            request: CutRequest::new(OutputFormat::Webm).into(),
            input: NewInput::Stored(StoredObject {
                name: ObjectName::upload(number),
                size_bytes: 1,
                sha256: Sha256Hex::of_digest([0xab; 32]),
            }),
            webhook: Some(JobWebhook { destination, fresh: (EndpointId::from_random(1), secret()) }),
        };
        self.queue.submit(job).await.unwrap();
        let claimed = self.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap();
        (id, claimed.token)
    }

    /// Advances the clock and wakes the courier.
    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.queue.signals().call_courier();
    }

    /// Waits until `condition` holds for the only delivery of a job, and returns the delivery.
    pub(crate) async fn delivery_when(
        &self,
        job: &JobId,
        condition: impl Fn(&DeliveryRecord) -> bool,
    ) -> DeliveryRecord {
        for _ in 0..20_000 {
            let mut deliveries = self.queue.deliveries_of_job(self.owner, job).await.unwrap().unwrap();
            if let Some(found) = deliveries.pop().filter(&condition) {
                return found;
            }
            // Polls another task and a socket. The number of polls does not affect the result.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("not reached: {:?}", self.queue.deliveries_of_job(self.owner, job).await.unwrap());
    }

    /// Waits until the delivery is no longer pending.
    pub(crate) async fn settled_delivery(&self, job: &JobId) -> DeliveryRecord {
        self.delivery_when(job, |delivery| delivery.state != DeliveryState::Pending).await
    }

    /// Waits until the delivery has had `count` attempts.
    pub(crate) async fn delivery_after_attempts(&self, job: &JobId, count: usize) -> DeliveryRecord {
        self.delivery_when(job, |delivery| delivery.attempts.len() >= count).await
    }

    /// Stops the courier and waits for its end.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.courier.await.unwrap();
    }
}
