//! The JSON of webhooks, and nothing but its shape.

use clearcut_job::UnixMillis;
use clearcut_queue::{Answer, AttemptRecord, DeliveryRecord, EndpointRecord, EventKind, SigningSecrets};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::json_body::Documented;

/// What to make of an endpoint.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewWebhook {
    /// Where to send: http or https, no user name, no private or local address.
    #[schema(example = "https://example.com/hooks/clearcut")]
    pub(crate) url: String,
    /// Any of `job.started`, `job.completed`, `job.failed`; all if missing.
    #[schema(example = json!(["job.completed", "job.failed"]))]
    pub(crate) events: Option<Vec<String>>,
    /// What to call it, at most 200 characters.
    pub(crate) description: Option<String>,
}

impl Documented for NewWebhook {
    const SHAPE: &'static str =
        "a JSON object with url (text), and if you like events (a list of texts) and description (text)";
}

/// What to change of an endpoint; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WebhookChange {
    /// Where to send; what waits is sent there, too.
    pub(crate) url: Option<String>,
    /// Any of `job.started`, `job.completed`, `job.failed`.
    pub(crate) events: Option<Vec<String>>,
    /// What to call it, at most 200 characters.
    pub(crate) description: Option<String>,
    /// Whether anything is sent. What waits when it is disabled is stopped.
    pub(crate) enabled: Option<bool>,
}

impl Documented for WebhookChange {
    const SHAPE: &'static str =
        "a JSON object with any of url (text), events (a list of texts), description (text), enabled (true or false)";
}

/// An endpoint that is told of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    /// Its name.
    #[schema(example = "wh_0123456789abcdef01234567")]
    #[serde(rename = "webhookId")]
    id: String,
    /// Where to send.
    url: String,
    /// What it is told.
    events: Vec<&'static str>,
    /// What its owner calls it.
    description: String,
    /// Whether anything is sent.
    enabled: bool,
    /// `owner`, or `gone` after it answered 410; null while it is enabled.
    #[schema(required = true)]
    disabled_reason: Option<&'static str>,
    /// When it was made, in seconds since 1970.
    created_at: i64,
}

/// An endpoint that was made, with what verifies its deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookMade {
    #[serde(flatten)]
    webhook: Webhook,
    /// What verifies deliveries.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
}

/// The endpoints of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// Oldest first.
    webhooks: Vec<Webhook>,
}

/// What verifies deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Secret {
    /// Signs, and goes on signing.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    #[serde(rename = "secret")]
    current: String,
    /// Signs as well while it rotates.
    #[schema(required = true)]
    #[serde(rename = "previousSecret")]
    previous: Option<String>,
    /// Until when, in seconds since 1970.
    #[schema(required = true)]
    previous_until: Option<i64>,
}

/// What is removed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookRemoved {
    /// Its name.
    pub(crate) webhook_id: String,
    /// Always true.
    pub(crate) deleted: bool,
}

/// Deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    /// Each with all its attempts.
    deliveries: Vec<Delivery>,
}

/// One event for one receiver.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// Its name: the `webhook-id` that the receiver sees, the same however often it is sent.
    #[schema(example = "msg_0123456789abcdef01234567")]
    #[serde(rename = "deliveryId")]
    id: String,
    /// `job.started`, `job.completed`, `job.failed` or `webhook.test`.
    event: &'static str,
    /// When that happened, in seconds since 1970.
    happened_at: i64,
    /// The endpoint; null for the `webhookUrl` of the job.
    #[schema(required = true)]
    webhook_id: Option<String>,
    /// Where it is sent.
    url: String,
    /// `pending`, `delivered`, `failed` (never taken) or `stopped` (410, disabled, or the key was revoked).
    status: &'static str,
    /// When it is sent next; while it is being sent, when it would be sent again if the server died.
    #[schema(required = true)]
    next_attempt_at: Option<i64>,
    /// Oldest first.
    attempts: Vec<DeliveryAttempt>,
}

/// One attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryAttempt {
    /// When it began, in seconds since 1970.
    at: i64,
    /// How long the answer took, or was waited for.
    latency_ms: u64,
    /// The HTTP status of the answer.
    #[schema(required = true)]
    status: Option<u16>,
    /// Why there was no answer: `ADDRESS_REFUSED`, `NAME_UNKNOWN`, `UNREACHABLE`, `TOO_SLOW` or `BROKEN_OFF`.
    #[schema(required = true)]
    error: Option<&'static str>,
    /// The first bytes of the answer's body as text.
    #[schema(required = true)]
    reply: Option<String>,
}

impl From<EndpointRecord> for Webhook {
    fn from(record: EndpointRecord) -> Self {
        Self {
            id: record.id.to_string(),
            url: record.url,
            events: record.events.iter().map(EventKind::name).collect(),
            description: record.description,
            enabled: record.disabled.is_none(),
            disabled_reason: record.disabled.map(|(_, reason)| reason.name()),
            created_at: record.created.whole_secs(),
        }
    }
}

impl WebhookMade {
    pub(crate) fn new(record: EndpointRecord, secret: String) -> Self {
        Self { webhook: record.into(), secret }
    }
}

impl From<Vec<EndpointRecord>> for Webhooks {
    fn from(records: Vec<EndpointRecord>) -> Self {
        Self { webhooks: records.into_iter().map(Webhook::from).collect() }
    }
}

impl Secret {
    /// What is active at `now`.
    pub(crate) fn new(secrets: SigningSecrets, now: UnixMillis) -> Self {
        let (previous, until) = secrets.previous.filter(|(_, until)| now < *until).unzip();
        Self {
            current: secrets.current.reveal().to_owned(),
            previous: previous.map(|secret| secret.reveal().to_owned()),
            previous_until: until.map(UnixMillis::whole_secs),
        }
    }
}

impl From<DeliveryRecord> for Delivery {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            id: record.id.to_string(),
            event: record.kind.name(),
            happened_at: record.happened.whole_secs(),
            webhook_id: record.endpoint.map(|id| id.to_string()),
            url: record.url,
            status: record.state.name(),
            next_attempt_at: record.due.map(UnixMillis::whole_secs),
            attempts: record.attempts.into_iter().map(DeliveryAttempt::from).collect(),
        }
    }
}

impl From<AttemptRecord> for DeliveryAttempt {
    fn from(record: AttemptRecord) -> Self {
        let (status, error, reply) = match record.attempt.answer {
            Answer::Status { status, reply } => (Some(status), None, Some(reply)),
            Answer::None(why) => (None, Some(why.name()), None),
        };
        let latency_ms = record.attempt.latency.as_millis() as u64;
        Self { at: record.began.whole_secs(), latency_ms, status, error, reply }
    }
}

impl From<Vec<DeliveryRecord>> for Deliveries {
    fn from(records: Vec<DeliveryRecord>) -> Self {
        Self { deliveries: records.into_iter().map(Delivery::from).collect() }
    }
}
