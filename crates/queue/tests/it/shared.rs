//! What several processes share in one PostgreSQL database: with and without notifications, through
//! a pooler, and over a connection that breaks.

use std::time::{Duration, Instant};

use clearcut_job::{JobState, Progress, Stage, WorkerId};
use clearcut_queue::{
    ConnectFault, Ending, Finished, Idempotency, Jobs as _, KeyId, Keys as _, Listing, OwnedJobs as _, Policy,
    PostgresQueue, Queue as _, QueueDepth, QueueError, Segments as _, Submission, TimeSource,
};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::{
    broken_link::{BrokenLink, Cut},
    databases::new_database,
    fixture::{job, key, outcome},
    segments::{segment, split},
};

/// Port of PgBouncer, in transaction mode.
const BOUNCER: u16 = 6432;

async fn open(database: &PgConnectOptions) -> Result<PostgresQueue, QueueError> {
    PostgresQueue::open(database.clone(), TimeSource::Database, Policy::default()).await
}

async fn fault_of(database: PgConnectOptions) -> ConnectFault {
    match open(&database).await {
        Err(QueueError::Unusable { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

/// PgBouncer in transaction mode passes no notification on, so this also shows that none is needed.
#[tokio::test]
async fn changes_elsewhere_are_seen_within_a_second_without_any_notification() {
    let database = new_database().await.port(BOUNCER);
    let (here, there) = (open(&database).await.unwrap(), open(&database).await.unwrap());
    let owner = here.create_key(key("first")).await.unwrap().id;
    let submitted = job(1, owner);
    let id = submitted.id.clone();
    here.submit(submitted).await.unwrap();
    let mut watch = here.signals().watch(&id);
    // The first wait ends when the job is first read in the background.
    watch.changed(Duration::from_secs(5)).await;
    let claimed = there.claim(&WorkerId::from_random(1)).await.unwrap().unwrap();
    for change in ["claimed", "progress", "cancelled"] {
        match change {
            "progress" => there.renew(&id, claimed.token, Progress::within(Stage::Cutting, 0.5)).await.unwrap(),
            "cancelled" => drop(there.cancel(owner, &id).await.unwrap()),
            _ => {}
        }
        let began = Instant::now();
        watch.changed(Duration::from_secs(5)).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{change}: {:?}", began.elapsed());
    }
    assert!(!here.is_claimed(&id, claimed.token).await.unwrap());
}

#[tokio::test]
async fn processes_count_the_requests_of_a_key_together() {
    let database = new_database().await;
    let (here, there) = (open(&database).await.unwrap(), open(&database).await.unwrap());
    let owner = here.create_key(key("first")).await.unwrap().id;
    let other = here.create_key(key("second")).await.unwrap().id;
    let count =
        async |queue: &PostgresQueue, owner: KeyId| queue.count_request(owner, "submits", 4).await.unwrap().unwrap();
    for queue in [&here, &there, &here, &there] {
        assert!(count(queue, owner).await.is_granted);
    }
    let refused = count(&here, owner).await;
    assert!(!refused.is_granted && refused.full_in > Duration::from_secs(55), "{refused:?}");
    assert!(count(&there, other).await.is_granted, "another key");
    assert!(here.count_request(owner, "previews", 4).await.unwrap().unwrap().is_granted, "another limit");
}

#[tokio::test]
async fn of_processes_that_start_at_once_one_creates_the_first_key() {
    let database = new_database().await;
    let (here, there) = (open(&database).await.unwrap(), open(&database).await.unwrap());
    let created = tokio::join!(here.create_first_key(key("here")), there.create_first_key(key("there")));
    let count = [created.0.unwrap(), created.1.unwrap()].iter().flatten().count();
    assert_eq!((count, here.list_keys().await.unwrap().len()), (1, 1));
}

/// A queue behind a link that can break.
async fn open_behind_link() -> (PostgresQueue, BrokenLink) {
    let database = new_database().await;
    let link = BrokenLink::start(&database.get_socket().unwrap().clone());
    let queue = open(&database.socket(link.folder())).await.unwrap();
    (queue, link)
}

/// The answer to a commit is lost: it took place, and is not repeated. Lost before it reached the
/// server, it did not take place, and the transaction is repeated.
#[tokio::test]
async fn a_commit_without_an_answer_is_asked_about() {
    let (queue, link) = open_behind_link().await;
    for (cut, name) in [(Cut::AfterCommit, "committed"), (Cut::BeforeCommit, "repeated")] {
        link.cut_next(cut);
        queue.create_key(key(name)).await.unwrap();
        assert!(link.has_cut(), "{name}");
    }
    let names: Vec<String> = queue.list_keys().await.unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["committed", "repeated"]);
}

/// Breaks the link in the middle of `call`.
async fn broken<T>(link: &BrokenLink, call: impl Future<Output = Result<T, QueueError>>) -> T {
    link.cut_next(Cut::InTransaction);
    let ended = call.await.unwrap();
    assert!(link.has_cut());
    ended
}

#[tokio::test]
async fn a_transaction_that_breaks_before_its_commit_is_repeated() {
    let (queue, link) = open_behind_link().await;
    let link = &link;
    let owner = broken(link, queue.create_key(key("first"))).await.id;
    broken(link, queue.touch_key(owner)).await;
    broken(link, queue.try_writing()).await;
    assert!(broken(link, queue.count_request(owner, "submits", 1)).await.unwrap().is_granted);
    let once = Idempotency { key: "key".to_owned(), body: "body".to_owned() };
    assert_eq!(broken(link, queue.submit_once(job(1, owner), once)).await, Submission::Accepted);
    broken(link, queue.submit(job(2, owner))).await;
    broken(link, queue.submit(job(3, owner))).await;
    let worker = WorkerId::from_random(1);
    let first = broken(link, queue.claim(&worker)).await.unwrap();
    broken(link, queue.start(&first.id, first.token)).await;
    broken(link, queue.renew(&first.id, first.token, Progress::within(Stage::Cutting, 0.5))).await;
    assert!(broken(link, queue.is_claimed(&first.id, first.token)).await);
    let finishing = queue.finish(&first.id, first.token, Ending::Completed(outcome(1)));
    assert_eq!(broken(link, finishing).await, Finished::Committed);
    let second = broken(link, queue.claim(&worker)).await.unwrap();
    broken(link, queue.release(&second.id, second.token)).await;
    assert_eq!(broken(link, queue.cancel(owner, &second.id)).await.unwrap().state, JobState::Failed);
    let third = broken(link, queue.claim(&worker)).await.unwrap();
    broken(link, queue.split(&third.id, third.token, split(&third.id, third.token, &[1, 1]))).await;
    let part = broken(link, queue.claim(&worker)).await.unwrap();
    let cut = queue.finish_segment(&part.id, part.token, segment(&part.id, part.token));
    assert_eq!(broken(link, cut).await, Finished::Committed);
    let all = Listing { state: None, since: None, until: None, after: None, limit: 9 };
    assert_eq!(broken(link, queue.list(owner, all)).await.len(), 3);
    assert_eq!(broken(link, queue.depth()).await, QueueDepth { queued: 1, leased: 0 });
    assert_eq!(broken(link, queue.read(owner, &third.id)).await.unwrap().crashes, 0);
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_with_the_reason() {
    let database = new_database().await;
    assert_eq!(fault_of(database.clone().database("nowhere")).await, ConnectFault::UnknownDatabase);
    assert_eq!(fault_of(database.clone().username("nobody")).await, ConnectFault::UnknownUser);
    assert_eq!(fault_of(database.clone().port(1)).await, ConnectFault::Unreachable);
    let host = |host: &str| PgConnectOptions::new_without_pgpass().host(host).username("postgres").port(1);
    assert_eq!(fault_of(host("127.0.0.1")).await, ConnectFault::Unreachable);
    assert_eq!(fault_of(host("nowhere.invalid")).await, ConnectFault::UnknownHost);
    let plain = crate::broken_link::server_without_tls().await;
    assert_eq!(fault_of(host("127.0.0.1").port(plain).ssl_mode(PgSslMode::Require)).await, ConnectFault::Tls);
}

#[tokio::test]
async fn a_user_without_rights_is_refused_and_nothing_is_made() {
    let database = new_database().await;
    let admin = open_admin(&database).await;
    let statements = "DROP ROLE IF EXISTS clearcut_guest; CREATE ROLE clearcut_guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC";
    sqlx::raw_sql(statements).execute(&admin).await.unwrap();
    assert_eq!(fault_of(database.clone().username("clearcut_guest")).await, ConnectFault::MissingRight);
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&admin)
        .await
        .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let database = new_database().await;
    let admin = open_admin(&database).await;
    let other = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT, success BOOLEAN);
        INSERT INTO _sqlx_migrations VALUES (7, 'other', true)";
    sqlx::raw_sql(other).execute(&admin).await.unwrap();
    assert_eq!(fault_of(database.clone()).await, ConnectFault::OtherProgram);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&admin).await.unwrap(), 1);
}

async fn open_admin(database: &PgConnectOptions) -> sqlx::PgPool {
    sqlx::PgPool::connect_with(database.clone()).await.unwrap()
}
