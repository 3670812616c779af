//! A site of servers and workers for tests, on the PostgreSQL and the S3-compatible server that `make
//! test-rust` starts.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::media::command;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database of its own and a prefix of its own, with a data folder.
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database: String,
    pub(crate) store: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let name = format!("program_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let created = command("createdb").args(["-h", &sockets(), "-U", "postgres", &name]).status().unwrap();
        assert!(created.success());
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: format!("postgres://postgres@localhost/{name}?host={}", sockets()),
            store: format!("s3://clearcut/{name}"),
            name,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(env!("CARGO_BIN_EXE_clearcut"));
        command.args(arguments).arg("--data").arg(self.folder.path()).env_remove("DATABASE_URL");
        command.envs([
            ("CLEARCUT_DATABASE", self.database.as_str()),
            ("CLEARCUT_STORE", &self.store),
            ("CLEARCUT_LISTEN", "127.0.0.1:0"),
            // Warnings of what the machine lacks are no part of an answer.
            ("CLEARCUT_LOG", "error"),
            ("AWS_ENDPOINT_URL", &s3()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ]);
        command
    }

    /// The text that a successful command prints.
    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a statement returns, which the administrator of the database gives.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let mut psql = command("psql");
        psql.args(["-qAt", "-h", &sockets(), "-U", "postgres", "-d", &self.name, "-c", statement]);
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Number of tables in the database.
    pub(crate) fn tables(&self) -> u32 {
        self.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").parse().unwrap()
    }

    /// Names of the objects in the store.
    pub(crate) fn objects(&self) -> Vec<String> {
        let place = self.store.trim_start_matches("s3://");
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let listing = ask_store("GET", &format!("{bucket}?list-type=2&prefix={prefix}"), "");
        let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// A server that has started, and what it printed.
    pub(crate) fn serve(&self) -> (Running, String) {
        let mut process = self.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut printed = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            printed += &(line.unwrap() + "\n");
            if printed.contains("listens on") {
                break;
            }
        }
        (Running(process), printed)
    }
}

/// A process that ends with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test finds its database")]
fn sockets() -> String {
    std::env::var("CLEARCUT_TEST_POSTGRES").expect("CLEARCUT_TEST_POSTGRES names a socket folder")
}

#[expect(clippy::disallowed_methods, reason = "a test finds its store")]
fn s3() -> String {
    std::env::var("CLEARCUT_TEST_S3").expect("CLEARCUT_TEST_S3 is the address of an S3-compatible server")
}

/// Sends a signed request with `body` to the store. Returns its answer.
pub(crate) fn ask_store(method: &str, path: &str, body: &str) -> String {
    let mut curl = command("curl");
    curl.args(["-sSf", "--max-time", "30", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "test:test"]);
    curl.args(["-X", method, "-H", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"]);
    curl.args(["-H", "Content-Type: application/octet-stream", "--data-raw", body, &format!("{}/{path}", s3())]);
    let output = curl.output().unwrap();
    assert!(output.status.success(), "{method} {path}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Asserts that the process ended with this exit code, and that its text has all `words`.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, exit: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
    assert!(!text.contains("secret-word"), "{text}");
}
