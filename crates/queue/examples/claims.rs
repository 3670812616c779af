//! Times claims from a long line in PostgreSQL: `claims DATABASE QUEUED WORKERS SECONDS`, for
//! `make bench-cluster`. The database must be new. Prints one JSON object.
//!
//! First eight workers claim and end jobs as fast as they can. Then every key has as many running
//! jobs as it may have, so `WORKERS` idle workers, which poll as often as idle slots do, find
//! nothing, while the eight, without that limit, claim and end jobs.

use std::{
    env,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{CutRequest, Failure, FailureCode, Formats, JobId, JobRequest, OutputFormat, WorkerId};
use clearcut_queue::{Ending, Jobs as _, KeyHash, Keys as _, NewKey, Policy, PostgresQueue, idle_interval};
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::{task::JoinSet, time::sleep_until};

/// Number of API keys that share the line.
const KEYS: usize = 100;

/// Running jobs that a key may have in the second part.
const MAX_RUNNING: u32 = 5;

/// Workers that share the connections of one process.
const WORKERS_OF_A_PROCESS: usize = 50;

/// Shortest interval at which an idle worker polls.
const POLL: Duration = Duration::from_secs(1);

/// Workers that claim and end jobs.
const BUSY: usize = 8;

type Failed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let [database, queued, workers, seconds] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| USAGE)?;
    let (queued, workers): (usize, usize) = (queued.parse()?, workers.parse()?);
    let span = Duration::from_secs(seconds.parse()?);
    let busy = processes(&database, BUSY, Policy::default()).await?;
    fill(&busy[0], &database, queued).await?;

    let claims = time_claims(&busy, BUSY, span).await?;
    for _ in 0..KEYS * MAX_RUNNING as usize {
        busy[0].claim(&WorkerId::from_random(1)).await?;
    }
    let capped = Policy { max_running: MAX_RUNNING, ..Policy::default() };
    let idle = processes(&database, workers, capped).await?;
    let (polls, beside) = tokio::join!(time_polls(&idle, workers, span), time_claims(&busy, BUSY, span));
    let parts = [("claims", claims), ("idle polls", polls?), ("claims beside idle polls", beside?)];
    let fields: Vec<String> = parts.into_iter().map(|(name, spans)| summary(name, spans, span)).collect();
    println!("{{{}}}", fields.join(", "));
    Ok(())
}

const USAGE: &str = "usage: claims DATABASE QUEUED WORKERS SECONDS";

/// Connections of as many processes as `workers` workers would be spread over.
async fn processes(database: &str, workers: usize, policy: Policy) -> Result<Vec<Arc<PostgresQueue>>, Failed> {
    let mut opened = Vec::new();
    for _ in 0..workers.div_ceil(WORKERS_OF_A_PROCESS) {
        opened.push(Arc::new(PostgresQueue::connect(&database.parse()?, policy.clone()).await?));
    }
    Ok(opened)
}

/// Enqueues `queued` jobs, alternately of [`KEYS`] keys, in the order of their submits.
async fn fill(queue: &PostgresQueue, database: &str, queued: usize) -> Result<(), Failed> {
    let mut owners = Vec::new();
    for number in 0..KEYS {
        let name = number.to_string();
        owners.push(queue.create_key(NewKey { hash: KeyHash::of(&name), prefix: "hc_".into(), name }).await?.id.0);
    }
    let request = JobRequest::from(CutRequest::new(Formats::new(vec![OutputFormat::Webm])?)).to_json();
    // A pooler takes neither this parameter nor named statements.
    let pool = PgPool::connect_with(database.parse::<PgConnectOptions>()?.extra_float_digits(None)).await?;
    let numbers: Vec<usize> = (0..queued).collect();
    for batch in numbers.chunks(10_000) {
        let ids: Vec<String> = batch.iter().map(|n| JobId::from_random(*n as u128).to_string()).collect();
        let owners: Vec<i64> = batch.iter().map(|n| owners[n % KEYS]).collect();
        let insert = "INSERT INTO jobs (id, owner, state, request, input_key, input_size, input_sha256, created_ms, not_before_ms)
            SELECT id, owner, 'queued', $3, 'uploads/' || id, 1000, repeat('a', 64), n, n
            FROM UNNEST($1::text[], $2::bigint[]) WITH ORDINALITY AS new (id, owner, n)";
        sqlx::query(insert).persistent(false).bind(&ids).bind(&owners).bind(&request).execute(&pool).await?;
    }
    sqlx::query("ANALYZE").persistent(false).execute(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Time of each claim, while `workers` workers claim a job and end it, again and again.
async fn time_claims(queues: &[Arc<PostgresQueue>], workers: usize, span: Duration) -> Result<Vec<Duration>, Failed> {
    let until = Instant::now() + span;
    gather(queues, workers, move |queue, id, _| async move {
        let mut spans = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let claimed = queue.claim(&id).await?.ok_or("the line is empty")?;
            spans.push(began.elapsed());
            let failure = Failure::new(FailureCode::InvalidVideo, "not a video");
            queue.finish(&claimed.id, claimed.token, Ending::Failed(failure)).await?;
        }
        Ok(spans)
    })
    .await
}

/// Time of each poll that finds nothing, while `workers` workers poll at their interval.
async fn time_polls(queues: &[Arc<PostgresQueue>], workers: usize, span: Duration) -> Result<Vec<Duration>, Failed> {
    let begin = Instant::now();
    gather(queues, workers, move |queue, id, number| async move {
        let mut spans = Vec::new();
        // Spread over the longest interval, as workers that started at any time are.
        let mut next = begin + idle_interval(Duration::MAX, POLL).mul_f64(number as f64 / workers as f64);
        while next < begin + span {
            sleep_until(next.into()).await;
            let began = Instant::now();
            if queue.claim(&id).await?.is_some() {
                return Err("an idle worker found a job".into());
            }
            let took = began.elapsed();
            spans.push(took);
            next = Instant::now() + idle_interval(took, POLL);
        }
        Ok(spans)
    })
    .await
}

/// Runs `work` for each of `workers` workers at once, and joins what they have timed.
async fn gather<W, F>(queues: &[Arc<PostgresQueue>], workers: usize, work: W) -> Result<Vec<Duration>, Failed>
where
    W: Fn(Arc<PostgresQueue>, WorkerId, usize) -> F,
    F: Future<Output = Result<Vec<Duration>, Failed>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..workers {
        let queue = Arc::clone(&queues[number % queues.len()]);
        tasks.spawn(work(queue, WorkerId::from_random(number as u64), number));
    }
    let mut spans = Vec::new();
    while let Some(timed) = tasks.join_next().await {
        spans.extend(timed??);
    }
    Ok(spans)
}

/// Field of the JSON object: rate per second, and percentiles in milliseconds.
fn summary(name: &str, mut spans: Vec<Duration>, span: Duration) -> String {
    spans.sort();
    let at = |part: f64| spans[((spans.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    let rate = spans.len() as f64 / span.as_secs_f64();
    format!("\"{name}\": {{\"per_second\": {rate:.1}, \"p50_ms\": {:.1}, \"p99_ms\": {:.1}}}", at(0.5), at(0.99))
}
