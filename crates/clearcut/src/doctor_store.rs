//! `clearcut doctor --store`: reports what a bucket lacks, one line each.

use clearcut_job::{ErrorCode, SystemClock};
use clearcut_store::{Store, Verdict};
use serde_json::json;

use crate::{
    arguments::DoctorOptions,
    console::print_out,
    environment,
    failure::Failure,
    server::{async_runtime, check_store_address},
};

/// Diagnoses the bucket at `address`. Fails if a server could not work with it.
pub(crate) fn run(address: &str, options: &DoctorOptions) -> Result<(), Failure> {
    let address = check_store_address(address.to_owned())?;
    async_runtime()?.block_on(diagnose(&address, options))
}

async fn diagnose(address: &str, options: &DoctorOptions) -> Result<(), Failure> {
    let store =
        Store::s3(address, environment::aws_variables()).map_err(|error| Failure::host_error(error.code(), &error))?;
    let findings = store.diagnose(&options.origin, &SystemClock).await;
    let findings =
        findings.map_err(|error| Failure::host(error.code(), error.fault.to_string(), Some(error.fault.hint())))?;
    for finding in &findings {
        let verdict = match finding.verdict {
            Verdict::Good => "yes",
            Verdict::Advice => "advice",
            Verdict::Bad => "no",
        };
        if options.json {
            print_out(json!({"name": finding.name, "verdict": verdict, "text": finding.text}));
        } else {
            print_out(format_args!("{:<12} {verdict:<7} {}", finding.name, finding.text));
        }
    }
    let bad: Vec<_> = findings.iter().filter(|found| found.verdict == Verdict::Bad).map(|found| found.name).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let message = format!("the store lacks what a server needs: {}", bad.join(", "));
    Err(Failure::host(ErrorCode::StorageUnavailable, message, None))
}
