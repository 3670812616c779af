//! Webhook data types: ids, destinations, endpoints, deliveries, attempts and events.

use std::{fmt, str::FromStr, time::Duration};

use clearcut_job::{JobId, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::{EventKind, EventKinds, JobRecord, KeyId, SigningSecrets, WebhookSecret};

/// Maximum number of endpoints per API key.
pub const MAX_ENDPOINTS: usize = 16;

/// Overlap of a rotation: the previous secret signs beside the new one for this long.
pub const SECRET_OVERLAP: Duration = Duration::from_hours(24);

/// Retention of test events and their deliveries.
pub(crate) const TEST_RETENTION: Duration = Duration::from_hours(7 * 24);

/// Number of hexadecimal digits in the ids below: 96 bits.
const ID_DIGITS: usize = 24;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Builds an id from the lowest 96 bits of `random`, which the caller draws from the
            /// operating system's random generator.
            #[must_use]
            pub fn from_random(random: u128) -> Self {
                Self(format!(concat!($prefix, "{:024x}"), random & ((1 << 96) - 1)))
            }

            /// The id as on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix($prefix).ok_or(ParseIdError)?;
                let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if is_hex && digits.len() == ID_DIGITS { Ok(Self(text.to_owned())) } else { Err(ParseIdError) }
            }
        }
    )*};
}

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a prefix and 24 hexadecimal digits")]
pub struct ParseIdError;

ids! {
    /// Id of an endpoint: `wh_` and 24 digits.
    EndpointId = "wh_";
    /// Id of a delivery and `webhook-id` on the wire: `msg_` and 24 digits.
    DeliveryId = "msg_";
}

impl DeliveryId {
    /// Derives the id of the delivery of one event to one endpoint. The id is a hash, so the same
    /// delivery cannot be created twice.
    pub(crate) fn derive(job: &JobId, kind: EventKind, endpoint: &EndpointId) -> Self {
        let source = format!("{job} {kind} {endpoint}");
        let digest = hex::encode(Sha256::digest(source.as_bytes()));
        Self(format!("msg_{}", &digest[..ID_DIGITS]))
    }
}

/// Destination of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// URL, already checked by the API.
    pub url: String,
    /// Host of the URL, in lower case. Concurrent attempts are limited per host.
    pub host: String,
    /// Base URL of the links in the payload if the server's settings contain none: the address at
    /// which the API key's owner reached the server.
    pub link_base: String,
}

/// The `webhookUrl` of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWebhook {
    /// Destination of the deliveries.
    pub destination: Destination,
    /// Id and secret of the API key's implicit endpoint, used if it does not exist yet. The
    /// implicit endpoint identifies and signs the deliveries to the `webhookUrl`s of single jobs.
    pub fresh: (EndpointId, WebhookSecret),
}

/// An endpoint to be created.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// New random id.
    pub id: EndpointId,
    /// Destination of the deliveries.
    pub destination: Destination,
    /// Subscribed event kinds.
    pub events: EventKinds,
    /// Description by the owner.
    pub description: String,
    /// New random signing secret.
    pub secret: WebhookSecret,
}

/// A change of an endpoint. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Destination of the deliveries. Applies to pending deliveries, too.
    pub destination: Option<Destination>,
    /// Subscribed event kinds.
    pub events: Option<EventKinds>,
    /// Description by the owner.
    pub description: Option<String>,
    /// Whether the endpoint receives deliveries. Disabling it stops its pending deliveries.
    pub enabled: Option<bool>,
}

/// An endpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRecord {
    /// Id of the endpoint.
    pub id: EndpointId,
    /// URL that receives the deliveries.
    pub url: String,
    /// Subscribed event kinds.
    pub events: EventKinds,
    /// Description by the owner.
    pub description: String,
    /// Creation time.
    pub created: UnixMillis,
    /// Time and reason of the deactivation; `None` while the endpoint is enabled.
    pub disabled: Option<(UnixMillis, DisabledReason)>,
    /// End of the last rotation's overlap, until which two secrets sign. May lie in the past.
    pub rotating_until: Option<UnixMillis>,
}

/// Reason for which an endpoint is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// The owner disabled it.
    Owner,
    /// The receiver answered 410 Gone.
    Gone,
}

impl DisabledReason {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Gone => "gone",
        }
    }
}

/// Selects a signing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretScope {
    /// The secret of an endpoint.
    Endpoint(EndpointId),
    /// The secret of the API key's implicit endpoint, which signs deliveries to the `webhookUrl`s
    /// of single jobs. The endpoint is created if it does not exist yet.
    Jobs {
        /// Id for the implicit endpoint, if it has to be created.
        fresh: EndpointId,
    },
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ids_parse() {
        let id = EndpointId::from_random(u128::MAX);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in
            ["", "wh_", "msg_ffffffffffffffffffffffff", "wh_fffffffffffffffffffffffF", "wh_ffffffffffffffffffffffff0"]
        {
            assert_eq!(text.parse::<EndpointId>(), Err(ParseIdError), "{text}");
        }
    }

    #[test]
    fn a_delivery_id_depends_on_job_kind_and_endpoint_alone() {
        let (job, endpoint) = (JobId::from_random(1), EndpointId::from_random(1));
        let id = DeliveryId::derive(&job, EventKind::JobFailed, &endpoint);
        assert_eq!(id, DeliveryId::derive(&job, EventKind::JobFailed, &endpoint));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for other in [
            DeliveryId::derive(&JobId::from_random(2), EventKind::JobFailed, &endpoint),
            DeliveryId::derive(&job, EventKind::JobStarted, &endpoint),
            DeliveryId::derive(&job, EventKind::JobFailed, &EndpointId::from_random(2)),
        ] {
            assert_ne!(id, other);
        }
    }
}
