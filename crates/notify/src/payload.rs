use std::fmt;

use clearcut_queue::{Event, JobRecord};
use serde_json::{Value, json};

/// How a job reads on the wire. It comes in from outside, so that what a webhook tells is what the API answers.
pub trait DescribeJob: Send + Sync + fmt::Debug {
    /// The job as the API would answer it at this moment, with links that begin with `link_base` where the settings have no
    /// address of their own.
    fn describe(&self, job: &JobRecord, link_base: &str) -> Value;
}

/// The body of a delivery.
pub(crate) fn body(event: &Event, link_base: &str, describe: &dyn DescribeJob) -> Vec<u8> {
    let data = match &event.job {
        Some(job) => describe.describe(job, link_base),
        None => json!({ "message": "This is a test. Nothing happened to any job." }),
    };
    let (kind, timestamp) = (event.kind.name(), event.happened.to_rfc3339());
    json!({ "type": kind, "timestamp": timestamp, "data": data }).to_string().into_bytes()
}
