//! Tests of delivery attempts: payload, signature, hostile receivers, and refused addresses.

use std::{sync::atomic::Ordering, time::Duration};

use clearcut_notify::CourierSettings;
use clearcut_queue::{Answer, DeliveryState, Ending, NoAnswer};
use standardwebhooks::Webhook;

use crate::{
    fixture::{Bench, secret},
    receiver::{Behavior, Received, Receiver, status},
};

fn answer(attempt: &clearcut_queue::AttemptRecord) -> Result<u16, NoAnswer> {
    match &attempt.attempt.answer {
        Answer::Status { status, .. } => Ok(*status),
        Answer::None(reason) => Err(*reason),
    }
}

#[tokio::test]
async fn a_delivery_is_signed_and_shows_the_job_at_the_time_of_the_event() {
    let (bench, receiver) = (Bench::new().await, Receiver::with(vec![status("200 OK")]).await);
    let id = bench.fail_job(1, &receiver.url()).await;
    let delivery = bench.settled_delivery(&id).await;
    let [received] = &receiver.received()[..] else { panic!("not one request") };
    let webhook = Webhook::new(secret().reveal()).unwrap();
    let (id_header, sent_at) = (received.header("webhook-id"), received.header("webhook-timestamp").parse().unwrap());
    assert_eq!(webhook.sign(id_header, sent_at, &received.body).unwrap(), received.header("webhook-signature"));
    assert_eq!((id_header, received.header("content-type")), (delivery.id.as_str(), "application/json"));
    let payload = received.json();
    assert_eq!(payload["type"], "job.failed");
    assert_eq!(payload["timestamp"], delivery.happened.to_rfc3339());
    assert_eq!(payload["data"]["jobId"], id.to_string());
    assert_eq!(
        (&payload["data"]["status"], &payload["data"]["base"]),
        (&"failed".into(), &"http://cut.example".into())
    );
    let [attempt] = &delivery.attempts[..] else { panic!("not one attempt") };
    assert_eq!(attempt.attempt.answer, Answer::Status { status: 200, reply: "ok".into() });
    bench.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (bench, target) = (Bench::new().await, Receiver::with(vec![status("200 OK")]).await);
    for (number, code) in [301, 302, 303, 307, 308].into_iter().enumerate() {
        let head = format!("HTTP/1.1 {code} Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url());
        let receiver = Receiver::with(vec![Behavior::Respond(head)]).await;
        let id = bench.fail_job(number as u128, &receiver.url()).await;
        let delivery = bench.delivery_after_attempts(&id, 1).await;
        assert_eq!((answer(&delivery.attempts[0]), delivery.state), (Ok(code), DeliveryState::Pending));
    }
    assert_eq!(target.connections(), 0);
    bench.stop().await;
}

#[tokio::test]
async fn only_the_first_bytes_of_a_gigabyte_reply_are_read() {
    let (bench, receiver) = (Bench::new().await, Receiver::with(vec![Behavior::Flood]).await);
    let id = bench.fail_job(1, &receiver.url()).await;
    let delivery = bench.settled_delivery(&id).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let Answer::Status { reply, .. } = &delivery.attempts[0].attempt.answer else { panic!("no answer") };
    assert_eq!(reply, &"x".repeat(512));
    bench.stop().await;
    // No more than the sockets' buffers on both sides hold.
    let sent = receiver.sent.load(Ordering::SeqCst);
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}

#[tokio::test]
async fn attempts_that_stall_or_break_off_are_recorded_with_their_reason_and_retried() {
    let settings = CourierSettings { attempt_deadline: Duration::from_secs(2), ..CourierSettings::default() };
    let bench = Bench::with_settings("127.0.0.0/8", settings).await;
    let behaviors =
        vec![Behavior::Stall, Behavior::Close, Behavior::Respond("nonsense\r\n\r\n".into()), status("200 OK")];
    let receiver = Receiver::with(behaviors).await;
    let id = bench.fail_job(1, &receiver.url()).await;
    for count in 1..=3 {
        bench.delivery_after_attempts(&id, count).await;
        bench.advance(Duration::from_hours(1));
    }
    let delivery = bench.settled_delivery(&id).await;
    let answers: Vec<_> = delivery.attempts.iter().map(answer).collect();
    assert_eq!(answers, [Err(NoAnswer::TooSlow), Err(NoAnswer::BrokenOff), Err(NoAnswer::BrokenOff), Ok(200)]);
    let names: std::collections::HashSet<_> =
        receiver.received().iter().map(|received| received.header("webhook-id").to_owned()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [delivery.id.to_string()]);
    bench.stop().await;
}

#[tokio::test]
async fn the_status_decides_although_the_body_never_arrives() {
    let (bench, head) = (Bench::new().await, "HTTP/1.1 204 No Content\r\n\r\n");
    let receiver = Receiver::with(vec![Behavior::Respond(head.into())]).await;
    let slow =
        Receiver::with(vec![Behavior::Respond("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".into())]).await;
    let (first, second) = (bench.fail_job(1, &receiver.url()).await, bench.fail_job(2, &slow.url()).await);
    assert_eq!(bench.settled_delivery(&first).await.state, DeliveryState::Delivered);
    let delivery = bench.settled_delivery(&second).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.attempts[0].attempt.answer, Answer::Status { status: 200, reply: "half".into() });
    bench.stop().await;
}

