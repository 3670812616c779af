//! Idempotency keys: a repeated submit creates no second job.

use std::{collections::HashSet, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::fixture::{CLIP, KEY, OTHER_KEY, Part, Server, form, submit_request};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

#[tokio::test]
async fn a_repeated_submit_returns_the_same_reply_and_stores_no_second_clip() {
    let server = Server::new().await;
    let parts = [Part::file(CLIP), Part::text("format", "webm")];
    let first = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &parts).await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (202, ""));
    server.pass(Duration::from_hours(23));
    // The reply does not depend on the job's current state.
    let id = first.json()["data"]["jobId"].as_str().unwrap().to_owned();
    server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), KEY).await;
    // The same request with its fields in another order.
    let again =
        server.submit_with(&[(IDEMPOTENCY_KEY, "\"a\"")], &[Part::text("format", "webm"), Part::file(CLIP)]).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
    // Only the address of the events is fresh.
    let (mut repeated, mut reply) = (again.json(), first.json());
    assert_ne!(repeated["data"]["eventsUrl"].take(), reply["data"]["eventsUrl"].take());
    assert_eq!((&repeated, again.header("location")), (&reply, first.header("location")));
    assert_eq!((server.objects().len(), server.queue.depth().await.unwrap().queued), (1, 0));
    // After a day the key can be used again.
    server.pass(Duration::from_hours(1));
    let later = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &parts).await;
    assert_ne!(later.json(), first.json());
    assert_eq!(server.queue.depth().await.unwrap().queued, 1);
}

#[tokio::test]
async fn a_different_body_with_the_same_key_is_refused_with_422_and_leaves_nothing() {
    let server = Server::new().await;
    let first = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &[Part::file(CLIP)]).await;
    let other_clip = [CLIP, b"x"].concat();
    for parts in [vec![Part::file(&other_clip)], vec![Part::file(CLIP), Part::text("tolerance", "31")]] {
        let answer = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &parts).await;
        assert_eq!(answer.error(), (422, "IDEMPOTENCY_CONFLICT".to_owned()));
    }
    assert_eq!((server.objects().len(), server.queue.depth().await.unwrap().queued), (1, 1));
    // An explicit default is the same request: 30 is the default tolerance.
    let same = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &[Part::file(CLIP), Part::text("tolerance", "30")]).await;
    assert_eq!(same.json(), first.json());
    // Idempotency keys are separate for each API key.
    let mut others = submit_request(form(&[Part::file(&other_clip)]));
    others.headers_mut().insert(IDEMPOTENCY_KEY, "a".parse().unwrap());
    others.headers_mut().insert("authorization", format!("Bearer {OTHER_KEY}").parse().unwrap());
    assert_eq!(server.ask(others).await.status, 202);
}

#[tokio::test]
async fn a_second_request_while_the_first_is_being_received_is_refused_with_409() {
    let server = Arc::new(Server::new().await);
    let (send, receive) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body =
        futures_util::stream::unfold(receive, async |mut receive| receive.recv().await.map(|piece| (piece, receive)));
    let mut slow = submit_request(Body::from_stream(body));
    slow.headers_mut().insert(IDEMPOTENCY_KEY, "a".parse().unwrap());
    let first = {
        let server = server.clone();
        tokio::spawn(async move { server.ask(slow).await })
    };
    let whole = form(&[Part::file(CLIP)]);
    let (begin, end) = whole.split_at(whole.len() / 2);
    // The channel holds one piece: once the second is accepted, the first is being read.
    for piece in [&begin[..10], &begin[10..]] {
        send.send(Ok(Bytes::copy_from_slice(piece))).await.unwrap();
    }
    let second = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &[Part::file(CLIP)]).await;
    assert_eq!(second.error(), (409, "IDEMPOTENCY_CONFLICT".to_owned()));
    assert_eq!(second.header("retry-after"), "1");
    send.send(Ok(Bytes::copy_from_slice(end))).await.unwrap();
    drop(send);
    let first = first.await.unwrap();
    assert_eq!(first.status, 202);
    assert_eq!(server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &[Part::file(CLIP)]).await.json(), first.json());
    // A failed request does not use up its key.
    assert_eq!(server.submit_with(&[(IDEMPOTENCY_KEY, "b")], &[Part::file(b"no video")]).await.status, 400);
    assert_eq!(server.submit_with(&[(IDEMPOTENCY_KEY, "b")], &[Part::file(CLIP)]).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_concurrent_duplicates_create_one_job_and_one_clip() {
    let unlimited = |settings: &mut clearcut_api::ApiSettings| {
        settings.submits_per_minute = u32::MAX;
        settings.max_intakes_per_key = 100;
    };
    let server = Arc::new(Server::with(unlimited).await);
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let server = server.clone();
        sending.spawn(async move {
            // Retries until there is a final reply, as clients do.
            loop {
                let answer = server.submit_with(&[(IDEMPOTENCY_KEY, "a")], &[Part::file(CLIP)]).await;
                if answer.status != 409 {
                    return (answer.status.as_u16(), answer.json()["data"]["jobId"].to_string());
                }
                // Retries without a pause would starve the first request.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }
    let answers: HashSet<_> = sending.join_all().await.into_iter().collect();
    assert_eq!((answers.len(), answers.iter().next().unwrap().0), (1, 202), "{answers:?}");
    assert_eq!((server.objects().len(), server.queue.depth().await.unwrap().queued), (1, 1));
}

#[tokio::test]
async fn a_malformed_idempotency_key_is_refused_with_400() {
    let server = Server::new().await;
    for idempotency_key in ["", "a b", &"x".repeat(256)] {
        let answer = server.submit_with(&[(IDEMPOTENCY_KEY, idempotency_key)], &[Part::file(CLIP)]).await;
        assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()), "{idempotency_key:?}");
    }
    server.assert_empty("malformed idempotency keys").await;
}
