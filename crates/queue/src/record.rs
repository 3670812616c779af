use clearcut_job::{
    ClipName, CutRequest, Failure, FencingToken, JobId, JobState, Outcome, Progress, Sha256Hex, UnixMillis,
};

use crate::{ClaimedInput, JobWebhook, KeyId, NewInput};

/// Where the input of a job lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPointer {
    /// The name of the object in the store.
    pub key: String,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// Its hash.
    pub sha256: Sha256Hex,
}

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its name, freshly drawn.
    pub id: JobId,
    /// The key that asks.
    pub owner: KeyId,
    /// What is asked.
    pub request: CutRequest,
    /// What it works on.
    pub input: NewInput,
    /// What its clip is called.
    pub clip_name: Option<ClipName>,
    /// Where to tell of it, beside the endpoints of the key.
    pub webhook: Option<JobWebhook>,
}

/// What is known of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Its name.
    pub id: JobId,
    /// The key that asked.
    pub owner: KeyId,
    /// Where it is in its life.
    pub state: JobState,
    /// The furthest it ever was.
    pub progress: Progress,
    /// When it was accepted.
    pub created: UnixMillis,
    /// When a worker first began.
    pub started: Option<UnixMillis>,
    /// When it ended.
    pub ended: Option<UnixMillis>,
    /// Tries that failed by another machine's fault.
    pub attempts: u32,
    /// Workers that vanished with it.
    pub crashes: u32,
    /// The last token given out for it.
    pub token: FencingToken,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// When its input and its outputs are forgotten, once it has ended.
    pub expires: Option<UnixMillis>,
    /// What it made, if it completed.
    pub outcome: Option<Outcome>,
    /// A number that rises whenever the state, the progress, or whatever else is shown of the job changes.
    pub revision: u64,
    /// The job that this one runs again.
    pub retry_of: Option<JobId>,
    /// What its clip is called.
    pub clip_name: Option<ClipName>,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The key that asked.
    pub owner: KeyId,
    /// Its name.
    pub id: JobId,
    /// To be said with every word about it.
    pub token: FencingToken,
    /// What is asked, as [`CutRequest::to_json`] wrote it.
    pub request_json: String,
    /// What it works on.
    pub input: ClaimedInput,
    /// How long it had been waiting to be claimed.
    pub waited: std::time::Duration,
}

/// How a worker ends a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With outputs, which are in the store.
    Completed(Outcome),
    /// Without.
    Failed(Failure),
}

/// What came of ending a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The end is written, now.
    Committed,
    /// The same worker had written it before; nothing changed.
    AlreadyCommitted,
    /// The failure is worth another try; the job waits until then.
    Retrying {
        /// Not claimed before this moment.
        not_before: UnixMillis,
    },
}

/// A job whose worker was taken for lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaped {
    /// Its name.
    pub id: JobId,
    /// Whether it was given up, rather than put back in line.
    pub given_up: bool,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs in the hands of workers.
    pub leased: u64,
}
