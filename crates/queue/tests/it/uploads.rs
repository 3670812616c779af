//! Contract tests of uploads, clip URLs, retention and quotas.

use std::time::Duration;

use clearcut_job::{FencingToken, ObjectName, UploadId};
use clearcut_queue::{
    ClaimedInput, Ending, KeyId, NewInput, NewJob, NewUpload, QueueError, SourceAddress, StorageLimits,
};

use crate::{
    conformance::conformance_tests,
    fixture::{Bench, input_failure, job, key, object, object_name, outcome, worker},
};

conformance_tests! {
    uploads:
    a_finished_upload_can_be_used_by_several_jobs,
    a_job_cannot_use_an_unfinished_upload_or_one_of_another_key,
    an_upload_of_a_revoked_key_is_rejected,
    an_upload_advances_only_from_its_current_offset,
    an_unfinished_upload_expires_with_its_bytes,
    an_object_is_released_with_the_last_row_that_points_to_it,
    a_claim_carries_the_address_until_the_fetched_input_is_recorded,
    only_the_running_claim_can_record_its_input,
    a_keys_retention_is_capped_by_the_servers,
    a_key_at_its_quota_cannot_add_anything_until_space_is_freed,
    an_upload_counts_with_its_full_length_and_a_shared_object_counts_once,
}

pub(crate) fn new_upload(number: u128, owner: KeyId, length: Option<u64>) -> NewUpload {
    let id = UploadId::from_random(number);
    NewUpload { id, owner, length, metadata: "filename Y2xpcA==".into() }
}

impl Bench {
    async fn upload(&self, number: u128, length: u64) -> UploadId {
        let upload = new_upload(number, self.owner, Some(length));
        self.queue.create_upload(upload).await.unwrap().id
    }

    async fn whole_upload(&self, number: u128, length: u64) -> UploadId {
        let id = self.upload(number, length).await;
        self.queue.finish_upload(&id, object(&format!("uploads/whole{number}"), length)).await.unwrap();
        id
    }

    async fn submit_with(&self, number: u128, owner: KeyId, input: NewInput) -> Result<(), QueueError> {
        self.queue.submit(NewJob { input, ..job(number, owner) }).await
    }

    /// Claims the next job and fails it.
    async fn end_next(&self) {
        let claimed = self.queue.claim(&worker()).await.unwrap().unwrap();
        self.queue.finish(&claimed.id, claimed.token, Ending::Failed(input_failure())).await.unwrap();
    }

    async fn limit(&self, max_retention: Option<Duration>, quota_bytes: Option<u64>) {
        let limits = StorageLimits { max_retention, quota_bytes };
        assert!(self.queue.set_storage_limits(self.owner, limits).await.unwrap());
        assert_eq!(self.queue.storage_limits(self.owner).await.unwrap(), limits);
    }
}

pub(crate) async fn a_finished_upload_can_be_used_by_several_jobs(bench: Bench) {
    let id = bench.upload(1, 1000).await;
    bench.queue.advance_upload(&id, 0, 1000, None).await.unwrap();
    assert_eq!(bench.queue.read_upload(&id).await.unwrap().unwrap().object, None);
    let whole = bench.queue.finish_upload(&id, object("uploads/whole", 1000)).await.unwrap();
    assert_eq!(bench.queue.read_upload(&id).await.unwrap(), Some(whole.clone()));
    assert_eq!((whole.received, whole.metadata.as_str()), (1000, "filename Y2xpcA=="));
    for number in [1, 2] {
        bench.submit_with(number, bench.owner, NewInput::Uploaded(id.clone())).await.unwrap();
        let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
        assert_eq!(claimed.input, ClaimedInput::Stored(object("uploads/whole", 1000)));
    }
    assert!(matches!(bench.queue.finish_upload(&id, object("uploads/other", 1)).await, Err(QueueError::NoSuchUpload)));
}

pub(crate) async fn a_job_cannot_use_an_unfinished_upload_or_one_of_another_key(bench: Bench) {
    let other = bench.queue.create_key(key("second")).await.unwrap().id;
    let whole = bench.whole_upload(1, 1000).await;
    let refused = bench.submit_with(1, other, NewInput::Uploaded(whole)).await;
    assert!(matches!(refused, Err(QueueError::NoSuchUpload)));
    let unknown = bench.submit_with(1, bench.owner, NewInput::Uploaded(UploadId::from_random(9))).await;
    assert!(matches!(unknown, Err(QueueError::NoSuchUpload)));
    let unfinished = bench.upload(2, 1000).await;
    let refused = bench.submit_with(1, bench.owner, NewInput::Uploaded(unfinished)).await;
    assert!(matches!(refused, Err(QueueError::UploadUnfinished)));
    assert_eq!(bench.queue.depth().await.unwrap().queued, 0);
}

