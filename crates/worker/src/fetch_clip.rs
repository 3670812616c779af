//! Transfer of a job's clip or images from their address into the store, with limits on type, disk
//! and quota.

use std::sync::Arc;

use clearcut_job::{Failure, FailureCode, JobKind, NotAccepted, NotVideo, Progress, Stage, StoredObject, error_line};
use clearcut_outbound::Target;
use clearcut_queue::{ClaimedJob, KeyId, Queue, QueueError, SourceAddress};
use clearcut_store::{ClipError, ClipQuota, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    Cutter, Worker,
    failure::store_failure,
    images::address_without_image,
    reporter::Reporter,
    transfer::{Transfer, TransferError, no_random_numbers, outbound_failure},
};

/// Share of the loading stage that the transfer takes. Probing the clip takes the rest.
const TRANSFER_SHARE: f64 = 0.5;

/// Number of bytes at which a transfer of unknown length shows as half done.
const HALFWAY_BYTES: f64 = (32_u64 << 20) as f64;

/// Fetches the input of a job from its address into the store and records it as the job's input, so
/// no later claim fetches it again. As with uploads, the first bytes decide whether the file can be
/// one for this kind of job. Cancelling `stop` ends the transfer.
pub(crate) async fn fetch_input<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    (address, kind): (&SourceAddress, JobKind),
    stop: &CancellationToken,
    reporter: &Reporter,
) -> Result<StoredObject, Failure> {
    let transfer = async {
        let target = worker.outbound.policy().target(&address.0).map_err(|error| outbound_failure(&error))?;
        tracing::info!(job = %claimed.id, from = %target, "fetching the clip");
        let stored = transfer(worker, claimed, (target, kind), reporter).await?;
        record_input(worker, claimed, stored).await
    };
    let fetched = stop.run_until_cancelled(transfer).await;
    fetched.unwrap_or_else(|| Err(Failure::new(FailureCode::Cancelled, "the job was stopped")))
}

async fn transfer<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    (target, kind): (Target, JobKind),
    reporter: &Reporter,
) -> Result<StoredObject, Failure> {
    let transfer = Transfer {
        outbound: worker.outbound.clone(),
        store: worker.store.clone(),
        limits: worker.settings.download,
        disk_floor_bytes: worker.settings.disk_floor_bytes,
    };
    let new_quota = || OwnerQuota::new(worker.queue.clone(), claimed.owner);
    let report = |bytes, total| {
        reporter.report(Progress::within(Stage::Loading, TRANSFER_SHARE * fraction(bytes, total)));
    };
    transfer.run(target, kind.accepted(), new_quota, report).await.map_err(|error| match error {
        TransferError::Outbound(error) => outbound_failure(&error),
        TransferError::Clip(error) => clip_failure(claimed, error),
        TransferError::NoRandomNumbers => no_random_numbers(),
    })
}

/// Received share of a file, from 0 to 1. With an unknown length it approaches 1.
fn fraction(bytes: u64, total: Option<u64>) -> f64 {
    match total {
        Some(total) => bytes as f64 / total.max(1) as f64,
        None => bytes as f64 / (bytes as f64 + HALFWAY_BYTES),
    }
}

/// Checks that the quota of `owner` allows `bytes` more.
async fn check_quota(queue: &dyn Queue, owner: KeyId, bytes: u64) -> Result<(), Failure> {
    match queue.check_quota(owner, bytes).await {
        Err(error @ QueueError::QuotaExceeded { .. }) => {
            Err(Failure::new(FailureCode::QuotaExceeded, error.to_string()))
        }
        // The quota is checked again when the clip is recorded.
        _ => Ok(()),
    }
}

/// The storage quota of the job's API key, which counts the fetched bytes.
pub(crate) struct OwnerQuota {
    queue: Arc<dyn Queue>,
    owner: KeyId,
    counted: u64,
}

impl OwnerQuota {
    pub(crate) fn new(queue: Arc<dyn Queue>, owner: KeyId) -> Self {
        Self { queue, owner, counted: 0 }
    }
}

impl ClipQuota for OwnerQuota {
    type Error = Failure;

    fn count(&mut self, bytes: u64) {
        self.counted += bytes;
    }

    async fn check(&mut self) -> Result<(), Failure> {
        check_quota(&*self.queue, self.owner, self.counted).await
    }
}

/// Failure for the user of a clip that did not get into the store.
fn clip_failure(claimed: &ClaimedJob, error: ClipError<Failure>) -> Failure {
    match error {
        ClipError::NotAccepted(NotAccepted::Image(reason)) => address_without_image(reason.into()),
        ClipError::NotAccepted(reason) => {
            let message = match reason {
                NotAccepted::Video(NotVideo::UnknownContainer) => {
                    "the address holds no video of a supported type".into()
                }
                reason => format!("the address holds no video: {}", reason.with_routes()),
            };
            Failure::new(FailureCode::InvalidVideo, message)
        }
        ClipError::NoSpace(error) => space_failure(claimed, &error),
        ClipError::Quota(failure) => failure,
        ClipError::Store(error) => store_failure(claimed, &error),
    }
}

pub(crate) fn space_failure(claimed: &ClaimedJob, error: &StoreError) -> Failure {
    match error {
        StoreError::DiskFull => Failure::new(FailureCode::InsufficientStorage, "the server has no room for the clip"),
        error => store_failure(claimed, error),
    }
}

/// Records the stored clip as the input of its job. If the queue refuses, the object is removed. If
/// the result is unknown, a job may point to the object, so it is left for the sweep.
async fn record_input<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    stored: StoredObject,
) -> Result<StoredObject, Failure> {
    let failure = match worker.queue.keep_input(&claimed.id, claimed.token, stored.clone()).await {
        Ok(()) => return Ok(stored),
        Err(error @ QueueError::QuotaExceeded { .. }) => Failure::new(FailureCode::QuotaExceeded, error.to_string()),
        Err(QueueError::LeaseLost) => Failure::new(FailureCode::WorkerLost, "the lease on the job is lost"),
        Err(error) => {
            tracing::error!(job = %claimed.id, error = error_line(&error), "a fetched clip could not be recorded");
            return Err(Failure::new(FailureCode::StorageUnavailable, "the server could not reach its database"));
        }
    };
    if let Err(error) = worker.store.delete(&stored.name).await {
        tracing::warn!(job = %claimed.id, error = error_line(&error), "a fetched clip is left for the sweep");
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_a_transfer_of_unknown_length_rises_and_never_exceeds_one() {
        let fractions: Vec<f64> = [0, 1 << 20, 32 << 20, 1 << 30, u64::MAX].map(|bytes| fraction(bytes, None)).into();
        assert!(fractions.windows(2).all(|pair| pair[0] < pair[1]) && fractions[4] <= 1.0, "{fractions:?}");
        assert!((fraction(5, Some(10)) - 0.5).abs() < 1e-9 && fraction(0, Some(0)) < 1e-9);
    }
}
