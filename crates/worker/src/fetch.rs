use clearcut_job::{Failure, FailureCode, Progress, SNIFF_BYTES, Stage, could_be_video};
use clearcut_outbound::{Download, OutboundError, Piece, Target};
use clearcut_queue::{Claimed, InputPointer, QueueError, SourceAddress};
use clearcut_store::{ObjectName, Reservation, StoreError, Stored, Upload};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{CancelFlag, Cutter, Worker, keeper::WorkProgress, work::failed_in_store};

/// Where the transfer ends within its stage; the rest is for looking at the clip.
const FETCHED: f64 = 0.5;

/// After so many bytes a transfer of unknown length shows as half done.
const HALFWAY_BYTES: f64 = (32_u64 << 20) as f64;

/// Brings the clip of a job from its address into the store and notes that it is there, so that no later claim fetches it
/// again. What is no video is refused by its first bytes, like an upload.
pub(crate) async fn fetch_input<C: Cutter>(
    worker: &Worker<C>,
    claimed: &Claimed,
    address: &SourceAddress,
    cancel: &CancelFlag,
    tell: &watch::Sender<WorkProgress>,
) -> Result<InputPointer, Failure> {
    let stopped = CancellationToken::new();
    let stop = stopped.clone();
    cancel.on_cancel(move || stop.cancel());
    let transfer = async {
        let target = worker.outbound.policy().target(&address.0).map_err(|error| explain(&error))?;
        tracing::info!(job = %claimed.id, from = %target, "fetching the clip");
        let stored = transfer(worker, claimed, target, tell).await?;
        keep(worker, claimed, stored).await
    };
    tokio::select! {
        fetched = transfer => fetched,
        () = stopped.cancelled() => Err(Failure::new(FailureCode::Cancelled, "the job was told to end")),
    }
}

async fn transfer<C: Cutter>(
    worker: &Worker<C>,
    claimed: &Claimed,
    target: Target,
    tell: &watch::Sender<WorkProgress>,
) -> Result<Stored, Failure> {
    let limits = worker.settings.download;
    let mut download =
        Download::begin(worker.outbound.clone(), target, limits).await.map_err(|error| explain(&error))?;
    let announced = download.total_bytes().unwrap_or(0);
    check_quota(worker, claimed, announced).await?;
    let mut arriving = Arriving::begin(worker, claimed, announced).await?;
    loop {
        match download.next().await.map_err(|error| explain(&error))? {
            Piece::Bytes(bytes) => arriving.take(worker, claimed, bytes).await?,
            Piece::Restart => arriving = Arriving::begin(worker, claimed, download.total_bytes().unwrap_or(0)).await?,
            Piece::End => break,
        }
        let bytes = arriving.upload.size_bytes();
        let progress = Progress::within(Stage::Loading, FETCHED * fraction(bytes, download.total_bytes()));
        tell.send_replace(WorkProgress { progress, moved: bytes });
    }
    arriving.finish(claimed).await
}

/// After so many bytes the key's quota is looked at again.
const QUOTA_STEP_BYTES: u64 = 4 << 20;

/// How much of a file has come; one of unknown length comes ever nearer to its end.
fn fraction(bytes: u64, total: Option<u64>) -> f64 {
    match total {
        Some(total) => bytes as f64 / total.max(1) as f64,
        None => bytes as f64 / (bytes as f64 + HALFWAY_BYTES),
    }
}

/// Whether the key that asked may keep `bytes` more.
async fn check_quota<C: Cutter>(worker: &Worker<C>, claimed: &Claimed, bytes: u64) -> Result<(), Failure> {
    match worker.queue.check_quota(claimed.owner, bytes).await {
        Err(error @ QueueError::QuotaExceeded { .. }) => {
            Err(Failure::new(FailureCode::QuotaExceeded, error.to_string()))
        }
        // It is asked again when the clip is noted.
        _ => Ok(()),
    }
}

fn no_room(claimed: &Claimed, error: &StoreError) -> Failure {
    match error {
        StoreError::DiskFull => Failure::new(FailureCode::InsufficientStorage, "the server has no room for the clip"),
        error => failed_in_store(claimed, error),
    }
}

