//! Contract tests of webhook events and deliveries.

use std::time::Duration;

use clearcut_job::{FencingToken, JobId, JobState};
use clearcut_queue::{
    AfterAttempt, Answer, Attempt, ClaimedDelivery, DeliveryRecord, DeliveryState, Ending, EventKind, EventKinds,
    NewEndpoint, NoAnswer, QueueError, RetryResult,
};

use crate::fixture::{Bench, TTL, endpoint, input_failure, key, outcome, temporary_failure, worker};

pub(crate) const DELIVERED: AfterAttempt = AfterAttempt::Delivered;

pub(crate) fn answered(status: u16) -> Attempt {
    Attempt { answer: Answer::Status { status, reply: "ok".into() }, latency: Duration::from_millis(7) }
}

impl Bench {
    pub(crate) async fn claim_delivery(&self) -> Option<ClaimedDelivery> {
        self.queue.claim_delivery(4).await.unwrap()
    }

    /// Delivers everything that is due, and returns the deliveries.
    pub(crate) async fn deliver_all(&self) -> Vec<ClaimedDelivery> {
        let mut delivered = Vec::new();
        while let Some(next) = self.claim_delivery().await {
            self.queue.record_attempt(&next.id, next.claim, answered(200), DELIVERED).await.unwrap();
            delivered.push(next);
        }
        delivered
    }

    pub(crate) async fn deliveries(&self, job: &JobId) -> Vec<DeliveryRecord> {
        self.queue.deliveries_of_job(self.owner, job).await.unwrap().unwrap()
    }

    pub(crate) async fn event_kinds(&self, job: &JobId) -> Vec<EventKind> {
        self.deliveries(job).await.iter().map(|delivery| delivery.kind).collect()
    }

    pub(crate) async fn claim_job(&self) -> FencingToken {
        self.queue.claim(&worker()).await.unwrap().unwrap().token
    }

    pub(crate) async fn start_job(&self, id: &JobId) -> FencingToken {
        let token = self.claim_job().await;
        self.queue.start(id, token).await.unwrap();
        token
    }

    pub(crate) async fn complete(&self, id: &JobId) {
        let token = self.start_job(id).await;
        self.queue.finish(id, token, Ending::Completed(outcome(1))).await.unwrap();
    }
}

pub(crate) async fn every_path_to_an_end_creates_one_end_event(bench: Bench) {
    let completed = bench.submit_with_webhook(1, "a.example").await;
    bench.complete(&completed).await;
    bench.queue.finish(&completed, FencingToken(1), Ending::Completed(outcome(1))).await.unwrap();
    let refused = bench.submit_with_webhook(2, "a.example").await;
    let token = bench.claim_job().await;
    bench.queue.finish(&refused, token, Ending::Failed(input_failure())).await.unwrap();
    let retried = bench.submit_with_webhook(3, "a.example").await;
    for _ in 0..3 {
        let token = bench.claim_job().await;
        bench.queue.finish(&retried, token, Ending::Failed(temporary_failure())).await.unwrap();
        bench.advance_clock(Duration::from_mins(5));
    }
    let lost = bench.submit_with_webhook(4, "a.example").await;
    for _ in 0..2 {
        bench.start_job(&lost).await;
        bench.advance_clock(TTL);
        bench.queue.reap().await.unwrap();
    }
    let waiting = bench.submit_with_webhook(5, "a.example").await;
    bench.queue.cancel(bench.owner, &waiting).await.unwrap().unwrap();
    let running = bench.submit_with_webhook(6, "a.example").await;
    bench.start_job(&running).await;
    for _ in 0..2 {
        bench.queue.cancel(bench.owner, &running).await.unwrap().unwrap();
    }
    assert_eq!(bench.event_kinds(&waiting).await, [EventKind::JobFailed]);
    assert_eq!(bench.event_kinds(&running).await, [EventKind::JobStarted, EventKind::JobFailed]);
    assert_eq!(bench.event_kinds(&completed).await, [EventKind::JobStarted, EventKind::JobCompleted]);
    assert_eq!(bench.event_kinds(&refused).await, [EventKind::JobFailed]);
    assert_eq!(bench.event_kinds(&retried).await, [EventKind::JobFailed]);
    assert_eq!(bench.event_kinds(&lost).await, [EventKind::JobStarted, EventKind::JobFailed]);
    assert_eq!(bench.deliver_all().await.len(), 9);
    assert_eq!(bench.claim_delivery().await, None);
}

pub(crate) async fn a_job_creates_one_start_event_however_often_it_starts(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    let token = bench.start_job(&id).await;
    bench.queue.start(&id, token).await.unwrap();
    bench.queue.release(&id, token).await.unwrap();
    bench.start_job(&id).await;
    assert_eq!(bench.event_kinds(&id).await, [EventKind::JobStarted]);
}

