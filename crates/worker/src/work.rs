//! One claimed job: start, cut, store, finish; and what is said of it when that goes wrong.

use std::{
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{CutRequest, Failure, FailureCode, Outcome, OutputPointer, Progress, Stage, is_shortage};
use clearcut_queue::{Claimed, ClaimedInput, Ending, Finished, QueueError};
use clearcut_store::{ObjectName, StoreError};
use tokio::{sync::watch, time::sleep};

use crate::{
    CancelFlag, CutOrder, CutOutcome, Cutter, Drain, Worker,
    fetch::fetch_input,
    housekeeping::clear_outputs,
    keeper::{Stopped, WorkProgress, keep},
};

/// The pause before the queue is told again what it did not take.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long to try to tell the end of a job whose time is over, or that it goes back in line.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What a job says of the machine that worked on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    /// It has what work needs.
    Ready,
    /// It has no file, process or memory to give at the moment: the next job would find the same.
    Short,
}

/// Works on one claimed job until its end is written or it is given up, and leaves nothing of it on this machine.
pub(crate) async fn work_on<C: Cutter>(worker: &Worker<C>, claimed: Claimed, drain: &Drain) -> Machine {
    let began = Instant::now();
    tracing::info!(job = %claimed.id, token = %claimed.token, waited_ms = claimed.waited.as_millis() as u64, "claimed");
    let (ended, machine) = bring_to_end(worker, &claimed, drain).await;
    clear_outputs(worker.queue.as_ref(), &worker.store, &claimed).await;
    tracing::info!(job = %claimed.id, token = %claimed.token, took_ms = began.elapsed().as_millis() as u64, ended, "ended");
    machine
}

/// Works and keeps the lease until the end is said or there is nothing to say; what came of it, in words.
///
/// The keeper ends with this function. One that were kept and not polled might hold the database's only writer, halfway
/// through a heartbeat, from all who come after.
async fn bring_to_end<C: Cutter>(worker: &Worker<C>, claimed: &Claimed, drain: &Drain) -> (String, Machine) {
    let (tell, told) = watch::channel(WorkProgress::from(Progress::within(Stage::Waiting, 1.0)));
    let cancel = CancelFlag::default();
    let queue = worker.queue.as_ref();
    let keeper = keep((queue, &worker.store), claimed, &worker.settings, told, &drain.put_back);
    let work = make_ending(worker, claimed, &cancel, tell);
    tokio::pin!(work, keeper);
    let ending = tokio::select! {
        ending = &mut work => Ok(ending),
        stopped = &mut keeper => {
            cancel.cancel();
            // The cut ends soon after it was asked to; until then its files cannot be removed.
            drop((&mut work).await);
            Err(stopped)
        }
    };
    let ended = match ending {
        // Not now: no word about the clip, and no attempt of its own.
        Ok(Ending::Failed(failure)) if failure.code == FailureCode::ShortOfResources => {
            tracing::warn!(job = %claimed.id, "the machine is short of files, processes or memory");
            return (put_back(worker, claimed).await, Machine::Short);
        }
        Ok(ending) => {
            let finish = finish(worker, claimed, ending);
            tokio::pin!(finish);
            tokio::select! {
                ended = &mut finish => ended,
                stopped = &mut keeper => match stopped {
                    Stopped::LeaseLost => "given up: the lease was lost".to_owned(),
                    // The work is done; only saying so is left.
                    Stopped::Deadline | Stopped::Stalled | Stopped::NoRoom | Stopped::PutBack => {
                        let said = tokio::time::timeout(LAST_WORDS, finish).await;
                        said.unwrap_or_else(|_| "given up: the end was not taken".to_owned())
                    }
                },
            }
        }
        Err(Stopped::LeaseLost) => "given up: the lease was lost".to_owned(),
        Err(Stopped::PutBack) => put_back(worker, claimed).await,
        Err(Stopped::Deadline) => finish(worker, claimed, timeout("the clip took longer than a cut may take")).await,
        Err(Stopped::NoRoom) => {
            let failure = Failure::new(FailureCode::InsufficientStorage, "the server's disk is full");
            finish(worker, claimed, Ending::Failed(failure)).await
        }
        Err(Stopped::Stalled) => finish(worker, claimed, timeout("the cut stood still for too long")).await,
    };
    (ended, Machine::Ready)
}

