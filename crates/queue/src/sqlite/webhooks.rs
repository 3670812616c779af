//! The trait [`Webhooks`] for SQLite; it delegates to the modules `endpoints` and `deliveries`.

use async_trait::async_trait;
use clearcut_job::JobId;

use super::SqliteQueue;
use crate::{
    AfterAttempt, Attempt, ClaimedDelivery, DeliveryId, DeliveryRecord, EndpointChange, EndpointId, EndpointRecord,
    KeyId, NewEndpoint, QueueError, SecretScope, SigningSecrets, WebhookSecret, Webhooks,
};

#[async_trait]
impl Webhooks for SqliteQueue {
    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError> {
        self.insert_endpoint(owner, endpoint).await
    }

    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError> {
        self.read_endpoints(owner).await
    }

    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError> {
        self.update_endpoint(owner, id, change).await
    }

    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError> {
        self.remove_endpoint(owner, id).await
    }

    async fn read_secrets(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        self.read_or_make_secrets(owner, scope, fresh).await
    }

    async fn rotate_secret(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        self.replace_secret(owner, scope, fresh).await
    }

    async fn send_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        self.insert_test(owner, endpoint, id).await
    }

    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        self.read_deliveries_of_job(owner, job).await
    }

    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        self.read_deliveries_to(owner, endpoint).await
    }

    async fn redeliver(
        &self,
        owner: KeyId,
        job: &JobId,
        id: &DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        self.restart_delivery(owner, job, id).await
    }

    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError> {
        self.claim_due_delivery(max_per_host).await
    }

    async fn record_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        next_step: AfterAttempt,
    ) -> Result<(), QueueError> {
        self.write_attempt(id, claim, attempt, next_step).await
    }

    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError> {
        self.release_claimed_delivery(id, claim).await
    }
}
