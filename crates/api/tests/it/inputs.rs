//! The route that hands the input of a job back to its owner, and the links that it makes.

use std::time::Duration;

use serde_json::json;

use crate::{
    fixture::{CLIP, KEY, OTHER_KEY, Part, Server},
    reading::complete,
};

#[tokio::test]
async fn the_owner_gets_a_link_to_the_clip_and_nobody_else_does() {
    let server = Server::new().await;
    let claimed = server.submit_and_claim().await;
    let path = format!("/api/v1/jobs/{}/input", claimed.id);
    let waiting = server.get(&path, KEY).await.json()["data"].clone();
    assert_eq!((&waiting["size"], &waiting["expiresAt"]), (&json!(CLIP.len()), &json!(null)));
    complete(&server, &claimed, b"webm").await;
    let input = server.get(&path, KEY).await.json()["data"].clone();
    assert_eq!(input["contentType"], "video/mp4");
    let job = server.get(&format!("/api/v1/jobs/{}", claimed.id), KEY).await.json();
    assert_eq!(input["expiresAt"], job["data"]["expiresAt"]);
    let link = input["url"].as_str().unwrap().strip_prefix("http://localhost").unwrap();
    let file = server.get(link, "").await;
    assert_eq!((file.status.as_u16(), &file.bytes[..], file.header("content-type")), (200, CLIP, "video/mp4"));
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    for (key, refused) in [(OTHER_KEY, (404, "JOB_NOT_FOUND")), ("", (401, "INVALID_API_KEY"))] {
        assert_eq!(server.get(&path, key).await.error(), (refused.0, refused.1.to_owned()), "{key}");
    }
    let altered = link.replace("/uploads/", "/uploads/0");
    assert_eq!(server.get(&altered, "").await.error(), (403, "INVALID_SIGNATURE".to_owned()));
    server.pass(Duration::from_hours(1));
    assert_eq!(server.get(link, "").await.error(), (403, "URL_EXPIRED".to_owned()));
}

#[tokio::test]
async fn the_link_to_an_input_says_its_name() {
    let server = Server::new().await;
    let submitted = server.submit(&[Part::file(CLIP), Part::text("clipName", "Füße.mp4")]).await;
    let id = submitted.json()["data"]["jobId"].as_str().unwrap().to_owned();
    let input = server.get(&format!("/api/v1/jobs/{id}/input"), KEY).await.json()["data"].clone();
    let link = input["url"].as_str().unwrap().strip_prefix("http://localhost").unwrap().to_owned();
    let disposition = server.get(&link, "").await.header("content-disposition").to_owned();
    assert!(disposition.ends_with("filename*=UTF-8''F%C3%BC%C3%9Fe.mp4"), "{disposition}");
}

#[tokio::test]
async fn an_input_that_is_kept_no_longer_is_gone() {
    let server = Server::new().await;
    let id = server.submit_job().await;
    server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await;
    server.pass(Duration::from_hours(24 * 365));
    assert_eq!(server.queue.forget_expired().await.unwrap().len(), 1);
    let answer = server.get(&format!("/api/v1/jobs/{id}/input"), KEY).await;
    assert_eq!(answer.error(), (410, "INPUT_GONE".to_owned()));
}