/// A clip on its way into the store. Dropping it removes what was written.
struct Arriving {
    room: Reservation,
    upload: Upload,
    unchecked: u64,
    head: Vec<u8>,
}

impl Arriving {
    async fn begin<C: Cutter>(worker: &Worker<C>, claimed: &Claimed, announced: u64) -> Result<Self, Failure> {
        let reserved = worker.store.reserve(announced, worker.settings.disk_floor_bytes).await;
        let room = reserved.map_err(|error| no_room(claimed, &error))?;
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|_| Failure::new(FailureCode::ProcessingFailed, "the server has no random numbers"))?;
        let begun = worker.store.begin(ObjectName::upload(u128::from_le_bytes(random))).await;
        let upload = begun.map_err(|error| failed_in_store(claimed, &error))?;
        Ok(Self { room, upload, unchecked: 0, head: Vec::with_capacity(SNIFF_BYTES) })
    }

    async fn take<C: Cutter>(
        &mut self,
        worker: &Worker<C>,
        claimed: &Claimed,
        bytes: bytes::Bytes,
    ) -> Result<(), Failure> {
        if self.head.len() < SNIFF_BYTES {
            let wanted = (SNIFF_BYTES - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            if self.head.len() == SNIFF_BYTES {
                self.refuse_other_files()?;
            }
        }
        self.room.take(bytes.len() as u64).await.map_err(|error| no_room(claimed, &error))?;
        self.unchecked += bytes.len() as u64;
        if self.unchecked >= QUOTA_STEP_BYTES {
            self.unchecked = 0;
            check_quota(worker, claimed, self.upload.size_bytes()).await?;
        }
        self.upload.write(bytes).await.map_err(|error| failed_in_store(claimed, &error))
    }

    async fn finish(self, claimed: &Claimed) -> Result<Stored, Failure> {
        self.refuse_other_files()?;
        self.upload.finish().await.map_err(|error| failed_in_store(claimed, &error))
    }

    fn refuse_other_files(&self) -> Result<(), Failure> {
        if could_be_video(&self.head) {
            return Ok(());
        }
        let what = if self.head.is_empty() { "nothing" } else { "no video that is known here" };
        Err(Failure::new(FailureCode::InvalidVideo, format!("the address holds {what}")))
    }
}

/// Notes that the clip is there. An object whose note is refused is removed; one whose fate is not known is left to the
/// sweeper, since a job may point to it.
async fn keep<C: Cutter>(worker: &Worker<C>, claimed: &Claimed, stored: Stored) -> Result<InputPointer, Failure> {
    let name = stored.name;
    let object = InputPointer { key: name.as_str().to_owned(), size_bytes: stored.size_bytes, sha256: stored.sha256 };
    let failure = match worker.queue.keep_input(&claimed.id, claimed.token, object.clone()).await {
        Ok(()) => return Ok(object),
        Err(error @ QueueError::QuotaExceeded { .. }) => Failure::new(FailureCode::QuotaExceeded, error.to_string()),
        Err(QueueError::LeaseLost) => Failure::new(FailureCode::WorkerLost, "the lease on the job is lost"),
        Err(error) => {
            tracing::error!(job = %claimed.id, ?error, "a fetched clip could not be noted");
            return Err(Failure::new(FailureCode::StorageUnavailable, "the server could not reach its database"));
        }
    };
    if let Err(error) = worker.store.delete(&name).await {
        tracing::warn!(job = %claimed.id, ?error, "a fetched clip is left for the sweeper");
    }
    Err(failure)
}

/// For the one who asked. The words hold neither the address nor what its host said.
fn explain(error: &OutboundError) -> Failure {
    tracing::warn!(?error, code = error.code(), "a clip could not be fetched");
    Failure::new(FailureCode::from_wire(error.code()), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_of_unknown_length_never_seems_done_and_never_goes_back() {
        let shown: Vec<f64> = [0, 1 << 20, 32 << 20, 1 << 30, u64::MAX].map(|bytes| fraction(bytes, None)).into();
        assert!(shown.windows(2).all(|pair| pair[0] < pair[1]) && shown[4] <= 1.0, "{shown:?}");
        assert!((fraction(5, Some(10)) - 0.5).abs() < 1e-9 && fraction(0, Some(0)) < 1e-9);
    }
}