fn timeout(message: &str) -> Ending {
    Ending::Failed(Failure::new(FailureCode::Timeout, message))
}

/// Fetches, cuts and stores; an end is said of everything but the lease.
async fn make_ending<C: Cutter>(
    worker: &Worker<C>,
    claimed: &Claimed,
    cancel: &CancelFlag,
    tell: watch::Sender<WorkProgress>,
) -> Ending {
    let scratch = worker.settings.scratch.join(format!("{}-{}", claimed.id, claimed.token));
    let ending = match cut_and_store(worker, claimed, cancel, tell, &scratch).await {
        Ok(outcome) => Ending::Completed(outcome),
        Err(failure) => Ending::Failed(failure),
    };
    if let Err(error) = fs::remove_dir_all(&scratch) {
        tracing::warn!(job = %claimed.id, %error, "the scratch folder is left for a later look");
    }
    ending
}

async fn cut_and_store<C: Cutter>(
    worker: &Worker<C>,
    claimed: &Claimed,
    cancel: &CancelFlag,
    tell: watch::Sender<WorkProgress>,
    scratch: &Path,
) -> Result<Outcome, Failure> {
    let began = Instant::now();
    start(worker, claimed, cancel).await;
    tell.send_replace(Progress::within(Stage::Loading, 0.0).into());
    let order = prepare(worker, claimed, (cancel, &tell), scratch).await?;
    let (cutter, cancel) = (Arc::clone(&worker.cutter), cancel.clone());
    let teller = tell.clone();
    let cutting = tokio::task::spawn_blocking(move || {
        cutter.cut(&order, &cancel, &mut |progress| {
            teller.send_modify(|told| *told = WorkProgress { progress, moved: told.moved + 1 });
        })
    });
    let cut = cutting.await.map_err(|ended| {
        tracing::error!(job = %claimed.id, %ended, "a cut panicked");
        Failure::new(FailureCode::ProcessingFailed, "the clip could not be cut")
    })??;
    let outputs = store_outputs(worker, claimed, &cut, &tell).await?;
    Ok(Outcome { measured: cut.measured, processing_ms: began.elapsed().as_millis() as u64, outputs })
}

/// Tells the queue that the job has started, until it is taken or the job is to end. Without it the job would have no start, and nobody be
/// told of it.
async fn start<C: Cutter>(worker: &Worker<C>, claimed: &Claimed, cancel: &CancelFlag) {
    while let Err(error) = worker.queue.start(&claimed.id, claimed.token).await {
        // A lost lease shows at the next heartbeat.
        if cancel.is_cancelled() || matches!(error, QueueError::LeaseLost) {
            return;
        }
        tracing::warn!(job = %claimed.id, ?error, "the start was not taken");
        sleep(RETRY_PAUSE).await;
    }
}

async fn prepare<C: Cutter>(
    worker: &Worker<C>,
    claimed: &Claimed,
    (cancel, tell): (&CancelFlag, &watch::Sender<WorkProgress>),
    scratch: &Path,
) -> Result<CutOrder, Failure> {
    let unreadable = |what: &'static str| Failure::new(FailureCode::ProcessingFailed, what);
    let request = CutRequest::from_json(&claimed.request_json).map_err(|error| {
        tracing::error!(job = %claimed.id, ?error, "a stored request cannot be read");
        unreadable("the request of the job cannot be read by this version of the server")
    })?;
    let object = match &claimed.input {
        ClaimedInput::Stored(object) => object.clone(),
        ClaimedInput::Address(address) => fetch_input(worker, claimed, address, cancel, tell).await?,
    };
    let name: ObjectName = object.key.parse().map_err(|_| unreadable("the clip of the job is lost"))?;
    let (input, cut_folder) = (scratch.join("input"), scratch.join("cut"));
    make_folders(scratch, &cut_folder).map_err(|error| failed_locally(claimed, &error))?;
    worker.store.fetch(&name, &input).await.map_err(|error| failed_in_store(claimed, &error))?;
    Ok(CutOrder { input, request, scratch: cut_folder })
}

