use std::time::Duration;

use clearcut_job::Clock as _;
use clearcut_queue::DeliveryState;

use crate::{
    fixture::Post,
    receiver::{Manner, Receiver, status},
};

fn later(header: &str) -> Manner {
    Manner::Says(format!(
        "HTTP/1.1 503 Later\r\nRetry-After: {header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}

#[tokio::test]
async fn a_receiver_that_flaps_gets_ten_attempts_over_three_days_and_no_eleventh() {
    let (post, receiver) = (Post::open().await, Receiver::with(vec![status("500 Broken")]).await);
    let began = post.clock.now();
    let id = post.fail_job(1, &receiver.url()).await;
    for count in 1..10 {
        let delivery = post.attempted(&id, count).await;
        let pause = delivery.due.unwrap().since(post.clock.now());
        // A moment before it is due nothing is sent.
        post.pass(pause.saturating_sub(Duration::from_millis(1)));
        assert!(post.queue.claim_delivery(99).await.unwrap().is_none(), "due early");
        assert_eq!(receiver.received().len(), count);
        post.pass(Duration::from_millis(1));
    }
    let delivery = post.settled(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Failed, 10));
    let hours = post.clock.now().since(began).as_secs() / 3600;
    assert!((75..=91).contains(&hours), "{hours} hours");
    post.pass(Duration::from_hours(1000));
    assert!(post.queue.claim_delivery(99).await.unwrap().is_none());
    post.close().await;
}

#[tokio::test]
async fn a_receiver_that_comes_back_is_told_once_more_and_then_left_alone() {
    let manners = vec![status("500 Broken"), status("200 OK"), status("500 Broken")];
    let (post, receiver) = (Post::open().await, Receiver::with(manners).await);
    let id = post.fail_job(1, &receiver.url()).await;
    post.attempted(&id, 1).await;
    post.pass(Duration::from_secs(6));
    let delivery = post.settled(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 2));
    post.pass(Duration::from_hours(1000));
    assert!(post.queue.claim_delivery(99).await.unwrap().is_none());
    post.close().await;
}

#[tokio::test]
async fn retry_after_puts_the_next_attempt_off() {
    let (post, receiver) =
        (Post::open().await, Receiver::with(vec![later("600"), later("soon"), status("200 OK")]).await);
    let id = post.fail_job(1, &receiver.url()).await;
    let delivery = post.attempted(&id, 1).await;
    assert_eq!(delivery.due.unwrap().since(post.clock.now()), Duration::from_mins(10));
    post.pass(Duration::from_mins(10));
    let delivery = post.attempted(&id, 2).await;
    let pause = delivery.due.unwrap().since(post.clock.now());
    assert!(pause >= Duration::from_mins(5) && pause <= Duration::from_mins(6), "{pause:?}");
    post.close().await;
}

#[tokio::test]
async fn gone_is_not_tried_again() {
    let (post, receiver) = (Post::open().await, Receiver::with(vec![status("410 Gone")]).await);
    let id = post.fail_job(1, &receiver.url()).await;
    let delivery = post.settled(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Stopped, 1));
    post.pass(Duration::from_hours(1000));
    assert!(post.queue.claim_delivery(99).await.unwrap().is_none());
    post.close().await;
}
