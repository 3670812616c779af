//! The trait [`Endpoints`] in SQL: webhook endpoints and their secrets.

use async_trait::async_trait;

use super::{Backend, Row, Tx, events::ensure_implicit_endpoint, row, webhook_row, webhook_statements as sql};
use crate::{
    DisabledReason, EndpointChange, EndpointId, EndpointRecord, Endpoints, KeyId, MAX_ENDPOINTS, NewEndpoint,
    QueueError, SECRET_OVERLAP, SecretScope, SigningSecrets, WebhookSecret,
};

#[async_trait]
impl Endpoints for Backend {
    async fn create_endpoint(&self, owner: KeyId, endpoint: NewEndpoint) -> Result<EndpointRecord, QueueError> {
        let mut tx = self.begin_write().await?;
        let now = tx.now();
        let count: i64 = sqlx::query_scalar(sql::COUNT_ENDPOINTS).bind(owner.0).fetch_one(&mut *tx).await?;
        if count.unsigned_abs() >= MAX_ENDPOINTS as u64 {
            return Err(QueueError::TooManyEndpoints { limit: MAX_ENDPOINTS });
        }
        sqlx::query(sql::INSERT_ENDPOINT)
            .bind(endpoint.id.as_str())
            .bind(owner.0)
            .bind(endpoint.destination.url)
            .bind(endpoint.destination.host)
            .bind(endpoint.destination.link_base)
            .bind(endpoint.events.to_stored())
            .bind(endpoint.description)
            .bind(endpoint.secret.reveal())
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        let found =
            find_endpoint(&mut tx, owner, &endpoint.id).await?.ok_or(QueueError::Damaged { what: "endpoint" })?;
        tx.commit().await?;
        webhook_row::endpoint(&found)
    }

    async fn list_endpoints(&self, owner: KeyId) -> Result<Vec<EndpointRecord>, QueueError> {
        let mut tx = self.begin_read().await?;
        let rows = sqlx::query(sql::LIST_ENDPOINTS).bind(owner.0).fetch_all(&mut *tx).await?;
        rows.iter().map(webhook_row::endpoint).collect()
    }

    async fn change_endpoint(
        &self,
        owner: KeyId,
        id: &EndpointId,
        change: EndpointChange,
    ) -> Result<Option<EndpointRecord>, QueueError> {
        let mut tx = self.begin_write().await?;
        let Some(found) = find_endpoint(&mut tx, owner, id).await? else { return Ok(None) };
        let seq: i64 = row::column(&found, "seq")?;
        if let Some(destination) = change.destination {
            sqlx::query(sql::MOVE_PENDING_DELIVERIES).bind(seq).bind(&destination.host).execute(&mut *tx).await?;
            let moved = sqlx::query(sql::MOVE_ENDPOINT)
                .bind(seq)
                .bind(destination.url)
                .bind(destination.host)
                .bind(destination.link_base);
            moved.execute(&mut *tx).await?;
        }
        if let Some(events) = change.events {
            sqlx::query(sql::SET_EVENTS).bind(seq).bind(events.to_stored()).execute(&mut *tx).await?;
        }
        if let Some(description) = change.description {
            sqlx::query(sql::SET_DESCRIPTION).bind(seq).bind(description).execute(&mut *tx).await?;
        }
        match change.enabled {
            None => {}
            Some(true) => {
                sqlx::query(sql::ENABLE).bind(seq).execute(&mut *tx).await?;
            }
            Some(false) => disable(&mut tx, seq, DisabledReason::Owner).await?,
        }
        let changed = find_endpoint(&mut tx, owner, id).await?;
        tx.commit().await?;
        changed.as_ref().map(webhook_row::endpoint).transpose()
    }

    async fn delete_endpoint(&self, owner: KeyId, id: &EndpointId) -> Result<bool, QueueError> {
        let delete = sqlx::query(sql::DELETE_ENDPOINT).bind(owner.0).bind(id.as_str());
        let mut tx = self.begin_write().await?;
        let removed = delete.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(removed.rows_affected() == 1)
    }

    async fn read_secrets(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        let mut tx = self.begin_write().await?;
        let found = self.find_signing_endpoint(&mut tx, owner, scope, &fresh).await?;
        tx.commit().await?;
        found.as_ref().map(webhook_row::secrets).transpose()
    }

    async fn rotate_secret(
        &self,
        owner: KeyId,
        scope: SecretScope,
        fresh: WebhookSecret,
    ) -> Result<Option<SigningSecrets>, QueueError> {
        let mut tx = self.begin_write().await?;
        let Some(found) = self.find_signing_endpoint(&mut tx, owner, scope, &fresh).await? else { return Ok(None) };
        let mut secrets = webhook_row::secrets(&found)?;
        if secrets.current != fresh {
            secrets = secrets.rotated(fresh, tx.now().after(SECRET_OVERLAP));
            let (previous, until) = secrets.previous.as_ref().map(|(text, until)| (text.reveal(), until.0)).unzip();
            sqlx::query(sql::SET_SECRETS)
                .bind(row::column::<i64>(&found, "seq")?)
                .bind(secrets.current.reveal())
                .bind(previous)
                .bind(until)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(Some(secrets))
    }
}

impl Backend {
    /// Finds the endpoint whose secret `scope` selects. Creates the implicit endpoint if needed.
    async fn find_signing_endpoint(
        &self,
        tx: &mut Tx,
        owner: KeyId,
        scope: SecretScope,
        fresh: &WebhookSecret,
    ) -> Result<Option<Row>, QueueError> {
        match scope {
            SecretScope::Endpoint(id) => find_endpoint(tx, owner, &id).await,
            SecretScope::Jobs { fresh: id } => {
                ensure_implicit_endpoint(tx, owner, &id, fresh).await?;
                Ok(sqlx::query(sql::READ_IMPLICIT_ENDPOINT).bind(owner.0).fetch_optional(&mut **tx).await?)
            }
        }
    }
}

/// Finds an endpoint that its owner created, so never the implicit one.
pub(super) async fn find_endpoint(tx: &mut Tx, owner: KeyId, id: &EndpointId) -> Result<Option<Row>, QueueError> {
    Ok(sqlx::query(sql::READ_ENDPOINT).bind(owner.0).bind(id.as_str()).fetch_optional(&mut **tx).await?)
}

/// Disables an endpoint and stops its pending deliveries.
pub(super) async fn disable(tx: &mut Tx, seq: i64, reason: DisabledReason) -> Result<(), QueueError> {
    sqlx::query(sql::DISABLE).bind(seq).bind(tx.now().0).bind(reason.name()).execute(&mut **tx).await?;
    sqlx::query(sql::STOP_ENDPOINT_DELIVERIES).bind(seq).execute(&mut **tx).await?;
    Ok(())
}