/// Makes the scratch folder of a job and `cut` in it, and the folder of all scratch folders, should somebody have tidied that away; not the
/// data folder, though: where it is gone, a volume was taken away.
fn make_folders(scratch: &Path, cut: &Path) -> io::Result<()> {
    // What an earlier start of this program left there under the same token is not ours.
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    if let Some(all) = scratch.parent().filter(|all| !all.exists()) {
        fs::create_dir(all)?;
    }
    fs::create_dir(scratch)?;
    fs::create_dir(cut)
}

async fn store_outputs<C: Cutter>(
    worker: &Worker<C>,
    claimed: &Claimed,
    cut: &CutOutcome,
    tell: &watch::Sender<WorkProgress>,
) -> Result<Vec<OutputPointer>, Failure> {
    let mut outputs = Vec::new();
    for (index, file) in cut.files.iter().enumerate() {
        tell.send_replace(Progress::within(Stage::Storing, index as f64 / cut.files.len() as f64).into());
        let name = ObjectName::output(&claimed.id, claimed.token, file.format);
        let stored = worker.store.put_file(name, &file.path).await.map_err(|error| failed_in_store(claimed, &error))?;
        outputs.push(OutputPointer {
            format: file.format,
            key: stored.name.as_str().to_owned(),
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
        });
    }
    tell.send_replace(Progress::within(Stage::Storing, 1.0).into());
    Ok(outputs)
}

/// Says the end until it is heard or the lease is lost.
async fn finish<C: Cutter>(worker: &Worker<C>, claimed: &Claimed, ending: Ending) -> String {
    loop {
        match worker.queue.finish(&claimed.id, claimed.token, ending.clone()).await {
            Ok(Finished::Committed | Finished::AlreadyCommitted) => {
                return match &ending {
                    Ending::Completed(_) => "completed".to_owned(),
                    Ending::Failed(failure) => format!("failed: {}", failure.code.wire()),
                };
            }
            Ok(Finished::Retrying { .. }) => return "to be tried again".to_owned(),
            Err(QueueError::LeaseLost) => return "given up: the lease was lost".to_owned(),
            Err(error) => {
                tracing::warn!(job = %claimed.id, ?error, "the end was not taken");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

async fn put_back<C: Cutter>(worker: &Worker<C>, claimed: &Claimed) -> String {
    let until = Instant::now() + LAST_WORDS;
    loop {
        match worker.queue.release(&claimed.id, claimed.token).await {
            Ok(()) => return "put back in line".to_owned(),
            Err(QueueError::LeaseLost) => return "given up: the lease was lost".to_owned(),
            Err(error) if Instant::now() < until => {
                tracing::warn!(job = %claimed.id, ?error, "the job could not be put back");
                sleep(RETRY_PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(job = %claimed.id, ?error, "the job could not be put back; its lease will run out");
                return "left to its lease".to_owned();
            }
        }
    }
}

pub(crate) fn failed_in_store(claimed: &Claimed, error: &StoreError) -> Failure {
    tracing::error!(job = %claimed.id, ?error, "the store failed");
    match error {
        StoreError::DiskFull => Failure::new(FailureCode::InsufficientStorage, "the server's disk is full"),
        StoreError::Short => Failure::new(FailureCode::ShortOfResources, SHORT),
        StoreError::Missing => Failure::new(FailureCode::ProcessingFailed, "the clip of the job is lost"),
        _ => Failure::new(FailureCode::StorageUnavailable, "the server could not reach its files"),
    }
}

const SHORT: &str = "the server is short of files or memory at the moment";

fn failed_locally(claimed: &Claimed, error: &io::Error) -> Failure {
    tracing::error!(job = %claimed.id, %error, "the scratch folder failed");
    if is_shortage(error) {
        return Failure::new(FailureCode::ShortOfResources, SHORT);
    }
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    if full {
        return Failure::new(FailureCode::InsufficientStorage, "the server has no room to work");
    }
    Failure::new(FailureCode::StorageUnavailable, "the server could not reach its files")
}
