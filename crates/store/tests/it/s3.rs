//! The store in a real S3-compatible server, which `CLEARCUT_TEST_S3` names: its address. `make
//! test-rust` starts one.

use clearcut_job::{FencingToken, JobId, ObjectName, OutputFormat, UploadId};
use clearcut_store::{Store, StoreError, StoreFault, Verdict};
use futures_util::TryStreamExt as _;

/// The address of the server.
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "a test finds its server")]
fn address() -> String {
    std::env::var("CLEARCUT_TEST_S3")
        .expect("CLEARCUT_TEST_S3 is the address of an S3-compatible server; `make test-rust` starts one")
}

/// A store with a prefix of its own.
fn store(prefix: &str) -> Store {
    store_in(&format!("clearcut/{prefix}{}", std::process::id()), &address(), "test")
}

fn store_in(bucket: &str, address: &str, secret: &str) -> Store {
    let variables = [
        ("AWS_ENDPOINT", address),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "us-east-1"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Store::s3(&format!("s3://{bucket}").parse().unwrap(), variables).unwrap()
}

async fn all_bytes(store: &Store, name: &ObjectName) -> Vec<u8> {
    let size_bytes = store.head(name).await.unwrap().size_bytes;
    store.read(name, 0..size_bytes).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat()
}

async fn names(store: &Store, prefix: &'static str) -> Vec<ObjectName> {
    store.list(prefix).map_ok(|found| found.name).try_collect().await.unwrap()
}

#[tokio::test]
async fn objects_of_every_size_read_back_from_s3_in_full_and_by_range() {
    let store = store("sizes");
    for (token, len) in [(1, 0), (2, 1), (3, 20_000_003)] {
        let name = ObjectName::output(&JobId::from_random(1), FencingToken(token), OutputFormat::Webm.into());
        let content: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let mut upload = store.begin(name.clone()).await.unwrap();
        for piece in content.chunks(700_001) {
            upload.write(piece.to_vec().into()).await.unwrap();
        }
        assert!(matches!(store.head(&name).await, Err(StoreError::Missing)), "visible before its end");
        let stored = upload.finish().await.unwrap();
        assert_eq!((stored.size_bytes, all_bytes(&store, &name).await), (len as u64, content));
    }
    assert_eq!(names(&store, "jobs").await.len(), 3);
}

#[tokio::test]
async fn an_aborted_upload_to_s3_leaves_nothing() {
    let store = store("aborted");
    let mut upload = store.begin(ObjectName::upload(1)).await.unwrap();
    upload.write(vec![1; 9_000_000].into()).await.unwrap();
    upload.abort().await.unwrap();
    assert_eq!(names(&store, "uploads").await, []);
    store.delete(&ObjectName::upload(1)).await.unwrap();
}

#[tokio::test]
async fn an_object_in_s3_is_never_replaced_whatever_its_size() {
    let store = store("once");
    for (token, len) in [(1, 5), (2, 9_000_000)] {
        let name = ObjectName::output(&JobId::from_random(1), FencingToken(token), OutputFormat::Webm.into());
        let put = async |byte: u8| {
            let mut upload = store.begin(name.clone()).await.unwrap();
            upload.write(vec![byte; len].into()).await.unwrap();
            upload.finish().await
        };
        let stored = put(1).await.unwrap();
        assert!(matches!(put(2).await, Err(StoreError::Exists)), "{len}");
        assert_eq!(put(1).await.unwrap(), stored);
        assert_eq!(all_bytes(&store, &name).await, vec![1; len]);
    }
}

#[tokio::test]
async fn an_upload_to_s3_that_is_dropped_or_refused_leaves_no_parts() {
    let store = store("dropped");
    let name = ObjectName::upload(1);
    let begin = async || {
        let mut upload = store.begin(name.clone()).await.unwrap();
        upload.write(vec![1; 20_000_000].into()).await.unwrap();
        upload
    };
    drop(begin().await);
    begin().await.finish().await.unwrap();
    let mut loser = begin().await;
    loser.write("more".into()).await.unwrap();
    assert!(matches!(loser.finish().await, Err(StoreError::Exists)));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while !store.incomplete_uploads().await.unwrap().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "parts are left");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_upload_to_s3_grows_in_steps_and_is_joined() {
    let store = store("grown");
    let partial = ObjectName::partial(&UploadId::from_random(1));
    let content: Vec<u8> = (0..9_000_000).map(|at| (at % 251) as u8).collect();
    for (from, to) in [(0, 5), (5, 8_500_000), (8_500_000, content.len())] {
        let mut growing = store.grow(&partial, from as u64).await.unwrap();
        growing.write(&content[from..to].to_vec().into()).await.unwrap();
        assert_eq!(growing.sync().await.unwrap(), to as u64);
    }
    let stored = store.adopt(&partial, content.len() as u64, ObjectName::upload(1)).await.unwrap();
    assert_eq!(all_bytes(&store, &stored.name).await, content);
    store.delete(&partial).await.unwrap();
    assert_eq!((names(&store, "partial").await, names(&store, "uploads").await), (vec![], vec![stored.name]));
}

#[tokio::test]
async fn a_check_names_what_makes_a_bucket_unusable_and_leaves_nothing() {
    store("check").check().await.unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (store_in("clearcut", &format!("http://{free}"), "test"), StoreFault::Unreachable),
        (store_in("clearcut", &address(), "wrong"), StoreFault::WrongKey),
        (store_in("no-such-bucket-of-clearcut", &address(), "test"), StoreFault::NoBucket),
    ];
    for (store, fault) in cases {
        assert_eq!(store.check().await.unwrap_err().fault, fault);
    }
}

#[tokio::test]
async fn a_diagnosis_finds_everything_that_the_server_needs() {
    let store = store("diagnosis");
    let findings =
        store.diagnose(&"https://cut.example.com".parse().unwrap(), &clearcut_job::SystemClock).await.unwrap();
    let names: Vec<_> = findings.iter().map(|finding| finding.name).collect();
    let expected =
        ["write", "read", "range", "list", "conditional", "multipart", "cors", "delete", "lifecycle", "clock"];
    assert_eq!(names, expected);
    for finding in findings {
        let expected = if finding.name == "lifecycle" { Verdict::Advice } else { Verdict::Good };
        assert_eq!(finding.verdict, expected, "{finding:?}");
    }
    assert_eq!(store.incomplete_uploads().await.unwrap(), Vec::<String>::new());
}
