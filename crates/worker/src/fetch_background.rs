//! The file of a job's new background, brought into its scratch folder.

use std::path::Path;

use clearcut_job::{Accepted, BackdropFile, Failure, FailureCode, error_line};
use clearcut_outbound::OutboundError;
use clearcut_queue::ClaimedJob;
use clearcut_store::{ClipError, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    Cutter, Worker,
    failure::store_failure,
    fetch_clip::{OwnerQuota, space_failure},
    transfer::{Transfer, TransferError, no_random_numbers, outbound_failure},
};

/// Brings the file of a background to the path `to`. One at an address passes through the store, so
/// that the same limits hold as for clips, and is removed there. Cancelling `stop` ends the transfer.
pub(crate) async fn fetch_background<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    file: &BackdropFile,
    to: &Path,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    match file {
        BackdropFile::Stored(name) => match worker.store.fetch(name, to).await {
            Err(StoreError::Missing) => Err(invalid("its upload has expired; send it again")),
            fetched => fetched.map_err(|error| store_failure(claimed, &error)),
        },
        BackdropFile::Address(address) => {
            let fetched = stop.run_until_cancelled(fetch_address(worker, claimed, address, to)).await;
            fetched.unwrap_or_else(|| Err(Failure::new(FailureCode::Cancelled, "the job was stopped")))
        }
        BackdropFile::Local | BackdropFile::Uploaded(_) => {
            Err(Failure::new(FailureCode::ProcessingFailed, "the background of the job is lost"))
        }
    }
}

async fn fetch_address<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    address: &str,
    to: &Path,
) -> Result<(), Failure> {
    let refused = |error: &OutboundError| {
        let Failure { code, message } = outbound_failure(error);
        Failure::new(code, format!("background: {message}"))
    };
    let target = worker.outbound.policy().target(address).map_err(|error| refused(&error))?;
    tracing::info!(job = %claimed.id, from = %target, "fetching the background");
    let transfer = Transfer {
        outbound: worker.outbound.clone(),
        store: worker.store.clone(),
        limits: worker.settings.download,
        disk_floor_bytes: worker.settings.disk_floor_bytes,
    };
    let new_quota = || OwnerQuota::new(worker.queue.clone(), claimed.owner);
    let transferred = transfer.run(target, Accepted::Backgrounds, new_quota, |_, _| ()).await;
    let stored = transferred.map_err(|error| match error {
        TransferError::Outbound(error) => refused(&error),
        TransferError::Clip(ClipError::NotAccepted(reason)) => invalid(&reason.to_string()),
        TransferError::Clip(ClipError::Quota(failure)) => failure,
        TransferError::Clip(ClipError::NoSpace(error)) => space_failure(claimed, &error),
        TransferError::Clip(ClipError::Store(error)) => store_failure(claimed, &error),
        TransferError::NoRandomNumbers => no_random_numbers(),
    })?;
    let fetched = worker.store.fetch_stored(&stored, to).await;
    if let Err(error) = worker.store.delete(&stored.name).await {
        tracing::warn!(job = %claimed.id, error = error_line(&error), "a fetched background is left for the sweep");
    }
    fetched.map_err(|error| store_failure(claimed, &error))
}

fn invalid(finding: &str) -> Failure {
    Failure::new(FailureCode::InvalidBackground, format!("background: {finding}"))
}
