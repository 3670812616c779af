//! Contract tests of webhooks: events, deliveries, endpoints and secrets.

use std::time::Duration;

use clearcut_job::{FencingToken, JobId, JobState};
use clearcut_queue::{
    AfterAttempt, Answer, Attempt, ClaimedDelivery, DeliveryId, DeliveryRecord, DeliveryState, DisabledReason, Ending,
    EndpointChange, EndpointId, EventKind, EventKinds, MAX_ENDPOINTS, NewEndpoint, NoAnswer, QueueError, RetryResult,
    SECRET_OVERLAP, SecretScope, SigningSecrets,
};

use crate::fixture::{
    Bench, TTL, destination, endpoint, input_failure, key, outcome, secret, upstream_failure, webhook, worker,
};

const DELIVERED: AfterAttempt = AfterAttempt::Delivered;

fn answered(status: u16) -> Attempt {
    Attempt { answer: Answer::Status { status, reply: "ok".into() }, latency: Duration::from_millis(7) }
}

fn implicit_secret() -> (SecretScope, clearcut_queue::WebhookSecret) {
    (SecretScope::Jobs { fresh: EndpointId::from_random(99) }, secret(99))
}

impl Bench {
    async fn claim_delivery(&self) -> Option<ClaimedDelivery> {
        self.queue.claim_delivery(4).await.unwrap()
    }

    /// Delivers everything that is due, and returns the deliveries.
    async fn deliver_all(&self) -> Vec<ClaimedDelivery> {
        let mut delivered = Vec::new();
        while let Some(next) = self.claim_delivery().await {
            self.queue.record_attempt(&next.id, next.claim, answered(200), DELIVERED).await.unwrap();
            delivered.push(next);
        }
        delivered
    }

    async fn deliveries(&self, job: &JobId) -> Vec<DeliveryRecord> {
        self.queue.deliveries_of_job(self.owner, job).await.unwrap().unwrap()
    }

    async fn event_kinds(&self, job: &JobId) -> Vec<EventKind> {
        self.deliveries(job).await.iter().map(|delivery| delivery.kind).collect()
    }

    async fn claim_job(&self) -> FencingToken {
        self.queue.claim(&worker()).await.unwrap().unwrap().token
    }

    async fn start_job(&self, id: &JobId) -> FencingToken {
        let token = self.claim_job().await;
        self.queue.start(id, token).await.unwrap();
        token
    }

