//! The traits of the queue. Each method is that of the database, repeated if it breaks.

use async_trait::async_trait;
use clearcut_job::{FencingToken, JobId, ObjectName, Progress, StoredObject, UnixMillis, UploadId, WorkerId};

use super::{PostgresQueue, repeat::repeat};
use crate::{
    AfterAttempt, Attempt, ClaimedDelivery, ClaimedInput, ClaimedJob, DayUsage, Deliveries, DeliveryId, DeliveryRecord,
    Ending, EndpointChange, EndpointId, EndpointRecord, Endpoints, Finished, Idempotency, JobRecord, Jobs, KeyHash,
    KeyId, KeyLimits, KeyRecord, Keys, Listing, NewEndpoint, NewJob, NewKey, NewUpload, OwnedJobs, QueueDepth,
    QueueError, QueueGauges, QueueOutlook, Reaped, Retention, RetryResult, SecretScope, SegmentFile, Segments,
    SigningSecrets, Split, StorageLimits, Submission, UploadRecord, Uploads, WebhookSecret,
};

/// Implements the traits for [`PostgresQueue`]. The inputs are cloned for each call.
macro_rules! repeated {
    ($($trait:ident { $($method:ident($($input:ident: $type:ty),*) -> $output:ty;)* })*) => {$(
        #[async_trait]
        impl $trait for PostgresQueue {
            $(async fn $method(&self, $($input: $type),*) -> Result<$output, QueueError> {
                repeat(|| self.database.$method($(Clone::clone(&$input)),*)).await
            })*
        }
    )*};
}

repeated! {
    Jobs {
        submit(job: NewJob) -> ();
        read(owner: KeyId, id: &JobId) -> Option<JobRecord>;
        claim(worker: &WorkerId) -> Option<ClaimedJob>;
        start(id: &JobId, token: FencingToken) -> ();
        renew(id: &JobId, token: FencingToken, progress: Progress) -> ();
        finish(id: &JobId, token: FencingToken, ending: Ending) -> Finished;
        release(id: &JobId, token: FencingToken) -> ();
        reap() -> Vec<Reaped>;
        clock_jumped() -> ();
        is_claimed(id: &JobId, token: FencingToken) -> bool;
        depth() -> QueueDepth;
        gauges() -> QueueGauges;
    }

    Segments {
        split(id: &JobId, token: FencingToken, split: Split) -> ();
        finish_segment(id: &JobId, token: FencingToken, segment: SegmentFile) -> Finished;
        refuse_plan(id: &JobId, token: FencingToken) -> Vec<ObjectName>;
    }

    OwnedJobs {
        submit_once(job: NewJob, once: Idempotency) -> Submission;
        was_submitted(owner: KeyId, idempotency_key: &str) -> bool;
        list(owner: KeyId, listing: Listing) -> Vec<JobRecord>;
        cancel(owner: KeyId, id: &JobId) -> Option<JobRecord>;
        remove(owner: KeyId, id: &JobId) -> Option<Vec<ObjectName>>;
        retry(owner: KeyId, id: &JobId, retry_id: JobId) -> RetryResult;
        find_input(owner: KeyId, id: &JobId) -> Option<ClaimedInput>;
        outlook(owner: KeyId, jobs: Vec<JobId>) -> QueueOutlook;
        usage(owner: KeyId, from: UnixMillis, until: UnixMillis) -> Vec<DayUsage>;
    }

    Uploads {
        create_upload(upload: NewUpload) -> UploadRecord;
        read_upload(id: &UploadId) -> Option<UploadRecord>;
        advance_upload(id: &UploadId, from: u64, to: u64, length: Option<u64>) -> ();
        finish_upload(id: &UploadId, object: StoredObject) -> UploadRecord;
        drop_upload(id: &UploadId) -> Option<Vec<ObjectName>>;
        keep_input(id: &JobId, token: FencingToken, object: StoredObject) -> ();
        used_bytes(owner: KeyId) -> u64;
        check_quota(owner: KeyId, more: u64) -> ();
    }

    Retention {
        forget_expired() -> Vec<ObjectName>;
        referenced_objects(names: Vec<ObjectName>) -> Vec<ObjectName>;
        list_expired() -> Vec<ObjectName>;
    }

    Keys {
        create_key(key: NewKey) -> KeyRecord;
        create_first_key(key: NewKey) -> Option<KeyRecord>;
        list_keys() -> Vec<KeyRecord>;
        find_key(hash: KeyHash) -> Option<KeyRecord>;
        revoke_key(id: KeyId) -> bool;
        touch_key(id: KeyId) -> ();
        limit_key(id: KeyId, limits: KeyLimits) -> bool;
        storage_limits(owner: KeyId) -> StorageLimits;
        set_storage_limits(owner: KeyId, limits: StorageLimits) -> bool;
    }

    Endpoints {
        create_endpoint(owner: KeyId, endpoint: NewEndpoint) -> EndpointRecord;
        list_endpoints(owner: KeyId) -> Vec<EndpointRecord>;
        change_endpoint(owner: KeyId, id: &EndpointId, change: EndpointChange) -> Option<EndpointRecord>;
        delete_endpoint(owner: KeyId, id: &EndpointId) -> bool;
        read_secrets(owner: KeyId, scope: SecretScope, fresh: WebhookSecret) -> Option<SigningSecrets>;
        rotate_secret(owner: KeyId, scope: SecretScope, fresh: WebhookSecret) -> Option<SigningSecrets>;
    }

    Deliveries {
        send_test(owner: KeyId, endpoint: &EndpointId, id: DeliveryId) -> Option<DeliveryRecord>;
        deliveries_of_job(owner: KeyId, job: &JobId) -> Option<Vec<DeliveryRecord>>;
        deliveries_to(owner: KeyId, endpoint: &EndpointId) -> Option<Vec<DeliveryRecord>>;
        redeliver(owner: KeyId, job: &JobId, id: &DeliveryId) -> Option<DeliveryRecord>;
        claim_delivery(max_per_host: u32) -> Option<ClaimedDelivery>;
        record_attempt(id: &DeliveryId, claim: u64, attempt: Attempt, next_step: AfterAttempt) -> ();
        release_delivery(id: &DeliveryId, claim: u64) -> ();
    }
}
