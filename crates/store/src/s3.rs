//! The store in an S3-compatible bucket.

use std::{sync::Arc, time::Duration};

use object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut},
    path::Path as Location,
    prefix::PrefixStore,
};

use crate::{Store, StoreError};

/// Longest time of one request. A part of an upload must pass within it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest time in which a failed request is repeated. The store may restart meanwhile.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the store at `address`, such as `s3://bucket/prefix`. `variables` are those of the AWS
    /// tools, such as `AWS_ACCESS_KEY_ID`, `AWS_REGION` and `AWS_ENDPOINT_URL`; unknown ones are
    /// ignored. Without a key, the role of the machine is asked for. Nothing is read or written yet.
    ///
    /// # Errors
    /// If the address names no bucket, or a variable has an invalid value.
    pub fn s3(address: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, StoreError> {
        // The client takes the provider of TLS from the process. Another one may be installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(Duration::from_secs(5));
        let retry = RetryConfig { retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_url(address)
            .with_client_options(client)
            .with_retry(retry)
            .with_conditional_put(S3ConditionalPut::ETagMatch);
        for (name, value) in variables {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        let bucket = builder.build()?;
        let prefix =
            address.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map_or("", |(_, prefix)| prefix);
        Ok(match prefix.trim_matches('/') {
            "" => Self::remote(Arc::new(bucket)),
            prefix => Self::remote(Arc::new(PrefixStore::new(
                bucket,
                Location::parse(prefix).map_err(object_store::Error::from)?,
            ))),
        })
    }
}
