//! Reading jobs, and the synchronous endpoint.

use std::time::Duration;

use clearcut_job::{
    AlphaCheck, CutMethod, Failure, FailureCode, FencingToken, FrameBox, JobId, MatteReport, MeasuredClip,
    MethodReason, Note, NoteCode, ObjectName, Outcome, OutputFormat, OutputPointer, Place, Progress, Stage,
};
use clearcut_queue::{ClaimedJob, Ending};
use serde_json::{Value, json};

use crate::fixture::{CLIP, KEY, OTHER_KEY, Part, Server};

/// Where the warning of the completed job applies.
const LOOKALIKE: Place = Place { from: 0.25, to: 0.75, area: FrameBox { x: 0.5, y: 0.25, width: 0.125, height: 0.5 } };

/// A report with one warning, `LOOKALIKE_KEPT`.
fn report() -> MatteReport {
    MatteReport {
        confidence: Some(0.875),
        removed_share: 0.5,
        holes_percent: Some(0.25),
        lookalike_percent: Some(50.0),
        residue_percent: Some(0.125),
        fine_percent: Some(1.0),
        soft_percent: Some(0.5),
        faint_percent: Some(0.25),
        flicker: 0.5,
        places: vec![(clearcut_job::Warning::Lookalike, LOOKALIKE)],
        hint_frames: vec![20],
    }
}

/// Stores `content` as the WebM output of `claimed` and completes the job.
pub(crate) async fn complete(server: &Server, claimed: &ClaimedJob, content: &'static [u8]) {
    let name = ObjectName::output(&claimed.id, claimed.token, OutputFormat::Webm.into());
    let mut upload = server.store.begin(name.clone()).await.unwrap();
    upload.write(content.into()).await.unwrap();
    let stored = upload.finish().await.unwrap();
    let measured = MeasuredClip {
        width: 768,
        height: 432,
        frames: 24,
        fps: 24.0,
        source_fps: Some(29.97),
        crop: Some("96,0,768,432".to_owned()),
        duration_secs: 1.0,
        method: CutMethod::ChromaKey,
        reason: Some(MethodReason::FlatBackground),
        model: None,
        background: "#E92FBC".parse().ok(),
        report: Some(report()),
        notes: vec![Note::new(NoteCode::SoundLeftOut, "no sound")],
        alpha_checks: vec![(OutputFormat::Webm, AlphaCheck { frames_compared: 48, largest_mean_difference: 0.5 })],
    };
    let output = OutputPointer {
        format: OutputFormat::Webm.into(),
        object_name: name,
        size_bytes: stored.size_bytes,
        sha256: stored.sha256,
    };
    let outcome = Outcome { measured: measured.into(), processing_ms: 12_500, outputs: vec![output] };
    server.queue.finish(&claimed.id, claimed.token, Ending::Completed(Box::new(outcome))).await.unwrap();
}

async fn read(server: &Server, id: &JobId) -> Value {
    let answer = server.get(&format!("/api/v1/jobs/{id}"), KEY).await;
    assert_eq!(answer.status, 200);
    answer.json()["data"].clone()
}

#[tokio::test]
async fn a_job_has_all_its_fields_in_every_state() {
    let server = Server::new().await;
    let submitted = server.submit(&[Part::file(CLIP), Part::text("format", "webm")]).await;
    assert_eq!(submitted.status, 202);
    let id: JobId = submitted.json()["data"]["jobId"].as_str().unwrap().parse().unwrap();
    let mut reply = submitted.json();
    let events = format!("http://localhost/api/v1/jobs/{id}/events?key=1&expires=1710003600&signature=");
    assert!(reply["data"]["eventsUrl"].take().as_str().unwrap().starts_with(&events));
    assert_eq!(
        reply,
        json!({"success": true, "data": {"jobId": id, "status": "queued", "eventsUrl": null, "warnings": []}})
    );
    assert_eq!(submitted.header("location"), format!("/api/v1/jobs/{id}"));
    let queued = json!({
        "jobId": id, "type": "video", "status": "queued", "progress": 0, "stage": "queued-on-railway",
        "createdAt": 1_710_000_000, "startedAt": null, "completedAt": null, "expiresAt": null,
        "error": null, "result": null,
        "revision": 1, "queuePosition": 1, "estimatedStartAt": null, "eventsUrl": null, "retryOf": null,
        "clipName": null,
    });
    let mut first = read(&server, &id).await;
    assert!(first["eventsUrl"].take().as_str().unwrap().starts_with(&events));
    assert_eq!(first, queued);

    let claimed = server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap().unwrap();
    assert_eq!(read(&server, &id).await["status"], "submitted");
    server.pass(Duration::from_secs(10));
    server.queue.start(&id, claimed.token).await.unwrap();
    server.queue.renew(&id, claimed.token, Progress::within(Stage::Cutting, 0.5)).await.unwrap();
    let running = read(&server, &id).await;
    assert_eq!((&running["status"], &running["stage"]), (&json!("processing"), &json!("processing-video")));
    assert_eq!((&running["progress"], &running["startedAt"]), (&json!(55), &json!(1_710_000_010)));

    server.pass(Duration::from_mins(1));
    complete(&server, &claimed, b"webm").await;
    let mut done = read(&server, &id).await;
    for url in ["/result/outputUrl", "/result/outputs/0/url"] {
        let url = done.pointer_mut(url).unwrap().take();
        assert!(
            url.as_str().unwrap().starts_with(&format!("http://localhost/files/jobs/{id}/1/webm.webm?expires=")),
            "{url}"
        );
    }
    let acceptance = report().acceptance();
    let warnings = json!([{"code": "LOOKALIKE_KEPT", "message": clearcut_job::Warning::Lookalike.message(CutMethod::ChromaKey),
                    "from": 0.25, "to": 0.75, "box": {"x": 0.5, "y": 0.25, "width": 0.125, "height": 0.5}}]);
    let report = json!({
        "method": "chromakey", "reason": "flat-background", "model": null, "confidence": 0.875, "removedShare": 0.5, "holesPercent": 0.25,
        "lookalikePercent": 50.0, "residuePercent": 0.125, "finePercent": 1.0, "softPercent": 0.5, "faintPercent": 0.25,
        "flicker": 0.5, "acceptance": acceptance, "hintFrames": [20],
        "warnings": warnings, "alphaVerified": true,
        "alphaChecks": [{"format": "webm", "framesCompared": 48, "largestMeanDifference": 0.5}],
    });
    let expected = json!({
        "jobId": id, "type": "video", "status": "completed", "progress": 100, "stage": null,
        "createdAt": 1_710_000_000, "startedAt": 1_710_000_010, "completedAt": 1_710_000_070,
        "expiresAt": 1_710_086_470, "error": null,
        "result": {
            "outputUrl": null, "outputFormat": "webm", "outputSize": 4, "width": 768, "height": 432,
            "duration": 1.0, "frameCount": 24, "fps": 24.0, "frameRate": 24.0, "sourceFrameRate": 29.97, "crop": "96,0,768,432", "processingTimeMs": 12500,
            "notes": [{"code": "SOUND_LEFT_OUT", "isWarning": true, "message": "no sound"}],
            "detectedBackgroundColor": {"r": 233, "g": 47, "b": 188, "hex": "#E92FBC"},
            "report": report,
            "outputs": [{"format": "webm", "url": null, "size": 4}], "images": null,
        },
        "revision": 5, "queuePosition": null, "estimatedStartAt": null, "eventsUrl": null, "retryOf": null,
        "clipName": null,
    });
    assert_eq!(done, expected);
}

