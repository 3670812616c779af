use async_trait::async_trait;
use clearcut_job::JobId;

use crate::{
    AfterAttempt, Attempt, ClaimedDelivery, DeliveryId, DeliveryRecord, EndpointChange, EndpointId, EndpointRecord,
    KeyId, NewEndpoint, QueueError, SecretOf, SigningSecrets, WebhookSecret,
};

/// Who wants to be told of jobs, and what has been told.
///
/// That a job began or ended is noted in the transaction in which it does, once, with one delivery for each endpoint that
/// wants it then. A delivery is claimed for a lease like a job, sent, and its outcome recorded: one that was sent and not
/// recorded is sent again under the same name.
#[async_trait]
pub trait Webhooks: Send + Sync + std::fmt::Debug {
    /// Keeps a new endpoint.
    ///
    /// # Errors
    /// [`QueueError::TooManyEndpoints`] if the key has as many as it may.
    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError>;

    /// The endpoints of a key, oldest first.
    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError>;

    /// Changes an endpoint; `None` if the key has none of that name, as below.
    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError>;

    /// Forgets an endpoint, with all deliveries to it; `false` if there is none.
    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError>;

    /// What signs; `fresh` is kept and returned where there is nothing yet.
    async fn read_secrets(
        &self,
        owner: KeyId,
        of: SecretOf,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError>;

    /// From now on `fresh` signs, and for a while what signed before.
    async fn rotate_secret(
        &self,
        owner: KeyId,
        of: SecretOf,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError>;

    /// Puts a test event for one endpoint in line, as the delivery `id`. Tests are remembered for a week.
    ///
    /// # Errors
    /// [`QueueError::EndpointDisabled`] if nothing is sent to it.
    async fn send_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError>;

    /// The deliveries of a job, in the order of what happened.
    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError>;

    /// The last deliveries to an endpoint, newest first, at most 100.
    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError>;

    /// Puts a delivery in line again, under its own name and with the whole schedule before it. One that is being sent at this
    /// moment is left to that.
    ///
    /// # Errors
    /// [`QueueError::EndpointDisabled`] if nothing is sent to its endpoint.
    async fn redeliver(&self, owner: KeyId, job: &JobId, id: &DeliveryId)
    -> Result<Option<DeliveryRecord>, QueueError>;

    /// Hands the next delivery that is due to a courier, for one lease: of the host with the fewest running, the one that has
    /// been due the longest. A host with `max_per_host` running has to wait.
    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError>;

    /// Remembers an attempt and does what follows from it.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the claim is not the running one; so for the next as well.
    async fn record_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        then: AfterAttempt,
    ) -> Result<(), QueueError>;

    /// Puts a delivery back in line as if it had not been claimed.
    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError>;
}
