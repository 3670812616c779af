//! The cut of a job of images: each image is unpacked, cut and bundled.

use std::{
    fs::{self, File},
    num::NonZeroUsize,
    path::Path,
    sync::{Mutex, PoisonError},
};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{
    CutImage, CutStep, Failure, FailureCode, Fault, ImageCutRequest, ImageOutcome, ImageTask, sanitized_path,
};
use clearcut_parallel::with_workers;
use clearcut_pipeline::{
    Error, ImageJob, ImageSet, KeptModel, ModelFailure, ModelSource, OpenModel, Resources, SetImage, Stop,
};

use crate::{CutOrder, CutOutcome, failure::local_failure, image_bundle::Bundle, images::image_failure};

/// Images that are worked on at the same time: one is decoded or encoded while another is matted.
const IMAGES_AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Removes the background of each image of `order`. An image that is at fault is listed as failed;
/// the model is loaded once, and used by one image at a time.
///
/// # Errors
/// If no image can be cut, if their archive cannot be read, or if the server is at fault.
pub(crate) fn cut_images(
    (tools, models, resources): (&Tools, &dyn ModelSource, Resources),
    (order, request): (&CutOrder, &ImageCutRequest),
    stop: &Stop,
    progress: &mut (dyn FnMut(CutStep) + Send),
) -> Result<CutOutcome, Failure> {
    progress(CutStep::Surveying);
    let input = File::open(&order.input).map_err(|error| local_failure(&error))?;
    let images = ImageSet::open(tools, &input, &order.scratch, stop).map_err(|error| image_failure(&error))?;
    let (total, progress) = (images.len(), Mutex::new(progress));
    let report = |step| progress.lock().unwrap_or_else(PoisonError::into_inner)(step);
    let kept = KeptModel::new(models);
    let models = ReportingModel { source: &kept, on_wait: &|| report(CutStep::Waiting) };
    let resources = Resources { max_bytes: resources.max_bytes / IMAGES_AT_ONCE.get() as u64, ..resources };
    let desk = Desk { tools, models: &models, resources, scratch: &order.scratch, task: request.task(), stop };
    let mut bundle = Bundle::begin(&order.scratch, total)?;
    report(CutStep::Cutting { done: 0, total: total as u64 });
    with_workers(IMAGES_AT_ONCE, |workers| {
        let cuts = workers.map_in_order(images.enumerate(), |(place, image)| desk.cut(place, image));
        for (before, cut) in cuts.enumerate() {
            let (name, cut) = cut?;
            bundle.add(name, cut)?;
            report(CutStep::Cutting { done: before as u64 + 1, total: total as u64 });
        }
        Ok(())
    })?;
    report(CutStep::Checking);
    bundle.finish()
}

/// The sanitized name of an image, and the image without its background or why it cannot be cut.
type NamedCut = (Option<String>, Result<CutImage, Failure>);

/// What the work on one image needs.
struct Desk<'a> {
    tools: &'a Tools,
    models: &'a dyn ModelSource,
    /// Those of one image.
    resources: Resources,
    scratch: &'a Path,
    task: ImageTask,
    stop: &'a Stop,
}

impl Desk<'_> {
    /// Cuts the image at `place`, and returns its name and what became of it.
    ///
    /// # Errors
    /// If the images cannot be read, the cut is stopped, or the server is at fault: the other images
    /// would fail alike.
    fn cut(&self, place: usize, image: Result<SetImage, Error>) -> Result<NamedCut, Failure> {
        let image = image.map_err(|error| image_failure(&error))?;
        let name = image.name.as_deref().map(sanitized_path);
        let cut = image.file.map_err(|error| image_failure(&error)).and_then(|file| self.cut_file(place, &file));
        match cut {
            Err(failure) if self.stop.is_stopped() || !is_about_image(&failure) => Err(failure),
            cut => Ok((name, cut)),
        }
    }

    fn cut_file(&self, place: usize, file: &File) -> Result<CutImage, Failure> {
        let scratch = self.scratch.join(format!("image-{place}"));
        fs::create_dir(&scratch).map_err(|error| local_failure(&error))?;
        let job = ImageJob {
            tools: self.tools,
            input: file,
            scratch: &scratch,
            limits: MediaLimits::default(),
            resources: self.resources,
            models: self.models,
        };
        let outcome = clearcut_pipeline::process_image(&job, &self.task, self.stop);
        fs::remove_dir_all(&scratch).map_err(|error| local_failure(&error))?;
        match outcome.map_err(|error| image_failure(&error))? {
            ImageOutcome::Cut(cut) => Ok(*cut),
            ImageOutcome::Background(_) | ImageOutcome::Encoded(_) => {
                Err(Failure::new(FailureCode::ProcessingFailed, "the image could not be processed"))
            }
        }
    }
}

/// Whether a failure says something about the image, and nothing about the next one.
fn is_about_image(failure: &Failure) -> bool {
    match failure.code {
        FailureCode::Cancelled => false,
        FailureCode::ProcessingFailed | FailureCode::Timeout => true,
        code => code.fault() == Fault::Input,
    }
}

/// A source of models that tells when a cut waits for the model, so that the job does not look
/// stalled.
struct ReportingModel<'a> {
    source: &'a dyn ModelSource,
    on_wait: &'a (dyn Fn() + Sync),
}

impl std::fmt::Debug for ReportingModel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReportingModel").field("source", &self.source).finish_non_exhaustive()
    }
}

impl ModelSource for ReportingModel<'_> {
    fn open(&self, keep_waiting: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        self.source.open(&|| {
            (self.on_wait)();
            keep_waiting()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_of_the_server_is_one_of_the_job() {
        let is_about_image = |code| is_about_image(&Failure::new(code, ""));
        for code in [
            FailureCode::InvalidImage,
            FailureCode::NoFlatBackground,
            FailureCode::ProcessingFailed,
            FailureCode::Timeout,
        ] {
            assert!(is_about_image(code), "{code:?}");
        }
        let of_job = [
            FailureCode::Cancelled,
            FailureCode::ModelMissing,
            FailureCode::InsufficientStorage,
            FailureCode::ShortOfResources,
            FailureCode::OutOfMemory,
        ];
        for code in of_job {
            assert!(!is_about_image(code), "{code:?}");
        }
    }
}
