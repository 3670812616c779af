//! `clearcut jobs`: lists, shows, cancels, retries and watches the jobs of all API keys, whether the
//! server runs or not.

use std::time::Duration;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use clearcut_job::{JobId, JobState};
use clearcut_queue::{JobRecord, KeyId, Listing, Place, Queue, RetryResult};
use tokio::time::sleep;

use super::{
    beside::{ServerData, open_database},
    credentials::draw_number,
    times::format_time,
};
use crate::{console::escape_line, failure::Failure, reporter::format_bytes};

/// Pause between two looks at a job that is watched.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct JobsOptions {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    server: ServerData,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the jobs of all API keys, the newest first
    List {
        /// Only jobs in this state
        #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(JobState::ALL.map(JobState::name)))]
        state: Option<String>,

        /// Only jobs of this API key, by its number in the list of keys
        #[arg(long, value_name = "ID")]
        key: Option<i64>,

        /// Number of jobs, at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show a job
    Show(JobArgument),
    /// Cancel a job that waits or runs
    Cancel(JobArgument),
    /// Retry a job that has failed or was cancelled, as a new job, and print its id
    Retry(JobArgument),
    /// Follow a job until it has ended; exit with 1 if it failed
    Watch(JobArgument),
}

#[derive(Debug, Args)]
struct JobArgument {
    /// Id of the job
    #[arg(value_name = "JOB", value_parser = parse_id)]
    id: JobId,
}

fn parse_id(text: &str) -> Result<JobId, String> {
    text.parse().map_err(|_| "allowed: the id of a job, as clearcut jobs list prints it".to_owned())
}

pub(crate) async fn run(options: &JobsOptions) -> Result<(), Failure> {
    let jobs = open_database(&options.server.settings(None)?).await?;
    let result = run_action(jobs.queue().as_ref(), &options.action).await;
    jobs.close().await;
    result
}

async fn run_action(queue: &dyn Queue, action: &Action) -> Result<(), Failure> {
    match action {
        Action::List { state, key, limit } => {
            let state = state.as_deref().and_then(|name| name.parse().ok());
            let newest = list(queue, state, key.map(KeyId), *limit).await?;
            println!("{:<22}  {:<10}  {:>4}  {:>4}  {:<21}  clip", "id", "state", "done", "key", "created");
            for job in &newest {
                println!("{}", line(job));
            }
        }
        Action::Show(JobArgument { id }) => println!("{}", details(&find(queue, id).await?)),
        Action::Cancel(JobArgument { id }) => {
            let before = find(queue, id).await?;
            if before.state.is_final() {
                let message = format!("the job has ended: it is {}", before.state);
                return Err(Failure::usage(message, "Only a job that waits or runs can be cancelled."));
            }
            queue.cancel(before.owner, id).await?;
        }
        Action::Retry(JobArgument { id }) => println!("{}", retry(queue, &find(queue, id).await?).await?.as_str()),
        Action::Watch(JobArgument { id }) => return watch(queue, find(queue, id).await?).await,
    }
    Ok(())
}

/// The newest jobs of all API keys, or of `key`.
async fn list(
    queue: &dyn Queue,
    state: Option<JobState>,
    key: Option<KeyId>,
    limit: u32,
) -> Result<Vec<JobRecord>, Failure> {
    let mut newest = Vec::new();
    for owner in queue.list_keys().await?.into_iter().map(|owner| owner.id) {
        if key.is_none_or(|key| key == owner) {
            let listing = Listing { state, since: None, until: None, after: None, limit };
            newest.extend(queue.list(owner, listing).await?);
        }
    }
    newest.sort_by_key(|job| std::cmp::Reverse(Place { created: job.created, id: job.id.clone() }));
    newest.truncate(limit as usize);
    Ok(newest)
}

/// The job `id`, whichever API key submitted it.
async fn find(queue: &dyn Queue, id: &JobId) -> Result<JobRecord, Failure> {
    for key in queue.list_keys().await? {
        if let Some(job) = queue.read(key.id, id).await? {
            return Ok(job);
        }
    }
    let message = format!("there is no job {}", id.as_str());
    Err(Failure::usage(message, "clearcut jobs list shows the newest jobs."))
}

async fn retry(queue: &dyn Queue, job: &JobRecord) -> Result<JobId, Failure> {
    let fresh = JobId::from_random(draw_number()?);
    let (message, hint) = match queue.retry(job.owner, &job.id, fresh.clone()).await? {
        RetryResult::Accepted => return Ok(fresh),
        RetryResult::Missing => ("the job was removed meanwhile".to_owned(), "Submit its clip again."),
        RetryResult::NotFailed(state) => (format!("the job is {state}"), "Only a job that has failed can be retried."),
        RetryResult::InputGone => ("the clip of the job is no longer kept".to_owned(), "Submit it again."),
    };
    Err(Failure::usage(message, hint))
}

/// Prints each change of `job` until it has ended.
async fn watch(queue: &dyn Queue, mut job: JobRecord) -> Result<(), Failure> {
    println!("{}", line(&job));
    while !job.state.is_final() {
        sleep(WATCH_INTERVAL).await;
        let now = find(queue, &job.id).await?;
        if now.revision != job.revision {
            println!("{}", line(&now));
        }
        job = now;
    }
    match job.failure {
        None => Ok(()),
        Some(failure) => Err(Failure::new(
            failure.code.code(),
            format!("the job failed: {}", failure.message),
            Some("clearcut jobs retry makes a new job of it.".to_owned()),
        )),
    }
}

/// What is done of a job.
fn percent(job: &JobRecord) -> u8 {
    if job.state == JobState::Completed { 100 } else { job.progress.percent() }
}

/// A job in one line.
fn line(job: &JobRecord) -> String {
    let done = percent(job);
    let clip = job.clip_name.as_ref().map(|name| escape_line(name.as_str())).unwrap_or_default();
    let code = job.failure.as_ref().map(|failure| format!("  {}", failure.code.name())).unwrap_or_default();
    let (id, state, key, created) = (job.id.as_str(), job.state.name(), job.owner.0, format_time(Some(job.created)));
    format!("{id:<22}  {state:<10}  {done:>3}%  {key:>4}  {created:<21}  {clip}{code}")
}

/// All of a job, a property in each line.
fn details(job: &JobRecord) -> String {
    let mut lines = vec![
        ("job", job.id.as_str().to_owned()),
        ("state", job.state.name().to_owned()),
        ("progress", format!("{} %", percent(job))),
        ("key", job.owner.0.to_string()),
        ("created", format_time(Some(job.created))),
        ("started", format_time(job.started)),
        ("ended", format_time(job.ended)),
        ("failed attempts", job.attempts.to_string()),
        ("lost workers", job.crashes.to_string()),
    ];
    if let Some(name) = &job.clip_name {
        lines.push(("clip", escape_line(name.as_str())));
    }
    if let Some(expires) = job.expires {
        lines.push(("files kept until", format_time(Some(expires))));
    }
    if let Some(before) = &job.retry_of {
        lines.push(("retries", before.as_str().to_owned()));
    }
    if let Some(failure) = &job.failure {
        lines.push(("failure", format!("{}: {}", failure.code.name(), escape_line(&failure.message))));
    }
    if let Some(outcome) = &job.outcome {
        lines.push(("processing", format!("{:.1} s", outcome.processing_ms as f64 / 1000.0)));
        for output in &outcome.outputs {
            lines.push(("output", format!("{}, {}", output.format.name(), format_bytes(output.size_bytes))));
        }
    }
    let lines = lines.into_iter().map(|(name, value)| format!("{name:<17} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
