use std::{sync::atomic::Ordering, time::Duration};

use clearcut_notify::CourierSettings;
use clearcut_queue::{Answer, DeliveryState, Ending, NoAnswer};
use standardwebhooks::Webhook;

use crate::{
    fixture::{Post, secret},
    receiver::{Manner, Received, Receiver, status},
};

fn answer(attempt: &clearcut_queue::AttemptRecord) -> Result<u16, NoAnswer> {
    match &attempt.attempt.answer {
        Answer::Status { status, .. } => Ok(*status),
        Answer::None(why) => Err(*why),
    }
}

#[tokio::test]
async fn a_delivery_is_signed_and_told_as_the_job_was() {
    let (post, receiver) = (Post::open().await, Receiver::with(vec![status("200 OK")]).await);
    let id = post.fail_job(1, &receiver.url()).await;
    let delivery = post.settled(&id).await;
    let [received] = &receiver.received()[..] else { panic!("not one request") };
    let webhook = Webhook::new(secret().reveal()).unwrap();
    let (name, at) = (received.header("webhook-id"), received.header("webhook-timestamp").parse().unwrap());
    assert_eq!(webhook.sign(name, at, &received.body).unwrap(), received.header("webhook-signature"));
    assert_eq!((name, received.header("content-type")), (delivery.id.as_str(), "application/json"));
    let told = received.json();
    assert_eq!(told["type"], "job.failed");
    assert_eq!(told["timestamp"], delivery.happened.to_rfc3339());
    assert_eq!(told["data"]["jobId"], id.to_string());
    assert_eq!((&told["data"]["status"], &told["data"]["base"]), (&"failed".into(), &"http://cut.example".into()));
    let [attempt] = &delivery.attempts[..] else { panic!("not one attempt") };
    assert_eq!(attempt.attempt.answer, Answer::Status { status: 200, reply: "ok".into() });
    post.close().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (post, target) = (Post::open().await, Receiver::with(vec![status("200 OK")]).await);
    for (number, code) in [301, 302, 303, 307, 308].into_iter().enumerate() {
        let head = format!("HTTP/1.1 {code} Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url());
        let receiver = Receiver::with(vec![Manner::Says(head)]).await;
        let id = post.fail_job(number as u128, &receiver.url()).await;
        let delivery = post.attempted(&id, 1).await;
        assert_eq!((answer(&delivery.attempts[0]), delivery.state), (Ok(code), DeliveryState::Pending));
    }
    assert_eq!(target.connections(), 0);
    post.close().await;
}

#[tokio::test]
async fn a_gigabyte_in_answer_costs_nothing() {
    let (post, receiver) = (Post::open().await, Receiver::with(vec![Manner::Floods]).await);
    let id = post.fail_job(1, &receiver.url()).await;
    let delivery = post.settled(&id).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let Answer::Status { reply, .. } = &delivery.attempts[0].attempt.answer else { panic!("no answer") };
    assert_eq!(reply, &"x".repeat(512));
    post.close().await;
    // What the sockets' buffers on both sides hold, and no more of the gigabyte.
    let sent = receiver.sent.load(Ordering::SeqCst);
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_receiver_that_stalls_or_closes_is_told_why_and_tried_again() {
    let settings = CourierSettings { attempt_deadline: Duration::from_secs(2), ..CourierSettings::default() };
    let post = Post::with("127.0.0.0/8", settings).await;
    let manners = vec![Manner::Stalls, Manner::Closes, Manner::Says("nonsense\r\n\r\n".into()), status("200 OK")];
    let receiver = Receiver::with(manners).await;
    let id = post.fail_job(1, &receiver.url()).await;
    for count in 1..=3 {
        post.attempted(&id, count).await;
        post.pass(Duration::from_hours(1));
    }
    let delivery = post.settled(&id).await;
    let answers: Vec<_> = delivery.attempts.iter().map(answer).collect();
    assert_eq!(answers, [Err(NoAnswer::TooSlow), Err(NoAnswer::BrokenOff), Err(NoAnswer::BrokenOff), Ok(200)]);
    let names: std::collections::HashSet<_> =
        receiver.received().iter().map(|received| received.header("webhook-id").to_owned()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [delivery.id.to_string()]);
    post.close().await;
}

#[tokio::test]
async fn a_status_decides_although_the_body_never_comes() {
    let (post, head) = (Post::open().await, "HTTP/1.1 204 No Content\r\n\r\n");
    let receiver = Receiver::with(vec![Manner::Says(head.into())]).await;
    let slow = Receiver::with(vec![Manner::Says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".into())]).await;
    let (first, second) = (post.fail_job(1, &receiver.url()).await, post.fail_job(2, &slow.url()).await);
    assert_eq!(post.settled(&first).await.state, DeliveryState::Delivered);
    let delivery = post.settled(&second).await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.attempts[0].attempt.answer, Answer::Status { status: 200, reply: "half".into() });
    post.close().await;
}

#[tokio::test]
async fn a_receiver_that_stalls_delays_no_other() {
    // Longer than this test waits for the other.
    let settings = CourierSettings { attempt_deadline: Duration::from_hours(1), ..CourierSettings::default() };
    let post = Post::with("127.0.0.0/8", settings).await;
    let (dead, well) = (Receiver::with(vec![Manner::Stalls]).await, Receiver::with(vec![status("200 OK")]).await);
    for number in 0..50 {
        post.fail_job(number, &dead.url()).await;
    }
    dead.wait_for(4).await;
    let id = post.fail_job(50, &well.url()).await;
    assert_eq!(post.settled(&id).await.state, DeliveryState::Delivered);
    assert_eq!(dead.connections(), 4, "more than the cap at once");
    post.close().await;
}

#[tokio::test]
async fn a_late_start_does_not_say_that_the_job_failed() {
    let (post, receiver) = (Post::open().await, Receiver::with(vec![status("503 Later"), status("200 OK")]).await);
    let (id, token) = post.claim_job(1, &receiver.url()).await;
    post.queue.start(&id, token).await.unwrap();
    post.attempted(&id, 1).await;
    let failure = clearcut_job::Failure::new(clearcut_job::FailureCode::InvalidVideo, "no video stream in the file");
    post.queue.finish(&id, token, Ending::Failed(failure)).await.unwrap();
    receiver.wait_for(2).await;
    post.pass(Duration::from_secs(6));
    let received = receiver.wait_for(3).await;
    let told: Vec<_> = received.iter().map(Received::json).collect();
    let seen: Vec<_> =
        told.iter().map(|told| (told["type"].as_str().unwrap(), told["data"]["status"].as_str().unwrap())).collect();
    assert_eq!(seen, [("job.started", "processing"), ("job.failed", "failed"), ("job.started", "processing")]);
    assert_eq!(told[0], told[2]);
    assert!(told[1]["data"]["revision"].as_u64() > told[2]["data"]["revision"].as_u64());
    post.close().await;
}

#[tokio::test]
async fn no_form_of_a_refused_address_is_connected() {
    let post = Post::with("", CourierSettings::default()).await;
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
        let id = post.fail_job(number as u128, &format!("http://{host}:{port}/hook")).await;
        let delivery = post.attempted(&id, 1).await;
        // Not every machine knows this name with its dot.
        let unknown = host == "localhost." && answer(&delivery.attempts[0]) == Err(NoAnswer::NameUnknown);
        assert!(unknown || answer(&delivery.attempts[0]) == Err(NoAnswer::AddressRefused), "{host}: {delivery:?}");
    }
    assert_eq!(listener.connections(), 0);
    post.close().await;
}

#[tokio::test]
async fn a_courier_that_is_told_to_stop_tells_what_happened_before() {
    let (post, receiver) = (Post::open().await, Receiver::with(vec![status("200 OK")]).await);
    let queue = post.queue.clone();
    let owner = post.owner;
    // Nothing in between lets the courier come to it.
    let id = post.fail_job(1, &receiver.url()).await;
    post.close().await;
    let [delivery] = &queue.deliveries_of_job(owner, &id).await.unwrap().unwrap()[..] else {
        panic!("not one delivery")
    };
    assert_eq!(delivery.state, DeliveryState::Delivered);
}
