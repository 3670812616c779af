//! A database and a store that are shared: what is refused at the start, in one sentence with a
//! code, and the commands that work on them.

use std::path::Path;

use crate::site::{Site, assert_refused};

#[test]
fn a_password_is_taken_from_the_environment_and_refused_as_an_argument() {
    let site = Site::new();
    let with_password = site.database.replace("postgres@", "postgres:secret-word@");
    let refused = site.command(&["keys", "list", "--database", &with_password]).output().unwrap();
    assert_refused(&refused, 2, &["--database holds a password", "PGPASSWORD", "INVALID_REQUEST"]);
    let taken = site.command(&["db", "status"]).env("CLEARCUT_DATABASE", &with_password).output().unwrap();
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
}

#[test]
fn what_cannot_work_together_is_refused() {
    let site = Site::new();
    let mut alone = site.command(&["work"]);
    alone.env_remove("CLEARCUT_DATABASE").env_remove("CLEARCUT_STORE");
    assert_refused(&alone.output().unwrap(), 2, &["role is not all", "set database"]);
    let mut folder = site.command(&["serve", "--role", "api"]);
    assert_refused(&folder.env_remove("CLEARCUT_STORE").output().unwrap(), 2, &["set store"]);
    assert_refused(&site.command(&["work", "--role", "api"]).output().unwrap(), 2, &["Leave role out"]);
    let mut tls = site.command(&["serve"]);
    assert_refused(&tls.env("PGSSLMODE", "verify").output().unwrap(), 2, &["PGSSLMODE", "verify-full"]);
}

#[test]
fn a_service_that_cannot_be_used_is_named_and_nothing_is_made() {
    let site = Site::new();
    let start = |name: &str, value: &str| site.command(&["serve"]).env(name, value).output().unwrap();
    let nowhere = site.database.replace("/program", "/nowhere");
    assert_refused(
        &start("CLEARCUT_DATABASE", &nowhere),
        1,
        &["no database of this name", "DATABASE_REFUSED", "createdb"],
    );
    let gone = "postgres://ann:secret-word@127.0.0.1:1/cut";
    assert_refused(&start("CLEARCUT_DATABASE", gone), 1, &["127.0.0.1:1 as user ann", "DATABASE_UNAVAILABLE"]);
    assert_refused(
        &start("CLEARCUT_STORE", "s3://nowhere"),
        1,
        &["s3://nowhere", "the bucket does not exist", "STORE_REFUSED"],
    );
    assert_refused(&start("AWS_SECRET_ACCESS_KEY", "secret-word"), 1, &["refuses the key", "STORE_REFUSED"]);
    assert_refused(&start("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), 1, &["reached", "STORAGE_UNAVAILABLE"]);
    assert_eq!(site.tables(), 0);
}

#[test]
fn a_server_says_what_it_is_connected_to_and_holds_on_to_its_store() {
    let site = Site::new();
    let outdated = site.command(&["db", "check"]).output().unwrap();
    assert_refused(&outdated, 1, &["OLD_SCHEMA", "clearcut db migrate"]);
    let (server, printed) = site.serve();
    for part in ["Database: PostgreSQL 1", "as user postgres", "Store:    S3, s3://clearcut/program", "Your API key"] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
    assert!(site.printed(&["db", "check"]).lines().all(|line| line.ends_with("in order")));
    assert!(site.printed(&["db", "status"]).contains("API keys: 1\n"));
    assert!(site.printed(&["keys", "list"]).contains("first"));
    assert!(site.printed(&["gc", "--dry-run"]).contains("0 objects"));
    drop(server);
    let elsewhere = format!("{}-other", site.store);
    for command in [&["serve"][..], &["gc"], &["db", "check"]] {
        let other_store = site.command(command).env("CLEARCUT_STORE", &elsewhere).output().unwrap();
        assert_refused(&other_store, 1, &["database belongs to another store", "STORE_MISMATCH"]);
    }
    let mut other_database = Site::new();
    other_database.store.clone_from(&site.store);
    let refused = other_database.command(&["serve"]).output().unwrap();
    assert_refused(&refused, 1, &["store belongs to another database", "store-id"]);
    assert!(!Path::new(&other_database.folder.path().join("url-signing.key")).exists());
}

#[test]
fn migrations_and_backups_of_a_shared_database_are_explicit() {
    let site = Site::new();
    assert!(site.printed(&["db", "migrate"]).starts_with("The database has schema "));
    let file = site.folder.path().join("copy");
    let refused = site.command(&["db", "backup", file.to_str().unwrap()]).output().unwrap();
    assert_refused(&refused, 2, &["pg_dump"]);
}
