//! The JSON shapes of webhooks.

use clearcut_job::UnixMillis;
use clearcut_queue::{Answer, AttemptRecord, DeliveryRecord, EndpointRecord, EventKind, SigningSecrets};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{
        json_body::JsonShape,
        vocabulary::{DeliveryError, DeliveryStatus, JobEventType, WebhookDisabledReason, WebhookEventType},
    },
    jobs::shapes::Job,
};

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewWebhook {
    /// Destination URL: http or https, without user name, and no private or local address.
    #[schema(example = "https://example.com/hooks/clearcut")]
    pub(crate) url: String,
    /// Events to receive, each once. Default: all.
    #[schema(value_type = Option<Vec<JobEventType>>, nullable = false, example = json!(["job.completed", "job.failed"]))]
    pub(crate) events: Option<Vec<String>>,
    /// Description of the endpoint, at most 200 characters.
    #[schema(max_length = 200, nullable = false)]
    pub(crate) description: Option<String>,
}

impl JsonShape for NewWebhook {
    const SHAPE: &'static str =
        "a JSON object with url (text), and optionally events (a list of texts) and description (text)";
}

/// Changes to an endpoint. Missing fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WebhookChange {
    /// Destination URL. Pending deliveries are sent there, too.
    #[schema(nullable = false)]
    pub(crate) url: Option<String>,
    /// Events to receive, each once.
    #[schema(value_type = Option<Vec<JobEventType>>, nullable = false)]
    pub(crate) events: Option<Vec<String>>,
    /// Description of the endpoint, at most 200 characters.
    #[schema(max_length = 200, nullable = false)]
    pub(crate) description: Option<String>,
    /// Whether the endpoint receives events. Disabling it stops its pending deliveries.
    #[schema(nullable = false)]
    pub(crate) enabled: Option<bool>,
}

impl JsonShape for WebhookChange {
    const SHAPE: &'static str =
        "a JSON object with any of url (text), events (a list of texts), description (text), enabled (true or false)";
}

/// What the server sends to a webhook about a job.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only used for the OpenAPI document; another crate writes the events")]
pub(crate) struct WebhookJobEvent {
    /// What happened.
    #[schema(value_type = JobEventType)]
    r#type: String,
    /// When it happened, by RFC 3339.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The job as reading it returned when the event happened.
    data: Job,
}

/// What the server sends to a webhook as a test.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only used for the OpenAPI document; another crate writes the events")]
pub(crate) struct WebhookTestEvent {
    /// `webhook.test`.
    #[schema(value_type = WebhookEventType, example = "webhook.test")]
    r#type: String,
    /// When the test was requested, by RFC 3339.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Says that this is a test.
    data: WebhookTest,
}

/// The data of a test.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only used for the OpenAPI document; another crate writes the events")]
pub(crate) struct WebhookTest {
    /// Explanation for people.
    message: String,
}

/// An endpoint that receives the events of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    /// Id of the endpoint.
    #[schema(example = "wh_0123456789abcdef01234567")]
    #[serde(rename = "webhookId")]
    id: String,
    /// Destination URL.
    url: String,
    /// Events that the endpoint receives.
    #[schema(value_type = Vec<JobEventType>)]
    events: Vec<&'static str>,
    /// Description by its owner.
    description: String,
    /// Whether the endpoint receives events.
    enabled: bool,
    /// `owner`, or `gone` after the endpoint replied with 410; null while it is enabled.
    #[schema(required = true, value_type = Option<WebhookDisabledReason>)]
    disabled_reason: Option<&'static str>,
    /// When the endpoint was created, in seconds since 1970.
    created_at: i64,
}

/// A new endpoint and its signing secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookMade {
    #[serde(flatten)]
    webhook: Webhook,
    /// Signing secret of the endpoint.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
}

/// The endpoints of an API key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// The endpoints, oldest first.
    webhooks: Vec<Webhook>,
}

/// Signing secrets for deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Secret {
    /// The current signing secret.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    #[serde(rename = "secret")]
    current: String,
    /// The previous signing secret, which also signs during a rotation; null otherwise.
    #[schema(required = true)]
    #[serde(rename = "previousSecret")]
    previous: Option<String>,
    /// Until when the previous secret signs, in seconds since 1970; null without one.
    #[schema(required = true)]
    previous_until: Option<i64>,
}

/// A deleted endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookRemoved {
    /// Id of the endpoint.
    pub(crate) webhook_id: String,
    /// Always true.
    pub(crate) deleted: bool,
}

/// A list of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    /// The deliveries, each with all its attempts.
    deliveries: Vec<Delivery>,
}

/// The delivery of one event to one receiver.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// Id of the delivery. The receiver sees it as `webhook-id`, the same in every attempt.
    #[schema(example = "msg_0123456789abcdef01234567")]
    #[serde(rename = "deliveryId")]
    id: String,
    /// What happened.
    #[schema(value_type = WebhookEventType)]
    event: &'static str,
    /// When the event happened, in seconds since 1970.
    happened_at: i64,
    /// Id of the endpoint; null for the `webhookUrl` of the job.
    #[schema(required = true)]
    webhook_id: Option<String>,
    /// Destination URL.
    url: String,
    /// `pending`, `delivered`, `failed` (all attempts failed) or `stopped` (the receiver replied
    /// with 410, the endpoint was disabled, or the API key was revoked).
    #[schema(value_type = DeliveryStatus)]
    status: &'static str,
    /// When the next attempt is due, in seconds since 1970; null if none is. During an attempt,
    /// when it would be repeated after a crash of the server.
    #[schema(required = true)]
    next_attempt_at: Option<i64>,
    /// The attempts, oldest first.
    attempts: Vec<DeliveryAttempt>,
}

/// One delivery attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryAttempt {
    /// When the attempt started, in seconds since 1970.
    at: i64,
    /// Time to the reply, or to giving up on it, in milliseconds.
    latency_ms: u64,
    /// HTTP status of the reply; null without a reply.
    #[schema(required = true)]
    status: Option<u16>,
    /// Why there was no reply; null with a reply.
    #[schema(required = true, value_type = Option<DeliveryError>)]
    error: Option<&'static str>,
    /// The first bytes of the reply's body, as text; null without a reply.
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
    /// The secrets that are active at `now`.
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
