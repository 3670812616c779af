use std::{fmt, str::FromStr, time::Duration};

use clearcut_job::{JobId, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::{EventKind, EventKinds, JobRecord, KeyId, SigningSecrets, WebhookSecret};

/// Endpoints that one key may have.
pub const MAX_ENDPOINTS: usize = 16;

/// How long the secret before signs beside a new one.
pub const SECRET_OVERLAP: Duration = Duration::from_hours(24);

/// How long a test event and what came of it are remembered.
pub(crate) const TEST_SPAN: Duration = Duration::from_hours(7 * 24);

/// Hexadecimal digits in the names below: 96 bits.
const NAME_DIGITS: usize = 24;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name made of the lowest 96 bits of `random`, which the caller draws from the system's generator.
            #[must_use]
            pub fn from_random(random: u128) -> Self {
                Self(format!(concat!($prefix, "{:024x}"), random & ((1 << 96) - 1)))
            }

            /// The name as on the wire.
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
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix($prefix).ok_or(ParseNameError)?;
                let known = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if known && digits.len() == NAME_DIGITS { Ok(Self(text.to_owned())) } else { Err(ParseNameError) }
            }
        }
    )*};
}

/// The text names nothing of that kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a name: a prefix and 24 hexadecimal digits")]
pub struct ParseNameError;

names! {
    /// The name of an endpoint: `wh_` and 24 digits.
    EndpointId = "wh_";
    /// The name of a delivery, which is the `webhook-id` on the wire: `msg_` and 24 digits.
    DeliveryId = "msg_";
}

impl DeliveryId {
    /// The name of the delivery of this event to this endpoint: there is only one, so saying it twice cannot make two.
    pub(crate) fn of(job: &JobId, kind: EventKind, endpoint: &EndpointId) -> Self {
        let named = format!("{job} {kind} {endpoint}");
        let digest = hex::encode(Sha256::digest(named.as_bytes()));
        Self(format!("msg_{}", &digest[..NAME_DIGITS]))
    }
}

/// Where to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// An address that the API has checked.
    pub url: String,
    /// Its host, in lower case, by which deliveries share their turns.
    pub host: String,
    /// What links in the payload begin with where the server's settings do not say: the address under which the key's owner
    /// reached the server.
    pub link_base: String,
}

/// The `webhookUrl` of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWebhook {
    /// Where to send.
    pub destination: Destination,
    /// What names and signs deliveries for single jobs of this key, if nothing does yet.
    pub fresh: (EndpointId, WebhookSecret),
}

/// An endpoint to be kept.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its name, freshly drawn.
    pub id: EndpointId,
    /// Where to send.
    pub destination: Destination,
    /// What it wants to be told.
    pub events: EventKinds,
    /// What its owner calls it.
    pub description: String,
    /// What signs for it, freshly drawn.
    pub secret: WebhookSecret,
}

/// What to change of an endpoint; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Where to send; what waits is sent there, too.
    pub destination: Option<Destination>,
    /// What it wants to be told.
    pub events: Option<EventKinds>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// Whether anything is sent to it. What waits when it is disabled is stopped.
    pub enabled: Option<bool>,
}

/// What is known of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRecord {
    /// Its name.
    pub id: EndpointId,
    /// Where to send.
    pub url: String,
    /// What it wants to be told.
    pub events: EventKinds,
    /// What its owner calls it.
    pub description: String,
    /// When it was made.
    pub created: UnixMillis,
    /// Since when nothing is sent to it, and why.
    pub disabled: Option<(UnixMillis, DisabledReason)>,
    /// Until when two secrets sign, while they rotate; may lie in the past.
    pub rotating_until: Option<UnixMillis>,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Its owner said so.
    Owner,
    /// It answered 410 Gone.
    Gone,
}

impl DisabledReason {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Gone => "gone",
        }
    }
}

