//! Deliveries of events to webhook endpoints: their types and the trait [`Deliveries`].

use std::time::Duration;

use async_trait::async_trait;
use clearcut_job::{JobId, UnixMillis};

use crate::{DeliveryId, Destination, EndpointId, EventKind, JobRecord, KeyId, QueueError, SigningSecrets};

/// Retention of test events and their deliveries.
pub(crate) const TEST_RETENTION: Duration = Duration::from_hours(7 * 24);

/// State of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// The delivery waits for its next attempt, or an attempt is running.
    Pending,
    /// The receiver answered 2xx.
    Delivered,
    /// The receiver never answered 2xx, and no attempt of the schedule is left.
    Failed,
    /// The delivery is not sent any more: the receiver answered 410 Gone, the endpoint was
    /// disabled, or the API key was revoked.
    Stopped,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Stopped];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Reason for which an attempt got no HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The address is not allowed: private, local, or otherwise not on the public Internet.
    AddressRefused,
    /// The host name does not resolve.
    NameUnknown,
    /// The connection or its TLS handshake failed.
    Unreachable,
    /// The attempt timed out.
    TooSlow,
    /// The connection ended before an answer, or the answer was not HTTP.
    BrokenOff,
}

impl NoAnswer {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::AddressRefused, Self::NameUnknown, Self::Unreachable, Self::TooSlow, Self::BrokenOff];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressRefused => "ADDRESS_REFUSED",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::Unreachable => "UNREACHABLE",
            Self::TooSlow => "TOO_SLOW",
            Self::BrokenOff => "BROKEN_OFF",
        }
    }
}

/// Answer of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP answer.
    Status {
        /// The HTTP status.
        status: u16,
        /// The first bytes of the body, as text.
        reply: String,
    },
    /// No answer.
    None(NoAnswer),
}

/// A finished delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Answer of the receiver.
    pub answer: Answer,
    /// Duration of the attempt, measured with the monotonic clock.
    pub latency: Duration,
}

/// Next step of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// The delivery is done.
    Delivered,
    /// The delivery is retried after this delay.
    RetryIn(Duration),
    /// The delivery has failed and is not retried.
    GiveUp,
    /// The receiver is gone. Nothing more is sent to this endpoint, or to this job's `webhookUrl`.
    Gone,
}

/// A recorded delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Start time.
    pub began: UnixMillis,
    /// Answer and duration.
    pub attempt: Attempt,
}

/// A delivery as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Id of the delivery and `webhook-id` on the wire.
    pub id: DeliveryId,
    /// Kind of the event.
    pub kind: EventKind,
    /// Time of the event.
    pub happened: UnixMillis,
    /// Endpoint of the delivery; `None` for the job's `webhookUrl`.
    pub endpoint: Option<EndpointId>,
    /// URL that receives the delivery.
    pub url: String,
    /// State of the delivery.
    pub state: DeliveryState,
    /// Due time of a pending delivery. While an attempt runs, the end of its lease.
    pub due: Option<UnixMillis>,
    /// All attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

/// An event, with the job as it was at that time.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Kind of the event.
    pub kind: EventKind,
    /// Time of the event.
    pub happened: UnixMillis,
    /// The job at that time; `None` for a test event.
    pub job: Option<JobRecord>,
}

/// A delivery claimed by a courier.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedDelivery {
    /// Id of the delivery and `webhook-id` on the wire.
    pub id: DeliveryId,
    /// Number of the claim, required by every later call for this delivery (fencing token).
    pub claim: u64,
    /// Number of this attempt in the schedule, from 1.
    pub tries: u32,
    /// API key that owns the endpoint.
    pub owner: KeyId,
    /// Destination of the delivery.
    pub destination: Destination,
    /// Secrets that sign the delivery.
    pub secrets: SigningSecrets,
    /// Event to deliver.
    pub event: Event,
}

/// Deliveries of events to webhook endpoints.
///
/// The transaction that starts or ends a job writes the event, once, with one delivery for each
/// endpoint that subscribes to it at that moment (transactional outbox). A courier claims a
/// delivery for one lease, as a worker claims a job, sends it and records the attempt. A delivery
/// that was sent but not recorded is sent again under the same id.
///
/// A method returns `None` if the API key has no such job, endpoint or delivery.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Enqueues a test event for one endpoint as the delivery `id`. Tests are kept for a week.
    ///
    /// # Errors
    /// [`QueueError::EndpointDisabled`] if the endpoint is disabled.
    async fn send_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError>;

    /// Lists the deliveries of a job in the order of their events.
    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError>;

    /// Lists the last deliveries to an endpoint, newest first, at most 100.
    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError>;

    /// Enqueues a delivery again, under the same id and with the full retry schedule. Does not
    /// change a delivery that is being sent at the moment.
    ///
    /// # Errors
    /// [`QueueError::EndpointDisabled`] if its endpoint is disabled.
    async fn redeliver(&self, owner: KeyId, job: &JobId, id: &DeliveryId)
    -> Result<Option<DeliveryRecord>, QueueError>;

    /// Claims the next due delivery for one lease. The host with the fewest running attempts comes
    /// first, and of its deliveries the one that has been due longest. Hosts with `max_per_host`
    /// running attempts are skipped.
    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError>;

    /// Records an attempt and applies `next_step` to the delivery.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the claim is not the running one; so for
    /// [`Self::release_delivery`].
    async fn record_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        next_step: AfterAttempt,
    ) -> Result<(), QueueError>;

    /// Makes a claimed delivery due again as if it had not been claimed.
    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError>;
}
