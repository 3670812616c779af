//! New backgrounds: how the field is read, and where the file goes.

use clearcut_job::{Backdrop, BackdropFile, JobRequest, ObjectName, WorkerId};

use crate::fixture::{CLIP, Part, Server};

impl Server {
    /// The background of the next job.
    async fn claimed_background(&self) -> Option<Backdrop> {
        let claimed = self.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap();
        let JobRequest::Clip(cut) = claimed.request.unwrap() else { panic!("not a clip") };
        assert_eq!(cut.formats.first().name(), "mp4");
        cut.background
    }
}

/// The object of a background that is in the store.
fn stored(background: Option<Backdrop>) -> ObjectName {
    match background {
        Some(Backdrop::File(BackdropFile::Stored(name))) => name,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_background_reaches_the_job_in_every_form() {
    let server = Server::new().await;
    for (text, expected) in [
        ("#ff8800", "#FF8800"),
        ("blur", "blur"),
        ("https://example.com/beach.jpg?key=1", "https://example.com/beach.jpg?key=1"),
    ] {
        assert_eq!(server.submit(&[Part::file(CLIP), Part::text("background", text)]).await.status, 202);
        assert_eq!(server.claimed_background().await.unwrap().to_string(), expected);
    }
}

#[tokio::test]
async fn the_file_of_a_background_is_kept_as_an_upload_and_counts_for_idempotency() {
    let server = Server::new().await;
    let picture = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0";
    let parts = |picture| [Part::file(CLIP), Part::file(picture).called("background")];
    let once = [("idempotency-key", "a")];
    let first = server.submit_with(&once, &parts(picture)).await;
    assert_eq!(first.status, 202);
    let name = stored(server.claimed_background().await);
    assert!(server.objects().len() == 2 && server.objects().iter().any(|object| object.ends_with(name.as_str())));
    assert_eq!(server.queue.referenced_objects(vec![name.clone()]).await.unwrap().len(), 1, "a row names it");
    // The same file is the same request, another file is not.
    let again = server.submit_with(&once, &parts(picture)).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
    let other = server.submit_with(&once, &parts(b"\xFF\xD8\xFF\xE1\0\x10Exif\0")).await;
    assert_eq!(other.error(), (422, "IDEMPOTENCY_CONFLICT".to_owned()));
}

#[tokio::test]
async fn a_background_that_is_refused_leaves_nothing() {
    let server = Server::new().await;
    let text = |value| vec![Part::file(CLIP), Part::text("background", value)];
    let file = |bytes| vec![Part::file(CLIP), Part::file(bytes).called("background")];
    let with = |mut parts: Vec<Part<'static>>, name, value| {
        parts.push(Part::text(name, value));
        parts
    };
    let unknown = "jd70000000000000000000";
    for (case, parts, error) in [
        ("no picture", file(b"hello, this is text"), (400, "INVALID_BACKGROUND")),
        ("empty", file(b""), (400, "INVALID_BACKGROUND")),
        ("a playlist", file(b"#EXTM3U\n"), (400, "INVALID_BACKGROUND")),
        ("a path", text("beach.jpg"), (400, "INVALID_REQUEST")),
        ("no color", text("#ff88"), (400, "INVALID_REQUEST")),
        ("this machine", text("http://127.0.0.1/beach.jpg"), (400, "INVALID_URL")),
        ("no such scheme", text("file:///etc/passwd"), (400, "INVALID_URL")),
        ("text and file", with(file(CLIP), "background", "blur"), (400, "INVALID_REQUEST")),
        ("with a matte", with(text("blur"), "format", "matte"), (400, "INVALID_FORMATS")),
        ("mp4 without one", vec![Part::file(CLIP), Part::text("format", "mp4")], (400, "INVALID_FORMATS")),
        ("no such upload", text(unknown), (400, "INVALID_REQUEST")),
    ] {
        let answer = server.submit(&parts).await;
        assert_eq!(answer.error(), (error.0, error.1.to_owned()), "{case}");
        let field = answer.json()["error"]["details"]["field"].clone();
        assert!(field == "background" || field == "formats", "{case}: {field}");
        server.assert_empty(case).await;
    }
}
