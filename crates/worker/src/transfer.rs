//! Transfer of a file from an address into the store, with limits on type, size, time, disk and
//! quota.

use clearcut_job::{Accepted, Failure, FailureCode, ObjectName, StoredObject, error_line};
use clearcut_outbound::{Download, DownloadLimits, Outbound, OutboundError, Piece, Target};
use clearcut_store::{ClipError, ClipQuota, ClipUpload, Store};

/// The client that fetches files, the store that receives them, and the limits.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Client for the addresses of users.
    pub outbound: Outbound,
    /// Store that receives the files.
    pub store: Store,
    /// Limits on size, time and retries.
    pub limits: DownloadLimits,
    /// Free bytes on the data disk below which no file is fetched.
    pub disk_floor_bytes: u64,
}

/// Why a file was not transferred. `Q` is the error of its quota.
#[derive(Debug)]
pub(crate) enum TransferError<Q> {
    /// The address cannot be read.
    Outbound(OutboundError),
    /// The file does not get into the store.
    Clip(ClipError<Q>),
    /// The system has no random numbers for the name of the object.
    NoRandomNumbers,
}

impl<Q> From<OutboundError> for TransferError<Q> {
    fn from(error: OutboundError) -> Self {
        Self::Outbound(error)
    }
}

impl<Q> From<ClipError<Q>> for TransferError<Q> {
    fn from(error: ClipError<Q>) -> Self {
        Self::Clip(error)
    }
}

impl Transfer {
    /// Fetches the file at `target`, which counts against a quota from `new_quota`. As with
    /// uploads, its first bytes decide whether it is `accepted`. `report` gets the number of bytes
    /// so far and in total, if the host states it. Dropping the future ends the transfer, and
    /// nothing is left of it.
    ///
    /// # Errors
    /// If the address, the file, a limit, the store or the quota refuses.
    pub(crate) async fn run<Q: ClipQuota>(
        &self,
        target: Target,
        accepted: Accepted,
        new_quota: impl Fn() -> Q,
        mut report: impl FnMut(u64, Option<u64>),
    ) -> Result<StoredObject, TransferError<Q::Error>> {
        let mut download = Download::begin(self.outbound.clone(), target, self.limits).await?;
        let announced = download.total_bytes().unwrap_or(0);
        let mut early = new_quota();
        early.count(announced);
        early.check().await.map_err(ClipError::Quota)?;
        let mut file = self.begin(announced, accepted, new_quota()).await?;
        loop {
            match download.next().await? {
                Piece::Bytes(bytes) => file.write(bytes).await?,
                Piece::Restart => {
                    file = self.begin(download.total_bytes().unwrap_or(0), accepted, new_quota()).await?;
                }
                Piece::End => break,
            }
            report(file.size_bytes(), download.total_bytes());
        }
        Ok(file.finish().await?)
    }

    /// Begins to receive a file of `announced` bytes, or 0 if the size is unknown.
    async fn begin<Q: ClipQuota>(
        &self,
        announced: u64,
        accepted: Accepted,
        quota: Q,
    ) -> Result<ClipUpload<Q>, TransferError<Q::Error>> {
        let space = self.store.reserve(announced, self.disk_floor_bytes).await.map_err(ClipError::NoSpace)?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| TransferError::NoRandomNumbers)?;
        let name = ObjectName::upload(u128::from_le_bytes(random));
        Ok(self.store.begin_clip(name, accepted, space, quota).await.map_err(ClipError::Store)?)
    }
}

/// Failure for the user. Its message contains neither the address nor the host's reply.
pub(crate) fn outbound_failure(error: &OutboundError) -> Failure {
    tracing::warn!(error = error_line(error), code = %error.code(), "a file could not be fetched");
    Failure::new(FailureCode::from_code(error.code()).unwrap_or(FailureCode::ProcessingFailed), error.to_string())
}

/// Failure of a transfer on a machine without random numbers.
pub(crate) fn no_random_numbers() -> Failure {
    Failure::new(FailureCode::ProcessingFailed, "the server has no random numbers")
}
