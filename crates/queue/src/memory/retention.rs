//! The trait [`Retention`] for the in-memory model.

use std::collections::BTreeSet;

use async_trait::async_trait;
use clearcut_job::{ObjectName, UnixMillis};

use super::{MemoryQueue, tables::Tables};
use crate::{Policy, QueueError, Retention, UploadRecord};

#[async_trait]
impl Retention for MemoryQueue {
    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        let now = self.clock.now();
        Ok(self.tables().forget_expired(&self.policy, now))
    }

    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError> {
        let tables = self.tables();
        Ok(names.into_iter().filter(|name| tables.is_pointed_to(name)).collect())
    }

    async fn list_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        let now = self.clock.now();
        let mut copy = self.tables().clone();
        Ok(copy.forget_expired(&self.policy, now))
    }
}

impl Tables {
    pub(super) fn is_pointed_to(&self, name: &ObjectName) -> bool {
        let input = self.jobs.iter().filter_map(|row| row.input.object.as_ref()).any(|object| object.name == *name);
        let kept = self.jobs.iter().filter(|row| row.outputs_kept).filter_map(|row| row.outcome.as_ref());
        let output = kept.flat_map(|outcome| &outcome.outputs).any(|output| output.object_name == *name);
        let mut parts = self.jobs.iter().flat_map(|row| &row.parts).filter_map(|part| part.object.as_ref());
        input
            || output
            || parts.any(|object| object.name == *name)
            || self.uploads.iter().any(|upload| object_of(upload) == *name)
    }

    pub(super) fn forget_expired(&mut self, policy: &Policy, now: UnixMillis) -> Vec<ObjectName> {
        let mut candidates = BTreeSet::new();
        for row in &mut self.jobs {
            if row.state.is_final() {
                let objects = std::mem::take(&mut row.parts).into_iter().filter_map(|part| part.object);
                candidates.extend(objects.map(|object| object.name));
            }
            if row.expires(policy).is_none_or(|expires| expires > now) {
                continue;
            }
            row.input.address = None;
            candidates.extend(row.input.object.take().map(|object| object.name));
            if std::mem::take(&mut row.outputs_kept) {
                let outputs = row.outcome.iter().flat_map(|outcome| &outcome.outputs);
                candidates.extend(outputs.map(|output| output.object_name.clone()));
            }
        }
        self.uploads.retain(|upload| {
            let expired = upload.expires <= now;
            candidates.extend(expired.then(|| object_of(upload)));
            !expired
        });
        candidates.into_iter().filter(|name| !self.is_pointed_to(name)).collect()
    }
}

/// The name of the object that holds the bytes of `upload`.
pub(super) fn object_of(upload: &UploadRecord) -> ObjectName {
    upload.object.as_ref().map_or_else(|| ObjectName::partial(&upload.id), |object| object.name.clone())
}