pub(crate) async fn a_late_event_shows_the_job_as_it_was_when_it_happened(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    let token = bench.start_job(&id).await;
    let at_start = bench.read(&id).await;
    bench.advance_clock(Duration::from_secs(9));
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    let at_end = bench.read(&id).await;
    bench.advance_clock(Duration::from_hours(9));
    let (started, ended) = (bench.claim_delivery().await.unwrap(), bench.claim_delivery().await.unwrap());
    assert_eq!((started.event.kind, started.event.happened), (EventKind::JobStarted, at_start.started.unwrap()));
    assert_eq!((ended.event.kind, ended.event.happened), (EventKind::JobCompleted, at_end.ended.unwrap()));
    assert_eq!(started.event.job.as_ref().unwrap().state, JobState::Processing);
    assert_eq!(started.event.job, Some(at_start));
    assert_eq!(ended.event.job, Some(at_end));
}

pub(crate) async fn an_endpoint_receives_only_its_chosen_events_of_its_own_key(bench: Bench) {
    let other = bench.queue.create_key(key("second")).await.unwrap().id;
    let failures =
        NewEndpoint { events: EventKinds::new(vec![EventKind::JobFailed]).unwrap(), ..endpoint(1, "a.example") };
    bench.queue.create_endpoint(bench.owner, failures).await.unwrap();
    bench.queue.create_endpoint(bench.owner, endpoint(2, "b.example")).await.unwrap();
    bench.queue.create_endpoint(other, endpoint(3, "c.example")).await.unwrap();
    let id = bench.submit(1).await;
    bench.complete(&id).await;
    let delivered: Vec<_> =
        bench.deliver_all().await.into_iter().map(|next| (next.destination.host, next.event.kind)).collect();
    assert_eq!(delivered, [("b.example".into(), EventKind::JobStarted), ("b.example".into(), EventKind::JobCompleted)]);
    let id = bench.submit(2).await;
    let token = bench.claim_job().await;
    bench.queue.finish(&id, token, Ending::Failed(input_failure())).await.unwrap();
    let mut hosts: Vec<_> = bench.deliver_all().await.into_iter().map(|next| next.destination.host).collect();
    hosts.sort();
    assert_eq!(hosts, ["a.example", "b.example"]);
}

pub(crate) async fn a_retried_job_notifies_the_same_url(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.queue.cancel(bench.owner, &id).await.unwrap();
    let again = JobId::from_random(2);
    assert_eq!(bench.queue.retry(bench.owner, &id, again.clone()).await.unwrap(), RetryResult::Accepted);
    bench.complete(&again).await;
    let delivered: Vec<_> =
        bench.deliver_all().await.into_iter().map(|next| (next.destination.url, next.event.kind)).collect();
    let url = || String::from("https://a.example/hook");
    let expected = [EventKind::JobFailed, EventKind::JobStarted, EventKind::JobCompleted].map(|kind| (url(), kind));
    assert_eq!(delivered, expected);
}

pub(crate) async fn removing_a_job_removes_its_deliveries(bench: Bench) {
    let (removed, kept) =
        (bench.submit_with_webhook(1, "a.example").await, bench.submit_with_webhook(2, "a.example").await);
    bench.start_job(&removed).await;
    let under_way = bench.claim_delivery().await.unwrap();
    bench.queue.remove(bench.owner, &removed).await.unwrap().unwrap();
    assert_eq!(bench.queue.deliveries_of_job(bench.owner, &removed).await.unwrap(), None);
    let late = bench.queue.record_attempt(&under_way.id, under_way.claim, answered(200), DELIVERED).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
    bench.start_job(&kept).await;
    assert_eq!(bench.deliver_all().await.len(), 1);
}

pub(crate) async fn a_delivery_keeps_its_id_across_retries_and_redeliveries(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.start_job(&id).await;
    let first = bench.claim_delivery().await.unwrap();
    assert_eq!(first.tries, 1);
    let retry = AfterAttempt::RetryIn(Duration::from_secs(5));
    bench.queue.record_attempt(&first.id, first.claim, answered(500), retry).await.unwrap();
    bench.advance_clock(Duration::from_secs(5));
    let second = bench.claim_delivery().await.unwrap();
    assert_eq!((&second.id, second.tries), (&first.id, 2));
    bench.queue.record_attempt(&second.id, second.claim, answered(204), DELIVERED).await.unwrap();
    let again = bench.queue.redeliver(bench.owner, &id, &first.id).await.unwrap().unwrap();
    assert_eq!((again.state, again.attempts.len()), (DeliveryState::Pending, 2));
    let third = bench.claim_delivery().await.unwrap();
    assert_eq!((&third.id, third.tries), (&first.id, 1));
    bench.queue.record_attempt(&third.id, third.claim, answered(200), DELIVERED).await.unwrap();
    let [delivery] = &bench.deliveries(&id).await[..] else { panic!("more than one") };
    assert_eq!((delivery.state, delivery.due, delivery.attempts.len()), (DeliveryState::Delivered, None, 3));
}

