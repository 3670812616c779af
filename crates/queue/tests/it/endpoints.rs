//! Contract tests of webhook endpoints and their secrets.

use std::time::Duration;

use clearcut_queue::{
    AfterAttempt, DeliveryId, DeliveryState, DisabledReason, EndpointChange, EndpointId, EventKind, MAX_ENDPOINTS,
    QueueError, SECRET_OVERLAP, SecretScope, SigningSecrets,
};

use crate::{
    fixture::{Bench, TTL, destination, endpoint, key, secret, webhook},
    webhooks::answered,
};

fn implicit_secret() -> (SecretScope, clearcut_queue::WebhookSecret) {
    (SecretScope::Jobs { fresh: EndpointId::from_random(99) }, secret(99))
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
