//! The trait [`Endpoints`] for the in-memory model.

use async_trait::async_trait;

use super::{MemoryQueue, webhook_tables::EndpointRow};
use crate::{
    DisabledReason, EndpointChange, EndpointId, EndpointRecord, Endpoints, KeyId, MAX_ENDPOINTS, NewEndpoint,
    QueueError, SECRET_OVERLAP, SecretScope, SigningSecrets, WebhookSecret,
};

#[async_trait]
impl Endpoints for MemoryQueue {
    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError> {
        let webhooks = &mut self.tables().webhooks;
        let of_owner = webhooks.endpoints.iter().filter(|row| row.owner == owner && row.destination.is_some());
        if of_owner.count() >= MAX_ENDPOINTS {
            return Err(QueueError::TooManyEndpoints { limit: MAX_ENDPOINTS });
        }
        let row = EndpointRow {
            destination: Some(endpoint.destination),
            events: endpoint.events,
            description: endpoint.description,
            ..EndpointRow::implicit(endpoint.id, owner, endpoint.secret, self.clock.now())
        };
        webhooks.endpoints.push(row.clone());
        row.record().ok_or(QueueError::Damaged { what: "url" })
    }

    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError> {
        let tables = self.tables();
        let of_owner = tables.webhooks.endpoints.iter().filter(|row| row.owner == owner);
        Ok(of_owner.filter_map(EndpointRow::record).collect())
    }

    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let Some(row) = webhooks.endpoint(owner, id) else { return Ok(None) };
        row.events = change.events.unwrap_or(row.events.clone());
        row.description = change.description.unwrap_or(row.description.clone());
        row.disabled = match change.enabled {
            None => row.disabled,
            Some(true) => None,
            Some(false) => row.disabled.or(Some((now, DisabledReason::Owner))),
        };
        let new_host = change.destination.as_ref().map(|destination| destination.host.clone());
        row.destination = change.destination.or(row.destination.take());
        let record = row.record();
        if let Some(host) = new_host {
            let waiting = webhooks.deliveries.iter_mut().filter(|row| row.endpoint == *id && row.due.is_some());
            waiting.for_each(|row| row.host.clone_from(&host));
        }
        if change.enabled == Some(false) {
            webhooks.stop_pending(id, None);
        }
        Ok(record)
    }

    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError> {
        let webhooks = &mut self.tables().webhooks;
        if webhooks.endpoint(owner, id).is_none() {
            return Ok(false);
        }
        webhooks.deliveries.retain(|row| row.endpoint != *id);
        webhooks.endpoints.retain(|row| row.id != *id);
        Ok(true)
    }

    async fn read_secrets(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        Ok(match scope {
            SecretScope::Endpoint(id) => webhooks.endpoint(owner, &id).map(|row| row.secrets.clone()),
            SecretScope::Jobs { fresh: id } => Some(webhooks.implicit_endpoint(owner, id, fresh, now).secrets.clone()),
        })
    }

    async fn rotate_secret(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        let now = self.clock.now();
        let webhooks = &mut self.tables().webhooks;
        let row = match scope {
            SecretScope::Endpoint(id) => webhooks.endpoint(owner, &id),
            SecretScope::Jobs { fresh: id } => Some(webhooks.implicit_endpoint(owner, id, fresh.clone(), now)),
        };
        let Some(row) = row else { return Ok(None) };
        if row.secrets.current != fresh {
            row.secrets = row.secrets.clone().rotated(fresh, now.after(SECRET_OVERLAP));
        }
        Ok(Some(row.secrets.clone()))
    }
}
