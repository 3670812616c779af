//! Serializer of jobs in webhooks: shows a job as the API does.

use clearcut_api::JobDescriber;
use clearcut_notify::DescribeJob;
use clearcut_queue::JobRecord;
use serde_json::Value;

/// Adapter that makes the API's [`JobDescriber`] usable by the courier.
#[derive(Debug)]
pub(crate) struct ApiJobDescriber(pub(crate) JobDescriber);

#[async_trait::async_trait]
impl DescribeJob for ApiJobDescriber {
    async fn describe(&self, job: &JobRecord, link_base: &str) -> Value {
        self.0.describe(job, link_base).await
    }
}
