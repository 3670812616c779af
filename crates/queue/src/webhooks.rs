//! The trait [`Webhooks`]: endpoints, secrets and deliveries as the API and the courier use them.

use async_trait::async_trait;
use clearcut_job::JobId;

use crate::{
    AfterAttempt, Attempt, ClaimedDelivery, DeliveryId, DeliveryRecord, EndpointChange, EndpointId, EndpointRecord,
    KeyId, NewEndpoint, QueueError, SecretScope, SigningSecrets, WebhookSecret,
};

/// Webhook endpoints, their secrets and the deliveries to them.
///
/// The transaction that starts or ends a job writes the event, once, with one delivery for each
/// endpoint that subscribes to it at that moment (transactional outbox). A courier claims a
/// delivery for one lease, as a worker claims a job, sends it and records the attempt. A delivery
/// that was sent but not recorded is sent again under the same id.
#[async_trait]
pub trait Webhooks: Send + Sync + std::fmt::Debug {
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
