//! The bucket of an S3-compatible store: its clients, and where in it the objects lie.

use std::{sync::Arc, time::Duration};

use object_store::{
    ClientOptions, Error, ObjectStore, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut},
    path::Path as Location,
    prefix::PrefixStore,
    signer::{Method, SignedUrlOptions, Signer as _, Url},
};

use crate::{StoreAddress, create_only::CreateOnly, put_length::with_length, variables::Variables};

/// Longest time of one request. A part of an upload must pass within it.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Longest time in which a failed request is repeated. The store may restart meanwhile.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time of one request of a check, whose caller waits for an answer about the store.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// A bucket, or the part of it below a prefix.
#[derive(Debug)]
pub(crate) struct Bucket {
    objects: Arc<PrefixStore<AmazonS3>>,
    /// The whole bucket, through a client that does not wait for a store that restarts.
    impatient: AmazonS3,
    prefix: Location,
}

impl Bucket {
    /// The bucket at `address`, with the `variables` of the AWS tools.
    pub(crate) fn new(address: &StoreAddress, variables: &Variables) -> object_store::Result<Self> {
        let patient = RetryConfig { retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let hasty = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let prefix = address.prefix().clone();
        let bucket = client(address, variables, (REQUEST_TIMEOUT, patient))?;
        Ok(Self {
            objects: Arc::new(PrefixStore::new(bucket, prefix.clone())),
            impatient: client(address, variables, (CHECK_TIMEOUT, hasty))?,
            prefix,
        })
    }

    /// The objects below the prefix.
    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects) as Arc<dyn ObjectStore>
    }

    /// The objects below the prefix, for requests that fail rather than wait.
    pub(crate) fn impatient_objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(self.impatient.clone(), self.prefix.clone()))
    }

    /// The whole bucket, for requests that fail rather than wait.
    pub(crate) const fn impatient(&self) -> &AmazonS3 {
        &self.impatient
    }

    /// The location of all objects; empty if they lie at the top of the bucket.
    pub(crate) const fn prefix(&self) -> &Location {
        &self.prefix
    }

    /// A URL by which anyone may send the request `method` for the object at `place` for the time
    /// `ttl`, with exactly these query parameters and headers.
    pub(crate) async fn sign(
        &self,
        method: Method,
        place: &Location,
        ttl: Duration,
        options: &SignedUrlOptions,
    ) -> object_store::Result<Url> {
        self.objects.signed_url_opts(method, place, ttl, options).await
    }

    /// A URL by which anyone may put exactly `size_bytes` bytes at `place` for the time `ttl`.
    pub(crate) async fn sign_put(&self, place: &Location, size_bytes: u64, ttl: Duration) -> object_store::Result<Url> {
        let place: Location = self.prefix.parts().chain(place.parts()).collect();
        let key = self.impatient.credentials().get_credential().await?;
        let url = self.impatient.signed_url_opts(Method::PUT, &place, ttl, &SignedUrlOptions::new()).await?;
        let unsigned = || Error::Generic { store: "S3", source: "the length cannot be signed".into() };
        with_length(url, &key.secret_key, size_bytes).ok_or_else(unsigned)
    }
}

fn client(
    address: &StoreAddress,
    variables: &Variables,
    (timeout, retry): (Duration, RetryConfig),
) -> object_store::Result<AmazonS3> {
    let options = ClientOptions::new().with_timeout(timeout).with_connect_timeout(Duration::from_secs(5));
    let builder = AmazonS3Builder::new().with_client_options(options).with_retry(retry);
    // Whatever the variables say, the bucket is that of the address, and outputs are never replaced.
    let builder = variables.apply(builder).with_bucket_name(address.bucket());
    builder.with_http_connector(CreateOnly).with_conditional_put(S3ConditionalPut::ETagMatch).build()
}