#[tokio::test]
async fn a_receiver_that_stalls_does_not_delay_other_receivers() {
    // Longer than this test waits for the healthy receiver.
    let settings = CourierSettings { attempt_deadline: Duration::from_hours(1), ..CourierSettings::default() };
    let bench = Bench::with_settings("127.0.0.0/8", settings).await;
    let (dead, healthy) = (Receiver::with(vec![Behavior::Stall]).await, Receiver::with(vec![status("200 OK")]).await);
    for number in 0..50 {
        bench.fail_job(number, &dead.url()).await;
    }
    dead.wait_for(4).await;
    let id = bench.fail_job(50, &healthy.url()).await;
    assert_eq!(bench.settled_delivery(&id).await.state, DeliveryState::Delivered);
    assert_eq!(dead.connections(), 4, "more concurrent attempts than the limit per host");
    bench.stop().await;
}

#[tokio::test]
async fn a_late_start_event_shows_the_job_as_it_was_at_the_start() {
    let (bench, receiver) = (Bench::new().await, Receiver::with(vec![status("503 Later"), status("200 OK")]).await);
    let (id, token) = bench.claim_job(1, &receiver.url()).await;
    bench.queue.start(&id, token).await.unwrap();
    bench.delivery_after_attempts(&id, 1).await;
    let failure = clearcut_job::Failure::new(clearcut_job::FailureCode::InvalidVideo, "no video stream in the file");
    bench.queue.finish(&id, token, Ending::Failed(failure)).await.unwrap();
    receiver.wait_for(2).await;
    bench.advance(Duration::from_secs(6));
    let received = receiver.wait_for(3).await;
    let payloads: Vec<_> = received.iter().map(Received::json).collect();
    let states: Vec<_> = payloads
        .iter()
        .map(|payload| (payload["type"].as_str().unwrap(), payload["data"]["status"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("job.started", "processing"), ("job.failed", "failed"), ("job.started", "processing")]);
    assert_eq!(payloads[0], payloads[2]);
    assert!(payloads[1]["data"]["revision"].as_u64() > payloads[2]["data"]["revision"].as_u64());
    bench.stop().await;
}

#[tokio::test]
async fn no_notation_of_a_refused_address_is_connected() {
    let bench = Bench::with_settings("", CourierSettings::default()).await;
    let listener = Receiver::with(vec![status("200 OK")]).await;
    let port = listener.address.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "127.0.0.1.",
        "user@127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
    ];
    for (number, host) in hosts.into_iter().enumerate() {
        let id = bench.fail_job(number as u128, &format!("http://{host}:{port}/hook")).await;
        let delivery = bench.delivery_after_attempts(&id, 1).await;
        // Not every machine resolves this name with its trailing dot.
        let unknown = host == "localhost." && answer(&delivery.attempts[0]) == Err(NoAnswer::NameUnknown);
        assert!(unknown || answer(&delivery.attempts[0]) == Err(NoAnswer::AddressRefused), "{host}: {delivery:?}");
    }
    assert_eq!(listener.connections(), 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_courier_that_stops_delivers_earlier_events_first() {
    let (bench, receiver) = (Bench::new().await, Receiver::with(vec![status("200 OK")]).await);
    let queue = bench.queue.clone();
    let owner = bench.owner;
    // The courier gets no chance to deliver before it is stopped.
    let id = bench.fail_job(1, &receiver.url()).await;
    bench.stop().await;
    let [delivery] = &queue.deliveries_of_job(owner, &id).await.unwrap().unwrap()[..] else {
        panic!("not one delivery")
    };
    assert_eq!(delivery.state, DeliveryState::Delivered);
}
