//! Tests of downloads against scripted hosts: resuming, limits, redirects and status codes.

use std::time::Duration;

use clearcut_job::{ErrorCode, Fault};
use clearcut_outbound::{AddressPolicy, Download, DownloadLimits, Outbound, OutboundError, Piece, Timeouts};

use crate::script::{Act, Script};

fn limits() -> DownloadLimits {
    DownloadLimits {
        max_bytes: 1000,
        min_bytes_per_sec: 100,
        patience: Duration::from_millis(1500),
        deadline: Duration::from_secs(20),
        pause: Duration::from_millis(1),
        ..DownloadLimits::default()
    }
}

/// Downloads the file. Returns its content, the number of restarts, and the length first stated.
async fn fetch(script: &Script, limits: DownloadLimits) -> Result<(String, usize, Option<u64>), OutboundError> {
    let policy = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let outbound = Outbound::new(policy, Timeouts::default()).unwrap();
    let target = outbound.policy().target(&format!("http://{}/clip?secret", script.address))?;
    let mut download = Download::begin(outbound, target, limits).await?;
    let stated_length = download.total_bytes();
    let (mut file, mut restarts) = (Vec::new(), 0);
    loop {
        match download.next().await? {
            Piece::Bytes(bytes) => file.extend_from_slice(&bytes),
            Piece::Restart => {
                restarts += 1;
                file.clear();
            }
            Piece::End => return Ok((String::from_utf8(file).unwrap(), restarts, stated_length)),
        }
    }
}

fn respond(text: &str) -> Act {
    Act::Respond(text.replace('\n', "\r\n"))
}

const CUT: &str = "HTTP/1.1 200 OK\nETag: \"a\"\nContent-Length: 10\n\n01234";
const REST: &str = "HTTP/1.1 206 Partial Content\nETag: \"a\"\nContent-Range: bytes 5-9/10\nContent-Length: 5\n\n56789";
const WHOLE: &str = "HTTP/1.1 200 OK\nETag: \"b\"\nContent-Length: 10\n\nabcdefghij";

#[tokio::test]
async fn a_file_arrives_complete_with_its_stated_length() {
    let script = Script::play(vec![respond(WHOLE)]).await;
    assert_eq!(fetch(&script, limits()).await.unwrap(), ("abcdefghij".to_owned(), 0, Some(10)));
    let head = &script.heads()[0];
    assert!(head.starts_with("get /clip?secret http/1.1\r\n") && head.contains("accept-encoding: identity"), "{head}");
    assert!(!head.contains("referer") && !head.contains("cookie"), "{head}");
}

#[tokio::test]
async fn a_broken_transfer_resumes_at_its_offset() {
    let script = Script::play(vec![respond(CUT), respond(REST)]).await;
    assert_eq!(fetch(&script, limits()).await.unwrap(), ("0123456789".to_owned(), 0, Some(10)));
    let head = &script.heads()[1];
    assert!(head.contains("range: bytes=5-\r\n") && head.contains("if-range: \"a\"\r\n"), "{head}");
}

#[tokio::test]
async fn a_file_that_changed_after_a_break_starts_over() {
    let script = Script::play(vec![respond(CUT), respond(WHOLE)]).await;
    assert_eq!(fetch(&script, limits()).await.unwrap(), ("abcdefghij".to_owned(), 1, Some(10)));
    let shorter = respond("HTTP/1.1 416 Range Not Satisfiable\nContent-Length: 0\n\n");
    let script = Script::play(vec![respond(CUT), shorter, respond(WHOLE)]).await;
    assert_eq!(fetch(&script, limits()).await.unwrap().0, "abcdefghij");
    // A part at another offset than the requested one must not be appended.
    let wrong_offset = REST.replace("bytes 5-9/10", "bytes 4-8/10");
    let script = Script::play(vec![respond(CUT), respond(&wrong_offset)]).await;
    assert!(matches!(fetch(&script, limits()).await, Err(OutboundError::Denied(206))));
}

