//! `clearcut doctor --store`: reports what a bucket lacks, one line each.

use clearcut_job::{ErrorCode, SystemClock};
use clearcut_store::{Origin, SettingError, Store, StoreAddress, Verdict};
use serde_json::json;

use crate::{arguments::DoctorOptions, console::print_out, environment, failure::Failure, server::async_runtime};

/// Origin of the page of a server that listens where it does by default.
const LOCAL_ORIGIN: &str = "http://127.0.0.1:8787";

/// Diagnoses the bucket at `address`. Fails if a server could not work with it.
pub(crate) fn run(address: &str, options: &DoctorOptions) -> Result<(), Failure> {
    let (address, origin) = (address.parse()?, page_origin(options)?);
    async_runtime()?.block_on(diagnose(&address, &origin, options.json))
}

/// Origin of the pages that show results.
fn page_origin(options: &DoctorOptions) -> Result<Origin, SettingError> {
    match (&options.origin, environment::public_url()) {
        (Some(origin), _) => origin.parse(),
        (None, Some(url)) => Origin::of_address("CLEARCUT_PUBLIC_URL", &url),
        (None, None) => LOCAL_ORIGIN.parse(),
    }
}

async fn diagnose(address: &StoreAddress, origin: &Origin, as_json: bool) -> Result<(), Failure> {
    let store = Store::s3(address, environment::aws_variables())?;
    let findings = store.diagnose(origin, &SystemClock).await;
    let findings =
        findings.map_err(|error| Failure::host(error.code(), error.fault.to_string(), Some(error.fault.hint())))?;
    for finding in &findings {
        let verdict = match finding.verdict {
            Verdict::Good => "yes",
            Verdict::Advice => "advice",
            Verdict::Bad => "no",
        };
        if as_json {
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
