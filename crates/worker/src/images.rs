//! Work on single images, done while a client waits: cut, measured, or scaled and encoded.

use std::{
    cell::Cell,
    convert::Infallible,
    fs::{self, File},
    io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{
    Accepted, Failure, FailureCode, ImageOutcome, ImageRequest, ImageTask, InteractiveFailure, NotAccepted,
    StoredObject,
};
use clearcut_outbound::Target;
use clearcut_parallel::MemoryBudget;
use clearcut_pipeline::{Error, ImageJob, ModelSource, Resources, Stop, process_image_in_budget};
use clearcut_queue::KeyId;
use clearcut_store::{ClipError, ClipQuota, Store, StoreError};

use crate::{
    failure::{cut_failure, local_failure},
    interactive::{BUSY, InteractiveSlots, Terms, store_failure},
    transfer::{Transfer, TransferError, no_random_numbers, outbound_failure},
};

const TERMS: Terms = Terms {
    kind: "image",
    // With the time of one image, this is less than the 30 seconds after which clients give up.
    slot_timeout: Duration::from_secs(10),
    // The largest image by a model on a slow machine.
    deadline: Duration::from_mins(2),
    too_late: "the work on the image took too long; try a smaller image",
    crashed: "the image could not be processed",
};

/// The programs and models that work on images.
#[derive(Debug)]
pub struct ImageTools {
    /// The ffmpeg to use.
    pub tools: Tools,
    /// Source of the neural model, if a cut needs one.
    pub models: Arc<dyn ModelSource + Send>,
    /// Resources of the work on one image.
    pub resources: Resources,
    /// Memory of the work on all images together. An image waits for its share, by its number of
    /// pixels.
    pub memory: MemoryBudget,
}

/// Worker on images. It works on a few at a time, so jobs continue beside them.
#[derive(Debug)]
pub struct Images {
    tools: Arc<ImageTools>,
    slots: InteractiveSlots,
    transfer: Transfer,
}

impl Images {
    /// Worker on `concurrency` images at a time, in `store`. Leftovers of an earlier run in the
    /// folder `scratch` are removed.
    ///
    /// # Errors
    /// If the folder `scratch` cannot be used.
    pub fn new(
        tools: ImageTools,
        store: Store,
        transfer: Transfer,
        scratch: PathBuf,
        concurrency: NonZeroUsize,
    ) -> io::Result<Self> {
        let slots = InteractiveSlots::new(store, scratch, concurrency, TERMS)?;
        Ok(Self { tools: Arc::new(tools), slots, transfer })
    }

    /// Does what `request` of `owner` asks. The API keys take the slots in turn. Dropping the
    /// future stops all work on it.
    ///
    /// # Errors
    /// [`InteractiveFailure::Busy`] if no slot or memory became free in time;
    /// [`InteractiveFailure::Gone`] if the store does not have the image;
    /// [`InteractiveFailure::Failed`] otherwise.
    pub async fn process(&self, owner: KeyId, request: ImageRequest) -> Result<ImageOutcome, InteractiveFailure> {
        let ImageRequest { input, task } = request;
        let (tools, began) = (self.tools.clone(), Instant::now());
        let has_time = move || began.elapsed() < TERMS.slot_timeout;
        let work = move |file: &Path, scratch: &Path, stop: &Stop| tools.process(file, scratch, &task, stop, has_time);
        self.slots.run(owner, &input, work).await
    }

    /// Fetches an image from an address into the store. The caller removes it after use. Dropping
    /// the future ends the transfer.
    ///
    /// # Errors
    /// [`InteractiveFailure::Failed`] if the address cannot be read or holds no image.
    pub async fn fetch(&self, target: Target) -> Result<StoredObject, InteractiveFailure> {
        tracing::info!(from = %target, "fetching an image");
        let fetched = self.transfer.run(target, Accepted::Images, || None::<NoQuota>, |_, _| {}).await;
        fetched.map_err(fetch_failure)
    }
}

impl ImageTools {
    /// Does `task` on the image in `file`, once there is memory for it, while `has_time`.
    fn process(
        &self,
        file: &Path,
        scratch: &Path,
        task: &ImageTask,
        stop: &Stop,
        has_time: impl Fn() -> bool,
    ) -> Result<ImageOutcome, InteractiveFailure> {
        let (input, scratch) = (File::open(file), scratch.join("work"));
        let input = input.and_then(|input| fs::create_dir(&scratch).map(|()| input));
        let input = input.map_err(|error| InteractiveFailure::Failed(local_failure(&error)))?;
        let job = ImageJob {
            tools: &self.tools,
            input: &input,
            scratch: &scratch,
            limits: MediaLimits::default(),
            resources: self.resources,
            models: self.models.as_ref(),
        };
        let is_refused = Cell::new(false);
        let reserve = |bytes: u64| {
            let mib = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
            let reserved = self.memory.reserve(mib, || !stop.is_stopped() && has_time());
            is_refused.set(reserved.is_none());
            reserved
        };
        process_image_in_budget(&job, task, stop, reserve)
            .map_err(|error| if is_refused.get() { BUSY } else { InteractiveFailure::Failed(image_failure(&error)) })
    }
}

/// Failure of the work on an image: that of a cut, in the words of an image.
pub(crate) fn image_failure(error: &Error) -> Failure {
    let failure = cut_failure(error);
    match failure.code {
        FailureCode::InvalidVideo => Failure { code: FailureCode::InvalidImage, ..failure },
        FailureCode::ProcessingFailed => Failure::new(failure.code, TERMS.crashed),
        _ => failure,
    }
}

/// The quota of a file that counts against none.
enum NoQuota {}

impl ClipQuota for NoQuota {
    type Error = Infallible;

    fn count(&mut self, _: u64) {}

    async fn check(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn fetch_failure(error: TransferError<Infallible>) -> InteractiveFailure {
    InteractiveFailure::Failed(match error {
        TransferError::Outbound(error) => outbound_failure(&error),
        TransferError::NoRandomNumbers => no_random_numbers(),
        TransferError::Clip(ClipError::NotAccepted(reason)) => address_without_image(reason),
        TransferError::Clip(ClipError::NoSpace(StoreError::DiskFull)) => {
            Failure::new(FailureCode::InsufficientStorage, "the server has no room for the image")
        }
        TransferError::Clip(ClipError::NoSpace(error) | ClipError::Store(error)) => return store_failure(&error),
        TransferError::Clip(ClipError::Quota(never)) => match never {},
    })
}

/// Failure of an address at which there is no image.
pub(crate) fn address_without_image(reason: NotAccepted) -> Failure {
    Failure::new(FailureCode::InvalidImage, format!("the address holds no image: {}", reason.with_routes()))
}

#[cfg(test)]
mod tests {
    use std::io;

    use clearcut_ffmpeg::{Error as ToolError, MediaError};

    use super::*;

    #[test]
    fn a_failure_is_told_in_the_words_of_an_image() {
        let damaged = image_failure(&ToolError::Media(MediaError::Damaged).into());
        assert_eq!(damaged, Failure::new(FailureCode::InvalidImage, "the file is damaged or cut off"));
        let source = io::Error::other("/srv/data");
        let failed = image_failure(&ToolError::Spawn { program: "/srv/data".into(), source }.into());
        assert_eq!(failed, Failure::new(FailureCode::ProcessingFailed, "the image could not be processed"));
    }
}
