//! The store in an S3-compatible bucket.

use crate::{Store, StoreAddress, StoreError, bucket::Bucket, variables::Variables};

impl Store {
    /// Opens the store at `address`. `variables` are those of the AWS tools, such as
    /// `AWS_ACCESS_KEY_ID`, `AWS_REGION` and `AWS_ENDPOINT_URL`; unknown ones are ignored. Without a
    /// key, the role of the machine is asked for. Nothing is read or written yet.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if a variable has an invalid value.
    pub fn s3(
        address: &StoreAddress,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StoreError> {
        // The client takes the provider of TLS from the process. Another one may be installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let variables = Variables::new(variables)?;
        match Bucket::new(address, &variables) {
            Ok(bucket) => Ok(Self::in_bucket(bucket)),
            Err(error) => Err(variables.fault(address.bucket()).map_or_else(|| error.into(), Into::into)),
        }
    }
}