#[tokio::test]
async fn a_failed_job_reports_its_error() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let failure = Failure::new(FailureCode::NoFlatBackground, "no color dominates its border");
    server.queue.finish(&claimed.id, claimed.token, Ending::Failed(failure)).await.unwrap();
    let failed = read(&server, &claimed.id).await;
    assert_eq!(
        (&failed["status"], &failed["stage"], &failed["result"]),
        (&json!("failed"), &Value::Null, &Value::Null)
    );
    assert_eq!(failed["error"], json!({"code": "NO_FLAT_BACKGROUND", "message": "no color dominates its border"}));
}

#[tokio::test]
async fn a_job_of_another_api_key_reads_like_an_unknown_one() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let foreign = server.get(&format!("/api/v1/jobs/{}", claimed.id), OTHER_KEY).await;
    let unknown = server.get("/api/v1/jobs/jd00000000000000000000", KEY).await;
    assert_eq!(foreign.error(), (404, "JOB_NOT_FOUND".to_owned()));
    assert_eq!(foreign.json(), unknown.json());
    for malformed in ["x", "jd", "jd%2F..%2F", "%F0%9F%98%80"] {
        assert_eq!(server.get(&format!("/api/v1/jobs/{malformed}"), KEY).await.json(), unknown.json(), "{malformed}");
    }
}

#[tokio::test]
async fn the_synchronous_endpoint_waits_and_returns_a_data_url() {
    let server = std::sync::Arc::new(Server::new().await);
    let worker = {
        let server = server.clone();
        tokio::spawn(async move {
            loop {
                if let Some(claimed) = server.queue.claim(&clearcut_job::WorkerId::from_random(1)).await.unwrap() {
                    assert_eq!(claimed.token, FencingToken(1));
                    return complete(&server, &claimed, b"webm").await;
                }
                server.queue.signals().work(Duration::from_secs(1)).await;
            }
        })
    };
    let mut request = crate::fixture::submit_request(crate::fixture::form(&[Part::file(CLIP)]));
    *request.uri_mut() = "/api/v1/video/remove-background".parse().unwrap();
    let answer = server.ask(request).await;
    worker.await.unwrap();
    let data = answer.json()["data"].clone();
    assert_eq!((&data["url"], &data["size"]), (&json!("data:video/webm;base64,d2VibQ=="), &json!(4)));
    assert_eq!((&data["processingMethod"], &data["frameCount"]), (&json!("chromakey"), &json!(24)));
}

#[tokio::test]
async fn a_synchronous_timeout_names_the_job_which_continues() {
    let server = Server::with(|settings| settings.sync_wait = Duration::ZERO).await;
    let mut request = crate::fixture::submit_request(crate::fixture::form(&[Part::file(CLIP)]));
    *request.uri_mut() = "/api/v1/video/remove-background".parse().unwrap();
    let answer = server.ask(request).await;
    assert_eq!(answer.error(), (504, "TIMEOUT".to_owned()));
    let id = answer.json()["error"]["details"]["jobId"].as_str().unwrap().parse().unwrap();
    assert_eq!(read(&server, &id).await["status"], "queued");
}
