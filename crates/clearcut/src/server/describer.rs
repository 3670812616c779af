use clearcut_api::JobDescriber;
use clearcut_notify::DescribeJob;
use clearcut_queue::JobRecord;
use serde_json::Value;

/// Tells of jobs in webhooks as the API does.
#[derive(Debug)]
pub(crate) struct AsTheApi(pub(crate) JobDescriber);

impl DescribeJob for AsTheApi {
    fn describe(&self, job: &JobRecord, link_base: &str) -> Value {
        self.0.describe(job, link_base)
    }
}
