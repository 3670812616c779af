//! Webhook endpoints and their signing secrets: their types and the trait [`Endpoints`].

use std::time::Duration;

use async_trait::async_trait;
use clearcut_job::UnixMillis;

use crate::{EndpointId, EventKinds, KeyId, QueueError, SigningSecrets, WebhookSecret};

/// Maximum number of endpoints per API key.
pub const MAX_ENDPOINTS: usize = 16;

/// Overlap of a rotation: the previous secret signs beside the new one for this long.
pub const SECRET_OVERLAP: Duration = Duration::from_hours(24);

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
    /// Both reasons.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Gone];

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

/// Webhook endpoints of API keys and their secrets.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Creates an endpoint.
    ///
    /// # Errors
    /// [`QueueError::TooManyEndpoints`] if the API key already has [`crate::MAX_ENDPOINTS`].
    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError>;

    /// Lists the endpoints of an API key, oldest first.
    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError>;

    /// Changes an endpoint. `None` if the API key has no such endpoint; so for the methods below.
    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError>;

    /// Deletes an endpoint and all deliveries to it; `false` if there is no such endpoint.
    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError>;

    /// Reads the signing secrets of `scope`. If it has none yet, stores and returns `fresh`.
    async fn read_secrets(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError>;

    /// Makes `fresh` the current signing secret. The previous one signs as well for
    /// [`crate::SECRET_OVERLAP`].
    async fn rotate_secret(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError>;
}
