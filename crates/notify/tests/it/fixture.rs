use std::{sync::Arc, time::Duration};

use clearcut_job::{
    Clock as _, CutRequest, Failure, FailureCode, FencingToken, Formats, FpsChoice, Hints, JobId, KeyChoice,
    ManualClock, MethodChoice, OutputFormat, Quality, Sha256Hex, ShadowChoice, Speed, Tolerance, UnixMillis, WorkerId,
};
use clearcut_notify::{Courier, CourierSettings, DescribeJob};
use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
use clearcut_queue::{
    DeliveryRecord, DeliveryState, Destination, Ending, EndpointId, InputPointer, JobRecord, JobWebhook, KeyHash,
    KeyId, MemoryQueue, NewInput, NewJob, NewKey, Policy, Queue, WebhookSecret,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A queue, a courier that works on it, and a clock that moves when it is told to.
pub(crate) struct Post {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) owner: KeyId,
    stop: CancellationToken,
    courier: JoinHandle<()>,
}

pub(crate) fn secret() -> WebhookSecret {
    WebhookSecret::from_random([7; 24])
}

/// The present, since real libraries refuse what is signed at another time.
fn present() -> UnixMillis {
    clearcut_job::SystemClock.now()
}

#[derive(Debug)]
struct StateAlone;

impl DescribeJob for StateAlone {
    fn describe(&self, job: &JobRecord, link_base: &str) -> Value {
        json!({ "jobId": job.id, "status": job.state.name(), "revision": job.revision, "base": link_base })
    }
}

impl Post {
    /// A courier that may reach loopback.
    pub(crate) async fn open() -> Self {
        Self::with("127.0.0.0/8", CourierSettings::default()).await
    }

    pub(crate) async fn with(allowed: &str, settings: CourierSettings) -> Self {
        let clock = Arc::new(ManualClock::at(present()));
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new(clock.clone(), Policy::default()));
        let key = NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("k") };
        let owner = queue.create_key(key).await.unwrap().id;
        let stop = CancellationToken::new();
        let allowed = allowed.split(',').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
        let courier = Courier {
            queue: queue.clone(),
            outbound: Outbound::new(AddressPolicy::new(allowed), Timeouts::default()).unwrap(),
            describe: Arc::new(StateAlone),
            clock: clock.clone(),
            settings,
        };
        let courier = tokio::spawn(clearcut_notify::run(courier, stop.clone()));
        Self { queue, clock, owner, stop, courier }
    }

    /// Submits a job that tells `url`, and fails it, without a start.
    pub(crate) async fn fail_job(&self, number: u128, url: &str) -> JobId {
        let (id, token) = self.claim_job(number, url).await;
        let failure = Failure::new(FailureCode::InvalidVideo, "no video stream in the file");
        self.queue.finish(&id, token, Ending::Failed(failure)).await.unwrap();
        id
    }

    pub(crate) async fn claim_job(&self, number: u128, url: &str) -> (JobId, FencingToken) {
        let id = JobId::from_random(number);
        let host = url.split('/').nth(2).unwrap_or_default().to_owned();
        let destination = Destination { url: url.into(), host, link_base: "http://cut.example".into() };
        let job = NewJob {
            id: id.clone(),
            owner: self.owner,
            clip_name: None,
            request: CutRequest {
                formats: Formats::from(OutputFormat::Webm),
                method: MethodChoice::Auto,
                key: KeyChoice::Auto,
                tolerance: Tolerance::default(),
                shadow: ShadowChoice::default(),
                hints: Hints::default(),
                fps: FpsChoice::Source,
                size: None,
                quality: Quality::default(),
                speed: Speed::default(),
                keeps_audio: true,
            },
            input: NewInput::Stored(InputPointer {
                key: format!("uploads/{number}"),
                size_bytes: 1,
                sha256: Sha256Hex("ab".repeat(32)),
            }),
            webhook: Some(JobWebhook { destination, fresh: (EndpointId::from_random(1), secret()) }),
        };
        self.queue.submit(job).await.unwrap();
        let claimed = self.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap();
        (id, claimed.token)
    }

    /// Moves the clock and wakes the courier.
    pub(crate) fn pass(&self, span: Duration) {
        self.clock.advance(span);
        self.queue.signals().call_courier();
    }

    /// The only delivery of a job once `reached` holds of it.
    pub(crate) async fn delivery_when(&self, job: &JobId, reached: impl Fn(&DeliveryRecord) -> bool) -> DeliveryRecord {
        for _ in 0..20_000 {
            let mut deliveries = self.queue.deliveries_of_job(self.owner, job).await.unwrap().unwrap();
            if let Some(found) = deliveries.pop().filter(&reached) {
                return found;
            }
            // What is waited for is another task and a socket: this looks again, and decides nothing by how often.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("not reached: {:?}", self.queue.deliveries_of_job(self.owner, job).await.unwrap());
    }

    pub(crate) async fn settled(&self, job: &JobId) -> DeliveryRecord {
        self.delivery_when(job, |delivery| delivery.state != DeliveryState::Pending).await
    }

    /// The delivery after `count` attempts.
    pub(crate) async fn attempted(&self, job: &JobId, count: usize) -> DeliveryRecord {
        self.delivery_when(job, |delivery| delivery.attempts.len() >= count).await
    }

    /// Stops the courier, and waits for its end.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.courier.await.unwrap();
    }
}
