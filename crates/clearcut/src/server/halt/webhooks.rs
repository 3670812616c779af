//! Webhook methods of the halting queue. It halts when a successful delivery is recorded.

use async_trait::async_trait;
use clearcut_job::JobId;
use clearcut_queue::{
    AfterAttempt, Attempt, ClaimedDelivery, DeliveryId, DeliveryRecord, EndpointChange, EndpointId, EndpointRecord,
    KeyId, NewEndpoint, QueueError, SecretScope, SigningSecrets, WebhookSecret, Webhooks,
};

use super::{HaltAt, HaltingQueue};

#[async_trait]
impl Webhooks for HaltingQueue {
    async fn record_attempt(
        &self,
        id: &DeliveryId,
        claim: u64,
        attempt: Attempt,
        then: AfterAttempt,
    ) -> Result<(), QueueError> {
        if self.halt_at == HaltAt::Delivered && then == AfterAttempt::Delivered {
            self.halt().await;
        }
        self.queue.record_attempt(id, claim, attempt, then).await
    }

    // All other methods delegate to the queue.

    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError> {
        self.queue.create_endpoint(owner, endpoint).await
    }

    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError> {
        self.queue.list_endpoints(owner).await
    }

    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError> {
        self.queue.change_endpoint(owner, id, change).await
    }

    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError> {
        self.queue.delete_endpoint(owner, id).await
    }

    async fn read_secrets(
        &self,
        owner: KeyId,
        of: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        self.queue.read_secrets(owner, of, fresh).await
    }

    async fn rotate_secret(
        &self,
        owner: KeyId,
        of: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        self.queue.rotate_secret(owner, of, fresh).await
    }

    async fn send_test(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        self.queue.send_test(owner, endpoint, id).await
    }

    async fn deliveries_of_job(&self, owner: KeyId, job: &JobId) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        self.queue.deliveries_of_job(owner, job).await
    }

    async fn deliveries_to(
        &self,
        owner: KeyId,
        endpoint: &EndpointId,
    ) -> Result<Option<Vec<DeliveryRecord>>, QueueError> {
        self.queue.deliveries_to(owner, endpoint).await
    }

    async fn redeliver(
        &self,
        owner: KeyId,
        job: &JobId,
        id: &DeliveryId,
    ) -> Result<Option<DeliveryRecord>, QueueError> {
        self.queue.redeliver(owner, job, id).await
    }

    async fn claim_delivery(&self, max_per_host: u32) -> Result<Option<ClaimedDelivery>, QueueError> {
        self.queue.claim_delivery(max_per_host).await
    }

    async fn release_delivery(&self, id: &DeliveryId, claim: u64) -> Result<(), QueueError> {
        self.queue.release_delivery(id, claim).await
    }
}
