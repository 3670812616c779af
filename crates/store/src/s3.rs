//! The store in an S3-compatible bucket.

use crate::{Store, StoreError, bucket::Bucket};

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
        let variables: Vec<_> = variables.into_iter().collect();
        Ok(Self::in_bucket(Bucket::new(address, &variables)?))
    }
}