#[tokio::test]
async fn a_broken_transfer_starts_over_without_a_strong_validator() {
    for first in [CUT.replace("ETag: \"a\"\n", ""), CUT.replace("\"a\"", "W/\"a\"")] {
        let script = Script::play(vec![respond(&first), respond(WHOLE)]).await;
        assert_eq!(fetch(&script, limits()).await.unwrap(), ("abcdefghij".to_owned(), 1, Some(10)));
        assert!(!script.heads()[1].contains("range:"));
    }
}

#[tokio::test]
async fn a_wrong_content_length_fails_after_the_last_retry() {
    let script = Script::play(vec![respond(&CUT.replace("ETag: \"a\"\n", ""))]).await;
    let error = fetch(&script, limits()).await.unwrap_err();
    assert!(matches!(error, OutboundError::Broken(_)), "{error:?}");
    assert_eq!((error.fault(), script.heads().len()), (Fault::Temporary, 6));
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_too_large_file_is_refused_by_its_stated_and_by_its_actual_length() {
    let stated_too_large = respond("HTTP/1.1 200 OK\nContent-Length: 1001\n\n");
    let endless = Act::RespondEndlessly("HTTP/1.1 200 OK\r\n\r\n".to_owned());
    for act in [stated_too_large, endless] {
        let script = Script::play(vec![act]).await;
        let error = fetch(&script, limits()).await.unwrap_err();
        assert!(matches!(error, OutboundError::TooLarge { max_bytes: 1000 }), "{error:?}");
        assert_eq!(script.heads().len(), 1);
    }
}

#[tokio::test]
async fn a_silent_host_fails_as_too_slow() {
    let silence = Act::RespondAndWait("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nx".to_owned());
    let script = Script::play(vec![silence]).await;
    let error = fetch(&script, limits()).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooSlow), "{error:?}");
    let short = DownloadLimits { deadline: Duration::from_millis(300), patience: Duration::from_secs(9), ..limits() };
    let error = fetch(&script, short).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooSlow), "{error:?}");
}

#[tokio::test]
async fn redirects_are_followed_three_times_and_each_hop_is_checked() {
    let redirect_to =
        |location: &str| respond(&format!("HTTP/1.1 302 Found\nLocation: {location}\nContent-Length: 0\n\n"));
    let script = Script::play(vec![redirect_to("/1"), redirect_to("/2"), redirect_to("/3"), respond(WHOLE)]).await;
    assert_eq!(fetch(&script, limits()).await.unwrap().0, "abcdefghij");
    let script = Script::play(vec![redirect_to("/again")]).await;
    assert!(matches!(fetch(&script, limits()).await, Err(OutboundError::Redirects)));
    assert_eq!(script.heads().len(), 4);
    let forbidden = Script::play(vec![respond(WHOLE)]).await;
    let port = forbidden.address.port();
    for host in ["127.0.0.2", "[::ffff:127.0.0.1]", "0.0.0.0", "0", "[::1]", "ip6-localhost.invalid@127.0.0.1"] {
        let script = Script::play(vec![redirect_to(&format!("http://{host}:{port}/"))]).await;
        let error = fetch(&script, limits()).await.unwrap_err();
        assert_eq!((error.code(), error.fault()), (ErrorCode::InvalidUrl, Fault::Input), "{host} {error:?}");
    }
    assert_eq!(forbidden.heads().len(), 0);
    let script = Script::play(vec![redirect_to("ftp://127.0.0.1/")]).await;
    assert!(matches!(fetch(&script, limits()).await, Err(OutboundError::Scheme)));
}

#[tokio::test]
async fn the_response_status_determines_the_fault() {
    for (status, fault) in [
        (400, Fault::Input),
        (401, Fault::Input),
        (403, Fault::Input),
        (404, Fault::Input),
        (410, Fault::Input),
        (204, Fault::Input),
        (206, Fault::Input),
        (304, Fault::Input),
        (408, Fault::Temporary),
        (429, Fault::Temporary),
        (500, Fault::Temporary),
        (503, Fault::Temporary),
    ] {
        let script = Script::play(vec![respond(&format!("HTTP/1.1 {status} X\nContent-Length: 0\n\n"))]).await;
        let error = fetch(&script, limits()).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{status} {error:?}");
        assert_eq!(script.heads().len(), 1, "{status} is not tried again here");
    }
}
