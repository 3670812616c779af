//! The id that binds a store to its database.

use object_store::{ObjectStoreExt as _, PutMode, PutPayload, path::Path as Location};

use crate::{Store, StoreError};

/// Name of the object that holds the id of a store. No object of a job or upload has it.
const ID: &str = "store-id";

impl Store {
    /// The id that the store holds, if it holds one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn held_id(&self) -> Result<Option<String>, StoreError> {
        let object = match self.objects.get(&Location::from(ID)).await.map_err(StoreError::from) {
            Err(StoreError::Missing) => return Ok(None),
            object => object?,
        };
        Ok(Some(String::from_utf8_lossy(&object.bytes().await?).into_owned()))
    }

    /// Gives the store the id `fresh` if it holds none. Returns the id that it holds then.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn hold_id(&self, fresh: &str) -> Result<String, StoreError> {
        let payload = PutPayload::from(fresh.as_bytes().to_vec());
        match self.objects.put_opts(&Location::from(ID), payload, PutMode::Create.into()).await {
            Ok(_) => Ok(fresh.to_owned()),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                self.held_id().await?.ok_or(StoreError::Missing)
            }
            Err(error) => Err(error.into()),
        }
    }
}
