//! Jobs of images: what a submit stores and queues, and what a job shows.

use std::{
    collections::HashSet,
    io::{Cursor, Read as _},
};

use axum::http::{Method, Request, header};
use clearcut_job::{
    CutMethod, Failure, FailureCode, FileFormat, ImageResult, JobRequest, MatteReport, MeasuredCut, MeasuredImage,
    MeasuredImages, MethodChoice, MethodReason, ObjectName, Outcome, OutputPointer, WorkerId,
};
use clearcut_queue::{ClaimedInput, ClaimedJob, Ending};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::fixture::{Answer, CLIP, KEY, Part, Server, form};

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0 and its pixels";

impl Server {
    async fn submit_images(&self, parts: &[Part<'_>]) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/jobs/image/remove-background")
            .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X");
        self.ask(request.body(form(parts).into()).unwrap()).await
    }

    async fn claim_images(&self, parts: &[Part<'_>]) -> ClaimedJob {
        let answer = self.submit_images(parts).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        self.queue.claim(&WorkerId::from_random(1)).await.unwrap().unwrap()
    }

    /// The names and bytes in the archive that is the input of a job.
    fn archived(&self, claimed: &ClaimedJob) -> Vec<(String, Vec<u8>)> {
        let ClaimedInput::Stored(object) = &claimed.input else { panic!("not stored") };
        let bytes = std::fs::read(self.folder().join(object.name.as_str())).unwrap();
        assert_eq!(bytes.len() as u64, object.size_bytes);
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let places = 0..archive.len();
        let file = |place| {
            let mut file = archive.by_index(place).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        };
        places.map(file).collect()
    }
}

#[tokio::test]
async fn several_images_become_one_archive_in_their_order() {
    let server = Server::new().await;
    let parts = [
        Part::file(JPEG).named("a/Füße.jpg"),
        Part::text("tolerance", "5"),
        Part::file(b"").named("empty.png"),
        Part::file(JPEG).named("../a/füße.JPG"),
    ];
    let claimed = server.claim_images(&parts).await;
    let names = ["a/Füße.jpg", "empty.png", "a/füße-2.JPG"];
    let expected = names.into_iter().zip([JPEG, b"", JPEG]).map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    assert_eq!(server.archived(&claimed), expected.collect::<Vec<_>>());
    let Ok(JobRequest::Images(request)) = claimed.request else { panic!("no images") };
    assert_eq!((request.method, request.tolerance.get()), (MethodChoice::Auto, 5));
}

#[tokio::test]
async fn one_image_keeps_its_name_and_an_archive_its_bytes() {
    let server = Server::new().await;
    let claimed = server.claim_images(&[Part::file(JPEG).named("mascot.jpg")]).await;
    assert_eq!(server.archived(&claimed), [("mascot.jpg".to_owned(), JPEG.to_vec())]);
    let packed = b"PK\x03\x04\x14\0\0\0\0\0aaaabbbbcccccccc\x06\0\0\0a.heic";
    let claimed = server.claim_images(&[Part::file(packed).named("photos.zip")]).await;
    let ClaimedInput::Stored(object) = &claimed.input else { panic!("not stored") };
    assert_eq!(std::fs::read(server.folder().join(object.name.as_str())).unwrap(), packed);
    let listed = server.get("/api/v1/jobs", KEY).await.json();
    let jobs = listed["data"]["jobs"].as_array().unwrap();
    // Both were created at the same time.
    let names: HashSet<_> = jobs.iter().map(|job| (job["type"].as_str(), job["clipName"].as_str())).collect();
    assert_eq!(names, HashSet::from([(Some("image"), Some("photos.zip")), (Some("image"), Some("mascot.jpg"))]));
}

#[tokio::test]
async fn what_is_no_image_is_refused_and_nothing_is_left() {
    let server = Server::new().await;
    let (image, clip, text) = (Part::file(JPEG), Part::file(CLIP), Part::file(b"text"));
    let archive = Part::file(b"PK\x03\x04\x14\0\0\0\0\0aaaabbbbcccccccc\x05\0\0\0a.png");
    let path = Part::text("file", "photo.jpg");
    for parts in [
        &[clip][..],
        &[clip, text],
        &[text],
        &[text, text],
        &[path],
        &[image, path],
        &[archive, image],
        &[image, archive],
        &[],
    ] {
        let (status, code) = server.submit_images(parts).await.error();
        assert!(status == 400 && ["INVALID_IMAGE", "INVALID_REQUEST"].contains(&code.as_str()), "{status} {code}");
        server.assert_empty("a refusal").await;
    }
    let many = vec![image; 501];
    let answer = server.submit_images(&many).await;
    assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(answer.json()["error"]["details"]["field"], "file");
    server.assert_empty("too many images").await;
}

/// Completes the job `claimed` with one image that was cut and one that failed.
async fn complete(server: &Server, claimed: &ClaimedJob) {
    let name = ObjectName::output(&claimed.id, claimed.token, FileFormat::Zip);
    let mut upload = server.store.begin(name.clone()).await.unwrap();
    upload.write("archive".into()).await.unwrap();
    let stored = upload.finish().await.unwrap();
    let cut = MeasuredCut {
        file: Some("a/b.png".into()),
        width: 64,
        height: 48,
        method: CutMethod::ChromaKey,
        reason: MethodReason::FlatBackground,
        model: None,
        background: "#E92FBC".parse().ok(),
        report: MatteReport { confidence: Some(0.75), removed_share: 0.001, ..MatteReport::default() },
    };
    let failure = Failure::new(FailureCode::InvalidImage, "the image is damaged or cut off");
    let images = vec![
        MeasuredImage { name: Some("a/b.jpg".into()), result: ImageResult::Cut(Box::new(cut)) },
        MeasuredImage { name: Some("c.jpg".into()), result: ImageResult::Failed(failure) },
    ];
    let output = OutputPointer {
        format: FileFormat::Zip,
        object_name: name,
        size_bytes: stored.size_bytes,
        sha256: stored.sha256,
    };
    let outcome = Outcome { measured: MeasuredImages { images }.into(), processing_ms: 1, outputs: vec![output] };
    server.queue.finish(&claimed.id, claimed.token, Ending::Completed(Box::new(outcome))).await.unwrap();
}

#[tokio::test]
async fn a_completed_job_lists_its_images_and_links_its_archive() {
    let server = Server::new().await;
    let claimed = server.claim_images(&[Part::file(JPEG), Part::file(JPEG), Part::text("clipName", "photos")]).await;
    complete(&server, &claimed).await;
    let job = server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json()["data"].clone();
    let color = json!({"r": 233, "g": 47, "b": 188, "hex": "#E92FBC"});
    let mut result = job["result"].clone();
    assert_eq!((job["type"].as_str(), result["outputFormat"].as_str()), (Some("image"), Some("zip")));
    assert_eq!((result["width"].as_u64(), result["detectedBackgroundColor"].clone()), (Some(64), color.clone()));
    for field in ["duration", "frameCount", "fps", "frameRate", "sourceFrameRate", "report"] {
        assert_eq!(result.get(field), Some(&Value::Null), "{field}");
    }
    let report = result["images"][0]["report"].take();
    assert_eq!((&report["confidence"], &report["warnings"][0]["code"]), (&json!(0.75), &json!("NOTHING_REMOVED")));
    let expected = json!([
        {"name": "a/b.jpg", "status": "completed", "file": "a/b.png", "width": 64, "height": 48, "method": "chroma",
         "reason": "flat-background", "model": null, "detectedBackgroundColor": color, "report": null, "error": null},
        {"name": "c.jpg", "status": "failed", "file": null, "width": null, "height": null, "method": null,
         "reason": null, "model": null, "detectedBackgroundColor": null, "report": null,
         "error": {"code": "INVALID_IMAGE", "message": "the image is damaged or cut off"}},
    ]);
    assert_eq!(result["images"], expected);
    let link = result["outputUrl"].as_str().unwrap().strip_prefix("http://localhost").unwrap().to_owned();
    let download = server.get(&link, "").await;
    assert_eq!((download.status.as_u16(), download.header("content-type")), (200, "application/zip"));
    assert!(download.header("content-disposition").contains("photos.zip"));
}
