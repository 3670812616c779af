//! Tests of the retry schedule with a manual clock.

use std::time::Duration;

use clearcut_job::Clock as _;
use clearcut_queue::DeliveryState;

use crate::{
    fixture::Bench,
    receiver::{Behavior, Receiver, status},
};

/// Behavior that answers 503 with this `Retry-After`.
fn unavailable(header: &str) -> Behavior {
    Behavior::Respond(format!(
        "HTTP/1.1 503 Later\r\nRetry-After: {header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}

#[tokio::test]
async fn a_failing_receiver_gets_ten_attempts_over_three_days_and_no_eleventh() {
    let (bench, receiver) = (Bench::new().await, Receiver::with(vec![status("500 Broken")]).await);
    let began = bench.clock.now();
    let id = bench.fail_job(1, &receiver.url()).await;
    for count in 1..10 {
        let delivery = bench.delivery_after_attempts(&id, count).await;
        let pause = delivery.due.unwrap().since(bench.clock.now());
        // One millisecond before the due time, nothing is sent.
        bench.advance(pause.saturating_sub(Duration::from_millis(1)));
        assert!(bench.queue.claim_delivery(99).await.unwrap().is_none(), "due early");
        assert_eq!(receiver.received().len(), count);
        bench.advance(Duration::from_millis(1));
    }
    let delivery = bench.settled_delivery(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Failed, 10));
    let hours = bench.clock.now().since(began).as_secs() / 3600;
    assert!((75..=91).contains(&hours), "{hours} hours");
    bench.advance(Duration::from_hours(1000));
    assert!(bench.queue.claim_delivery(99).await.unwrap().is_none());
    bench.stop().await;
}

#[tokio::test]
async fn a_recovered_receiver_gets_the_delivery_once_and_no_further_attempt() {
    let behaviors = vec![status("500 Broken"), status("200 OK"), status("500 Broken")];
    let (bench, receiver) = (Bench::new().await, Receiver::with(behaviors).await);
    let id = bench.fail_job(1, &receiver.url()).await;
    bench.delivery_after_attempts(&id, 1).await;
    bench.advance(Duration::from_secs(6));
    let delivery = bench.settled_delivery(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 2));
    bench.advance(Duration::from_hours(1000));
    assert!(bench.queue.claim_delivery(99).await.unwrap().is_none());
    bench.stop().await;
}

#[tokio::test]
async fn retry_after_delays_the_next_attempt() {
    let (bench, receiver) =
        (Bench::new().await, Receiver::with(vec![unavailable("600"), unavailable("soon"), status("200 OK")]).await);
    let id = bench.fail_job(1, &receiver.url()).await;
    let delivery = bench.delivery_after_attempts(&id, 1).await;
    assert_eq!(delivery.due.unwrap().since(bench.clock.now()), Duration::from_mins(10));
    bench.advance(Duration::from_mins(10));
    let delivery = bench.delivery_after_attempts(&id, 2).await;
    let pause = delivery.due.unwrap().since(bench.clock.now());
    assert!(pause >= Duration::from_mins(5) && pause <= Duration::from_mins(6), "{pause:?}");
    bench.stop().await;
}

#[tokio::test]
async fn status_410_stops_the_delivery_without_a_retry() {
    let (bench, receiver) = (Bench::new().await, Receiver::with(vec![status("410 Gone")]).await);
    let id = bench.fail_job(1, &receiver.url()).await;
    let delivery = bench.settled_delivery(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Stopped, 1));
    bench.advance(Duration::from_hours(1000));
    assert!(bench.queue.claim_delivery(99).await.unwrap().is_none());
    bench.stop().await;
}