pub(crate) async fn an_upload_of_a_revoked_key_is_rejected(bench: Bench) {
    let id = bench.upload(1, 1000).await;
    bench.queue.revoke_key(bench.owner).await.unwrap();
    assert_eq!(bench.queue.read_upload(&id).await.unwrap(), None);
    assert!(matches!(bench.queue.advance_upload(&id, 0, 10, None).await, Err(QueueError::NoSuchUpload)));
    assert!(matches!(bench.queue.finish_upload(&id, object("uploads/x", 1)).await, Err(QueueError::NoSuchUpload)));
    // Its object is released at its expiry, like that of any upload.
    bench.advance_clock(Duration::from_hours(24));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), [ObjectName::partial(&id)]);
}

pub(crate) async fn an_upload_advances_only_from_its_current_offset(bench: Bench) {
    let id = bench.queue.create_upload(new_upload(1, bench.owner, None)).await.unwrap().id;
    bench.queue.advance_upload(&id, 0, 10, None).await.unwrap();
    for (from, to) in [(0, 10), (11, 12), (9, 20)] {
        let refused = bench.queue.advance_upload(&id, from, to, None).await;
        assert!(matches!(refused, Err(QueueError::NoSuchUpload)), "{from} {to}");
    }
    bench.queue.advance_upload(&id, 10, 20, Some(30)).await.unwrap();
    bench.queue.advance_upload(&id, 20, 25, Some(40)).await.unwrap();
    let record = bench.queue.read_upload(&id).await.unwrap().unwrap();
    assert_eq!((record.received, record.length), (25, Some(30)), "the length can be set only once");
}

pub(crate) async fn an_unfinished_upload_expires_with_its_bytes(bench: Bench) {
    let id = bench.upload(1, 1000).await;
    let partial = vec![ObjectName::partial(&id)];
    assert_eq!(bench.queue.referenced_objects(partial.clone()).await.unwrap(), partial);
    bench.advance_clock(Duration::from_hours(24));
    assert_eq!(bench.queue.read_upload(&id).await.unwrap(), None);
    assert!(matches!(bench.queue.advance_upload(&id, 0, 1, None).await, Err(QueueError::NoSuchUpload)));
    assert_eq!(bench.queue.list_expired().await.unwrap(), partial);
    assert_eq!(bench.queue.forget_expired().await.unwrap(), partial);
    assert_eq!(bench.queue.referenced_objects(partial).await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.queue.drop_upload(&id).await.unwrap(), None);
}

pub(crate) async fn an_object_is_released_with_the_last_row_that_points_to_it(bench: Bench) {
    let id = bench.whole_upload(1, 1000).await;
    let whole = vec![object_name("uploads/whole1")];
    bench.submit_with(1, bench.owner, NewInput::Uploaded(id.clone())).await.unwrap();
    bench.submit_with(2, bench.owner, NewInput::Uploaded(id.clone())).await.unwrap();
    bench.end_next().await;
    bench.advance_clock(Duration::from_hours(24));
    // The first job and the upload have expired; the second job still waits.
    assert_eq!(bench.queue.forget_expired().await.unwrap(), Vec::<ObjectName>::new());
    assert_eq!(bench.queue.referenced_objects(whole.clone()).await.unwrap(), whole);
    bench.end_next().await;
    bench.advance_clock(Duration::from_hours(24));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), whole);
    // Dropping an upload also keeps the object for its job.
    let id = bench.whole_upload(2, 1000).await;
    bench.submit_with(3, bench.owner, NewInput::Uploaded(id.clone())).await.unwrap();
    assert_eq!(bench.queue.drop_upload(&id).await.unwrap(), Some(Vec::new()));
    let id = bench.whole_upload(3, 1000).await;
    assert_eq!(bench.queue.drop_upload(&id).await.unwrap(), Some(vec![object_name("uploads/whole3")]));
}

pub(crate) async fn a_claim_carries_the_address_until_the_fetched_input_is_recorded(bench: Bench) {
    let address = SourceAddress("https://example.com/clip?secret".into());
    bench.submit_with(1, bench.owner, NewInput::Address(address.clone())).await.unwrap();
    let first = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!(first.input, ClaimedInput::Address(address.clone()));
    assert!(!format!("{first:?}").contains("secret"));
    bench.queue.release(&first.id, first.token).await.unwrap();
    let second = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!(second.input, ClaimedInput::Address(address));
    bench.queue.keep_input(&second.id, second.token, object("uploads/fetched", 500)).await.unwrap();
    assert_eq!(bench.queue.used_bytes(bench.owner).await.unwrap(), 500);
    bench.queue.release(&second.id, second.token).await.unwrap();
    let third = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert_eq!(third.input, ClaimedInput::Stored(object("uploads/fetched", 500)));
}

