//! A database of its own for each test, on the PostgreSQL server that `CLEARCUT_TEST_POSTGRES`
//! names: the folder of its socket. `make test` starts one.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A new database. It stays until the server ends.
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "a test finds its server")]
pub(crate) async fn new_database() -> PgConnectOptions {
    let folder = env::var("CLEARCUT_TEST_POSTGRES")
        .expect("CLEARCUT_TEST_POSTGRES names the socket folder of a PostgreSQL server; `make test-rust` starts one");
    let server = PgConnectOptions::new_without_pgpass().socket(folder).username("postgres").database("postgres");
    let name = format!("test_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect_with(&server).await.unwrap();
    let create = format!("CREATE DATABASE {name} STRATEGY file_copy");
    sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    server.database(&name)
}
