//! Transfer of a job's clip from its address into the store, with limits on type, disk and quota.

use clearcut_job::{Failure, FailureCode, ObjectName, Progress, SNIFF_BYTES, Stage, StoredObject, could_be_video};
use clearcut_outbound::{Download, OutboundError, Piece, Target};
use clearcut_queue::{ClaimedJob, QueueError, SourceAddress};
use clearcut_store::{Reservation, StoreError, Upload};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Cutter, Worker, failure::store_failure};

/// Share of the loading stage that the transfer takes. Probing the clip takes the rest.
const TRANSFER_SHARE: f64 = 0.5;

/// Number of bytes at which a transfer of unknown length shows as half done.
const HALFWAY_BYTES: f64 = (32_u64 << 20) as f64;

/// Fetches the clip of a job from its address into the store and records it as the job's input, so
/// no later claim fetches it again. As with uploads, the first bytes decide whether the file can be
/// a video. Cancelling `stop` ends the transfer.
pub(crate) async fn fetch_input<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    address: &SourceAddress,
    stop: &CancellationToken,
    progress_sender: &watch::Sender<Progress>,
) -> Result<StoredObject, Failure> {
    let transfer = async {
        let target = worker.outbound.policy().target(&address.0).map_err(|error| outbound_failure(&error))?;
        tracing::info!(job = %claimed.id, from = %target, "fetching the clip");
        let stored = transfer(worker, claimed, target, progress_sender).await?;
        record_input(worker, claimed, stored).await
    };
    let fetched = stop.run_until_cancelled(transfer).await;
    fetched.unwrap_or_else(|| Err(Failure::new(FailureCode::Cancelled, "the job was stopped")))
}

async fn transfer<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    target: Target,
    progress_sender: &watch::Sender<Progress>,
) -> Result<StoredObject, Failure> {
    let limits = worker.settings.download;
    let mut download =
        Download::begin(worker.outbound.clone(), target, limits).await.map_err(|error| outbound_failure(&error))?;
    let announced = download.total_bytes().unwrap_or(0);
    check_quota(worker, claimed, announced).await?;
    let mut incoming = IncomingClip::begin(worker, claimed, announced).await?;
    loop {
        match download.next().await.map_err(|error| outbound_failure(&error))? {
            Piece::Bytes(bytes) => incoming.write(worker, claimed, bytes).await?,
            Piece::Restart => {
                incoming = IncomingClip::begin(worker, claimed, download.total_bytes().unwrap_or(0)).await?;
            }
            Piece::End => break,
        }
        let bytes = incoming.upload.size_bytes();
        let progress = Progress::within(Stage::Loading, TRANSFER_SHARE * fraction(bytes, download.total_bytes()));
        progress_sender.send_replace(progress);
    }
    incoming.finish(claimed).await
}

/// Number of received bytes after which the API key's quota is checked again.
const QUOTA_STEP_BYTES: u64 = 4 << 20;

/// Received share of a file, from 0 to 1. With an unknown length it approaches 1.
fn fraction(bytes: u64, total: Option<u64>) -> f64 {
    match total {
        Some(total) => bytes as f64 / total.max(1) as f64,
        None => bytes as f64 / (bytes as f64 + HALFWAY_BYTES),
    }
}

/// Checks that the quota of the job's API key allows `bytes` more.
async fn check_quota<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob, bytes: u64) -> Result<(), Failure> {
    match worker.queue.check_quota(claimed.owner, bytes).await {
        Err(error @ QueueError::QuotaExceeded { .. }) => {
            Err(Failure::new(FailureCode::QuotaExceeded, error.to_string()))
        }
        // The quota is checked again when the clip is recorded.
        _ => Ok(()),
    }
}

fn disk_failure(claimed: &ClaimedJob, error: &StoreError) -> Failure {
    match error {
        StoreError::DiskFull => Failure::new(FailureCode::InsufficientStorage, "the server has no room for the clip"),
        error => store_failure(claimed, error),
    }
}

/// Clip on its way into the store. Dropping it removes the bytes written so far.
struct IncomingClip {
    reservation: Reservation,
    upload: Upload,
    unchecked: u64,
    head: Vec<u8>,
}

impl IncomingClip {
    async fn begin<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob, announced: u64) -> Result<Self, Failure> {
        let reserved = worker.store.reserve(announced, worker.settings.disk_floor_bytes).await;
        let reservation = reserved.map_err(|error| disk_failure(claimed, &error))?;
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|_| Failure::new(FailureCode::ProcessingFailed, "the server has no random numbers"))?;
        let begun = worker.store.begin(ObjectName::upload(u128::from_le_bytes(random))).await;
        let upload = begun.map_err(|error| store_failure(claimed, &error))?;
        Ok(Self { reservation, upload, unchecked: 0, head: Vec::with_capacity(SNIFF_BYTES) })
    }

    async fn write<C: Cutter>(
        &mut self,
        worker: &Worker<C>,
        claimed: &ClaimedJob,
        bytes: bytes::Bytes,
    ) -> Result<(), Failure> {
        if self.head.len() < SNIFF_BYTES {
            let missing = (SNIFF_BYTES - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..missing]);
            if self.head.len() == SNIFF_BYTES {
                self.check_file_type()?;
            }
        }
        self.reservation.take(bytes.len() as u64).await.map_err(|error| disk_failure(claimed, &error))?;
        self.unchecked += bytes.len() as u64;
        if self.unchecked >= QUOTA_STEP_BYTES {
            self.unchecked = 0;
            check_quota(worker, claimed, self.upload.size_bytes()).await?;
        }
        self.upload.write(bytes).await.map_err(|error| store_failure(claimed, &error))
    }

    async fn finish(self, claimed: &ClaimedJob) -> Result<StoredObject, Failure> {
        self.check_file_type()?;
        self.upload.finish().await.map_err(|error| store_failure(claimed, &error))
    }

    fn check_file_type(&self) -> Result<(), Failure> {
        if could_be_video(&self.head) {
            return Ok(());
        }
        let content = if self.head.is_empty() { "an empty file" } else { "no video of a supported type" };
        Err(Failure::new(FailureCode::InvalidVideo, format!("the address holds {content}")))
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
            tracing::error!(job = %claimed.id, ?error, "a fetched clip could not be recorded");
            return Err(Failure::new(FailureCode::StorageUnavailable, "the server could not reach its database"));
        }
    };
    if let Err(error) = worker.store.delete(&stored.name).await {
        tracing::warn!(job = %claimed.id, ?error, "a fetched clip is left for the sweep");
    }
    Err(failure)
}

/// Failure for the user. Its message contains neither the address nor the host's reply.
fn outbound_failure(error: &OutboundError) -> Failure {
    tracing::warn!(?error, code = %error.code(), "a clip could not be fetched");
    Failure::new(FailureCode::from_code(error.code()).unwrap_or(FailureCode::ProcessingFailed), error.to_string())
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
