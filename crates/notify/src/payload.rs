//! Payload of a webhook: the JSON body of a delivery.

use std::fmt;

use async_trait::async_trait;
use clearcut_queue::{Event, JobRecord};
use serde_json::{Value, json};

/// Serializer of a job in webhook payloads. The caller provides it, so webhooks and API show a job
/// alike.
#[async_trait]
pub trait DescribeJob: Send + Sync + fmt::Debug {
    /// The job as the API would return it at this moment. Its links begin with `link_base` if the
    /// settings have no public URL.
    async fn describe(&self, job: &JobRecord, link_base: &str) -> Value;
}

/// JSON body of a delivery.
pub(crate) async fn body(event: &Event, link_base: &str, describe: &dyn DescribeJob) -> Vec<u8> {
    let data = match &event.job {
        Some(job) => describe.describe(job, link_base).await,
        None => json!({ "message": "This is a test. Nothing happened to any job." }),
    };
    let (kind, timestamp) = (event.kind.name(), event.happened.to_rfc3339());
    json!({ "type": kind, "timestamp": timestamp, "data": data }).to_string().into_bytes()
}