pub(crate) async fn two_couriers_never_hold_the_same_delivery(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.start_job(&id).await;
    let first = bench.claim_delivery().await.unwrap();
    assert_eq!(bench.claim_delivery().await, None);
    // A redelivery has no effect while the delivery is being sent.
    bench.queue.redeliver(bench.owner, &id, &first.id).await.unwrap().unwrap();
    assert_eq!(bench.claim_delivery().await, None);
    bench.queue.release_delivery(&first.id, first.claim).await.unwrap();
    let second = bench.claim_delivery().await.unwrap();
    assert!(second.id == first.id && second.claim > first.claim && second.tries == 1);
}

pub(crate) async fn a_dead_couriers_delivery_is_claimed_again_after_its_lease(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.start_job(&id).await;
    let dead = bench.claim_delivery().await.unwrap();
    bench.advance_clock(Duration::from_mins(1).saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.claim_delivery().await, None);
    bench.advance_clock(Duration::from_millis(1));
    let next = bench.claim_delivery().await.unwrap();
    assert_eq!((&next.id, next.tries), (&dead.id, 1));
    let late = bench.queue.record_attempt(&dead.id, dead.claim, answered(200), DELIVERED).await;
    assert!(matches!(late, Err(QueueError::LeaseLost)), "{late:?}");
    assert!(matches!(bench.queue.release_delivery(&dead.id, dead.claim).await, Err(QueueError::LeaseLost)));
    bench.queue.record_attempt(&next.id, next.claim, answered(200), DELIVERED).await.unwrap();
    assert_eq!(bench.deliveries(&id).await[0].attempts.len(), 1);
}

pub(crate) async fn retry_delays_are_observed_and_attempts_are_recorded(bench: Bench) {
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.start_job(&id).await;
    let next = bench.claim_delivery().await.unwrap();
    bench.advance_clock(Duration::from_secs(20));
    let slow = Attempt { answer: Answer::None(NoAnswer::TooSlow), latency: Duration::from_secs(20) };
    let retry = AfterAttempt::RetryIn(Duration::from_mins(5));
    bench.queue.record_attempt(&next.id, next.claim, slow.clone(), retry).await.unwrap();
    bench.advance_clock(Duration::from_mins(5).saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.claim_delivery().await, None);
    bench.advance_clock(Duration::from_millis(1));
    let next = bench.claim_delivery().await.unwrap();
    bench.queue.record_attempt(&next.id, next.claim, answered(500), AfterAttempt::GiveUp).await.unwrap();
    let [delivery] = &bench.deliveries(&id).await[..] else { panic!("more than one") };
    let attempts: Vec<_> = delivery.attempts.iter().map(|record| record.attempt.clone()).collect();
    assert_eq!((delivery.state, attempts), (DeliveryState::Failed, vec![slow, answered(500)]));
    assert_eq!(delivery.attempts[0].began, delivery.happened);
}

pub(crate) async fn a_410_from_a_job_url_stops_only_that_job(bench: Bench) {
    let (gone, well) =
        (bench.submit_with_webhook(1, "a.example").await, bench.submit_with_webhook(2, "a.example").await);
    let token = bench.start_job(&gone).await;
    let first = bench.claim_delivery().await.unwrap();
    bench.queue.record_attempt(&first.id, first.claim, answered(410), AfterAttempt::Gone).await.unwrap();
    bench.queue.finish(&gone, token, Ending::Completed(outcome(1))).await.unwrap();
    bench.complete(&well).await;
    assert_eq!(bench.event_kinds(&gone).await, [EventKind::JobStarted]);
    assert_eq!(bench.deliver_all().await.len(), 2);
    assert!(bench.deliveries(&well).await.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
}

pub(crate) async fn a_host_with_many_deliveries_does_not_delay_other_hosts(bench: Bench) {
    for number in 0..10 {
        let id = bench.submit_with_webhook(number, "dead.example").await;
        bench.start_job(&id).await;
    }
    bench.advance_clock(Duration::from_secs(1));
    let id = bench.submit_with_webhook(10, "well.example").await;
    bench.start_job(&id).await;
    let mut hosts = Vec::new();
    while let Some(next) = bench.queue.claim_delivery(3).await.unwrap() {
        hosts.push(next.destination.host);
    }
    // First the delivery that has waited longest, then the host without running attempts, then at
    // most three at once.
    assert_eq!(hosts, ["dead.example", "well.example", "dead.example", "dead.example"]);
    bench.advance_clock(Duration::from_mins(1));
    assert_eq!(bench.queue.claim_delivery(3).await.unwrap().unwrap().destination.host, "dead.example");
}

pub(crate) async fn a_revoked_key_receives_no_more_deliveries(bench: Bench) {
    bench.queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    let id = bench.submit_with_webhook(1, "a.example").await;
    let token = bench.start_job(&id).await;
    bench.queue.revoke_key(bench.owner).await.unwrap();
    bench.queue.finish(&id, token, Ending::Completed(outcome(1))).await.unwrap();
    assert_eq!(bench.claim_delivery().await, None);
    let states: Vec<_> = bench.deliveries(&id).await.into_iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Stopped, DeliveryState::Stopped]);
}