/// Whose secret is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretOf {
    /// That of an endpoint.
    Endpoint(EndpointId),
    /// That which signs for the `webhookUrl` of single jobs. One is made if there is none yet, with this name.
    Jobs {
        /// Names the deliveries for single jobs.
        fresh: EndpointId,
    },
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for its next attempt, or one is running.
    Pending,
    /// The receiver said 2xx.
    Delivered,
    /// The receiver never did, and the schedule is at its end.
    Failed,
    /// It is not sent any more: the receiver said 410 Gone, the endpoint was disabled, or the key was revoked.
    Stopped,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Stopped];

    /// The word on the wire and in the database.
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

/// Why a receiver gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The address is one to which nothing is sent: private, local, or otherwise not of the public network.
    AddressRefused,
    /// The name leads to no address.
    NameUnknown,
    /// No connection could be made, encrypted or not.
    Unreachable,
    /// It took too long.
    TooSlow,
    /// The connection ended before there was an answer, or what came was no HTTP.
    BrokenOff,
}

impl NoAnswer {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::AddressRefused, Self::NameUnknown, Self::Unreachable, Self::TooSlow, Self::BrokenOff];

    /// The word on the wire and in the database.
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

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This status, and the first bytes of its body.
    Status {
        /// The HTTP status.
        status: u16,
        /// The first bytes, as text.
        reply: String,
    },
    /// Nothing.
    None(NoAnswer),
}

/// One attempt to deliver, when it was over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What came of it.
    pub answer: Answer,
    /// How long it took, on the monotonic clock.
    pub latency: Duration,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// It is done.
    Delivered,
    /// It is tried again after this pause.
    RetryIn(Duration),
    /// It is not tried any more.
    GiveUp,
    /// Nothing more is sent to this endpoint, or to the `webhookUrl` of this job.
    Gone,
}

/// An attempt as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// When it began.
    pub began: UnixMillis,
    /// How it went.
    pub attempt: Attempt,
}

/// What is known of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its name, which is the `webhook-id`.
    pub id: DeliveryId,
    /// What it tells.
    pub kind: EventKind,
    /// When that happened.
    pub happened: UnixMillis,
    /// The endpoint; `None` for the `webhookUrl` of the job.
    pub endpoint: Option<EndpointId>,
    /// Where it is sent.
    pub url: String,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// When it is tried next, if it is.
    pub due: Option<UnixMillis>,
    /// All attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

/// Something that happened, as it was when it happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What it is.
    pub kind: EventKind,
    /// When it happened.
    pub happened: UnixMillis,
    /// The job at that moment; `None` for a test.
    pub job: Option<JobRecord>,
}

/// A delivery in the hands of a courier.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedDelivery {
    /// Its name, which is the `webhook-id`.
    pub id: DeliveryId,
    /// To be said with every word about it.
    pub claim: u64,
    /// Which try of the schedule this is, from 1.
    pub tries: u32,
    /// The key whose job it is.
    pub owner: KeyId,
    /// Where to send.
    pub destination: Destination,
    /// What signs it.
    pub secrets: SigningSecrets,
    /// What to tell.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        let id = EndpointId::from_random(u128::MAX);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in
            ["", "wh_", "msg_ffffffffffffffffffffffff", "wh_fffffffffffffffffffffffF", "wh_ffffffffffffffffffffffff0"]
        {
            assert_eq!(text.parse::<EndpointId>(), Err(ParseNameError), "{text}");
        }
    }

    #[test]
    fn an_event_has_one_name_at_each_endpoint() {
        let (job, endpoint) = (JobId::from_random(1), EndpointId::from_random(1));
        let name = DeliveryId::of(&job, EventKind::JobFailed, &endpoint);
        assert_eq!(name, DeliveryId::of(&job, EventKind::JobFailed, &endpoint));
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
        for other in [
            DeliveryId::of(&JobId::from_random(2), EventKind::JobFailed, &endpoint),
            DeliveryId::of(&job, EventKind::JobStarted, &endpoint),
            DeliveryId::of(&job, EventKind::JobFailed, &EndpointId::from_random(2)),
        ] {
            assert_ne!(name, other);
        }
    }
}