pub(crate) async fn only_the_running_claim_can_record_its_input(bench: Bench) {
    let address = NewInput::Address(SourceAddress("https://example.com/clip".into()));
    bench.submit_with(1, bench.owner, address).await.unwrap();
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    for token in [0, 2] {
        let kept = bench.queue.keep_input(&claimed.id, FencingToken(token), object("uploads/x", 1)).await;
        assert!(matches!(kept, Err(QueueError::LeaseLost)), "{token}");
    }
    bench.queue.release(&claimed.id, claimed.token).await.unwrap();
    let kept = bench.queue.keep_input(&claimed.id, claimed.token, object("uploads/x", 1)).await;
    assert!(matches!(kept, Err(QueueError::LeaseLost)));
}

pub(crate) async fn a_keys_retention_is_capped_by_the_servers(bench: Bench) {
    for (number, hours, kept) in [(1, Some(1), 1), (2, Some(48), 24), (3, None, 24)] {
        bench.limit(hours.map(Duration::from_hours), None).await;
        let id = bench.submit(number).await;
        // A later change of the limit has no effect on the job.
        bench.limit(None, None).await;
        bench.end_next().await;
        let record = bench.read(&id).await;
        assert_eq!(record.expires.unwrap().since(record.ended.unwrap()), Duration::from_hours(kept));
    }
    bench.advance_clock(Duration::from_hours(1));
    assert_eq!(bench.queue.forget_expired().await.unwrap(), [object_name("uploads/1")]);
    assert!(!bench.queue.set_storage_limits(KeyId(99), StorageLimits::default()).await.unwrap());
}

pub(crate) async fn a_key_at_its_quota_cannot_add_anything_until_space_is_freed(bench: Bench) {
    fn exceeded<T: std::fmt::Debug>(result: &Result<T, QueueError>) -> bool {
        matches!(result, Err(QueueError::QuotaExceeded { quota_bytes: 2154 }))
    }
    bench.limit(None, Some(2154)).await;
    bench.submit(1).await;
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    bench.queue.finish(&claimed.id, claimed.token, Ending::Completed(outcome(1))).await.unwrap();
    assert_eq!(bench.queue.used_bytes(bench.owner).await.unwrap(), 1154);
    assert!(exceeded(&bench.queue.create_upload(new_upload(1, bench.owner, Some(1001))).await));
    let open = bench.queue.create_upload(new_upload(2, bench.owner, None)).await.unwrap().id;
    assert!(exceeded(&bench.queue.advance_upload(&open, 0, 1001, None).await));
    assert!(exceeded(&bench.queue.advance_upload(&open, 0, 1, Some(1001)).await));
    assert!(exceeded(&bench.queue.finish_upload(&open, object("uploads/open", 1001)).await));
    bench.submit(2).await;
    let address = || NewInput::Address(SourceAddress("https://example.com/clip".into()));
    assert!(exceeded(&bench.queue.submit(job(3, bench.owner)).await));
    assert!(exceeded(&bench.submit_with(3, bench.owner, address()).await));
    // Another key has its own quota.
    let other = bench.queue.create_key(key("second")).await.unwrap().id;
    bench.queue.submit(job(4, other)).await.unwrap();
    bench.end_next().await;
    bench.end_next().await;
    bench.advance_clock(Duration::from_hours(24));
    bench.queue.forget_expired().await.unwrap();
    bench.submit_with(3, bench.owner, address()).await.unwrap();
    let claimed = bench.queue.claim(&worker()).await.unwrap().unwrap();
    assert!(exceeded(&bench.queue.keep_input(&claimed.id, claimed.token, object("uploads/big", 2155)).await));
    bench.queue.keep_input(&claimed.id, claimed.token, object("uploads/fits", 2154)).await.unwrap();
}

pub(crate) async fn an_upload_counts_with_its_full_length_and_a_shared_object_counts_once(bench: Bench) {
    let id = bench.upload(1, 1000).await;
    assert_eq!(bench.queue.used_bytes(bench.owner).await.unwrap(), 1000);
    bench.queue.advance_upload(&id, 0, 400, None).await.unwrap();
    assert_eq!(bench.queue.used_bytes(bench.owner).await.unwrap(), 1000);
    bench.queue.finish_upload(&id, object("uploads/whole", 1000)).await.unwrap();
    for number in [1, 2, 3] {
        bench.submit_with(number, bench.owner, NewInput::Uploaded(id.clone())).await.unwrap();
    }
    assert_eq!(bench.queue.used_bytes(bench.owner).await.unwrap(), 1000);
}