    async fn complete(&self, id: &JobId) {
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
        bench.queue.finish(&retried, token, Ending::Failed(upstream_failure())).await.unwrap();
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

pub(crate) async fn a_410_disables_the_endpoint_and_stops_its_pending_deliveries(bench: Bench) {
    let made = bench.queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    let id = bench.submit(1).await;
    bench.complete(&id).await;
    let first = bench.claim_delivery().await.unwrap();
    bench.queue.record_attempt(&first.id, first.claim, answered(410), AfterAttempt::Gone).await.unwrap();
    assert_eq!(bench.claim_delivery().await, None);
    assert!(bench.deliveries(&id).await.iter().all(|delivery| delivery.state == DeliveryState::Stopped));
    let listed = bench.queue.list_endpoints(bench.owner).await.unwrap();
    assert_eq!(listed[0].disabled.map(|(_, reason)| reason), Some(DisabledReason::Gone));
    let again = bench.queue.redeliver(bench.owner, &id, &first.id).await;
    assert!(matches!(again, Err(QueueError::EndpointDisabled)), "{again:?}");
    let enabled = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
    bench.queue.change_endpoint(bench.owner, &made.id, enabled).await.unwrap().unwrap();
    assert_eq!(bench.claim_delivery().await, None, "a stopped delivery became due by itself");
    assert!(bench.queue.redeliver(bench.owner, &id, &first.id).await.unwrap().is_some());
    assert_eq!(bench.deliver_all().await.len(), 1);
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

pub(crate) async fn a_disabled_endpoint_receives_nothing_until_it_is_enabled(bench: Bench) {
    let made = bench.queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    let id = bench.submit(1).await;
    let token = bench.start_job(&id).await;
    let change = |enabled| EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
    let off = bench.queue.change_endpoint(bench.owner, &made.id, change(false)).await.unwrap().unwrap();
    assert_eq!(off.disabled.map(|(_, reason)| reason), Some(DisabledReason::Owner));
    bench.queue.release(&id, token).await.unwrap();
    assert_eq!(bench.claim_delivery().await, None);
    let on = bench.queue.change_endpoint(bench.owner, &made.id, change(true)).await.unwrap().unwrap();
    assert_eq!(on, made);
    bench.complete(&id).await;
    let delivered: Vec<_> = bench.deliver_all().await.into_iter().map(|next| next.event.kind).collect();
    assert_eq!(delivered, [EventKind::JobCompleted]);
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

pub(crate) async fn a_rotated_secret_overlaps_the_previous_one_for_a_day(bench: Bench) {
    let made = bench.queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    let scope = || SecretScope::Endpoint(made.id.clone());
    let rotated = bench.queue.rotate_secret(bench.owner, scope(), secret(2)).await.unwrap().unwrap();
    let until = made.created.after(SECRET_OVERLAP);
    assert_eq!(rotated, SigningSecrets { current: secret(2), previous: Some((secret(1), until)) });
    assert_eq!(bench.queue.read_secrets(bench.owner, scope(), secret(9)).await.unwrap(), Some(rotated.clone()));
    let id = bench.submit(1).await;
    bench.start_job(&id).await;
    assert_eq!(bench.claim_delivery().await.unwrap().secrets, rotated);
    let listed = bench.queue.list_endpoints(bench.owner).await.unwrap();
    assert_eq!(listed[0].rotating_until, Some(until));
}

pub(crate) async fn the_secret_for_job_urls_is_created_once(bench: Bench) {
    let (scope, made) = implicit_secret();
    let read = bench.queue.read_secrets(bench.owner, scope.clone(), made.clone()).await.unwrap().unwrap();
    assert_eq!(read, SigningSecrets { current: made, previous: None });
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.start_job(&id).await;
    assert_eq!(bench.claim_delivery().await.unwrap().secrets, read);
    assert_eq!(bench.queue.read_secrets(bench.owner, scope.clone(), secret(5)).await.unwrap().unwrap(), read);
    let rotated = bench.queue.rotate_secret(bench.owner, scope, secret(5)).await.unwrap().unwrap();
    assert_eq!(rotated.current, secret(5));
    assert_eq!(rotated.previous.map(|(previous, _)| previous), Some(read.current));
    assert_eq!(bench.queue.list_endpoints(bench.owner).await.unwrap(), []);
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

pub(crate) async fn the_number_of_endpoints_per_key_is_limited(bench: Bench) {
    bench.queue.read_secrets(bench.owner, implicit_secret().0, secret(0)).await.unwrap();
    for number in 1..=MAX_ENDPOINTS as u8 {
        bench.queue.create_endpoint(bench.owner, endpoint(number, "a.example")).await.unwrap();
    }
    let over = bench.queue.create_endpoint(bench.owner, endpoint(98, "a.example")).await;
    assert!(matches!(over, Err(QueueError::TooManyEndpoints { limit: MAX_ENDPOINTS })), "{over:?}");
    assert!(bench.queue.delete_endpoint(bench.owner, &EndpointId::from_random(1)).await.unwrap());
    bench.queue.create_endpoint(bench.owner, endpoint(98, "a.example")).await.unwrap();
}

pub(crate) async fn pending_deliveries_follow_an_endpoint_to_its_new_url(bench: Bench) {
    let made = bench.queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    let id = bench.submit(1).await;
    bench.start_job(&id).await;
    let moved = EndpointChange { destination: Some(destination("b.example")), ..EndpointChange::default() };
    let moved = bench.queue.change_endpoint(bench.owner, &made.id, moved).await.unwrap().unwrap();
    assert_eq!(moved.url, "https://b.example/hook");
    assert_eq!(bench.claim_delivery().await.unwrap().destination, destination("b.example"));
    assert_eq!(bench.deliveries(&id).await[0].url, "https://b.example/hook");
    assert!(bench.queue.delete_endpoint(bench.owner, &made.id).await.unwrap());
    assert!(!bench.queue.delete_endpoint(bench.owner, &made.id).await.unwrap());
    assert_eq!(bench.deliveries(&id).await, []);
    bench.advance_clock(TTL);
    assert_eq!(bench.claim_delivery().await, None);
}

pub(crate) async fn a_test_event_reaches_one_endpoint_and_belongs_to_no_job(bench: Bench) {
    let made = bench.queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    bench.queue.create_endpoint(bench.owner, endpoint(2, "b.example")).await.unwrap();
    let sent = bench.queue.send_test(bench.owner, &made.id, DeliveryId::from_random(7)).await.unwrap().unwrap();
    assert_eq!((&sent.kind, &sent.endpoint), (&EventKind::Test, &Some(made.id.clone())));
    let [delivered] = &bench.deliver_all().await[..] else { panic!("more than one") };
    assert_eq!((&delivered.id, &delivered.event.job), (&DeliveryId::from_random(7), &None));
    let listed = bench.queue.deliveries_to(bench.owner, &made.id).await.unwrap().unwrap();
    assert_eq!((listed.len(), listed[0].state), (1, DeliveryState::Delivered));
    bench.advance_clock(Duration::from_hours(7 * 24));
    bench.queue.send_test(bench.owner, &made.id, DeliveryId::from_random(8)).await.unwrap().unwrap();
    let listed = bench.queue.deliveries_to(bench.owner, &made.id).await.unwrap().unwrap();
    assert_eq!(listed.iter().map(|delivery| &delivery.id).collect::<Vec<_>>(), [&DeliveryId::from_random(8)]);
}

pub(crate) async fn webhooks_of_another_key_are_neither_visible_nor_changeable(bench: Bench) {
    let (other, queue) = (bench.queue.create_key(key("second")).await.unwrap().id, &bench.queue);
    let made = queue.create_endpoint(bench.owner, endpoint(1, "a.example")).await.unwrap();
    let id = bench.submit_with_webhook(1, "a.example").await;
    bench.start_job(&id).await;
    let delivery_id = bench.deliveries(&id).await[0].id.clone();
    assert_eq!(queue.list_endpoints(other).await.unwrap(), []);
    let change = EndpointChange { enabled: Some(false), ..EndpointChange::default() };
    assert_eq!(queue.change_endpoint(other, &made.id, change).await.unwrap(), None);
    assert!(!queue.delete_endpoint(other, &made.id).await.unwrap());
    let scope = || SecretScope::Endpoint(made.id.clone());
    assert_eq!(queue.read_secrets(other, scope(), secret(9)).await.unwrap(), None);
    assert_eq!(queue.rotate_secret(other, scope(), secret(9)).await.unwrap(), None);
    assert_eq!(queue.send_test(other, &made.id, DeliveryId::from_random(1)).await.unwrap(), None);
    assert_eq!(queue.deliveries_of_job(other, &id).await.unwrap(), None);
    assert_eq!(queue.deliveries_to(other, &made.id).await.unwrap(), None);
    assert_eq!(queue.redeliver(other, &id, &delivery_id).await.unwrap(), None);
    assert_eq!(queue.list_endpoints(bench.owner).await.unwrap(), [made]);
    let (scope, _) = implicit_secret();
    assert_ne!(queue.read_secrets(other, scope, secret(9)).await.unwrap().unwrap().current, webhook("x").fresh.1);
}
