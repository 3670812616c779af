//! The [`Cutter`] of a server: makes the cuts of jobs with the pipeline.

use std::{
    fs::{self, File},
    sync::Arc,
};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{CutRequest, CutStep, Failure, JobRequest, MeasuredClip};
use clearcut_pipeline::{CutJob, CutReport, ModelSource, Resources, Stop};

use crate::{
    CutFile, CutOrder, CutOutcome, Cutter,
    failure::{cut_failure, local_failure},
    image_batch::cut_images,
};

/// Cutter that runs the same pipeline as `clearcut cut`, for clips and for images.
#[derive(Debug)]
pub struct PipelineCutter {
    /// The ffmpeg to use.
    pub tools: Tools,
    /// Source of the neural model, if a cut needs one.
    pub models: Arc<dyn ModelSource + Send>,
    /// Resources of one cut.
    pub resources: Resources,
}

impl Cutter for PipelineCutter {
    fn cut(
        &self,
        order: &CutOrder,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure> {
        let cut = match &order.request {
            JobRequest::Clip(request) => self.cut_clip((order, request), stop, progress),
            JobRequest::Images(request) => {
                let means = (&self.tools, self.models.as_ref() as &dyn ModelSource, self.resources);
                cut_images(means, (order, request), stop, progress)
            }
        };
        cut.map_err(|failure| match fs::metadata(&order.scratch) {
            // A missing scratch folder is the cause of any other error.
            Err(scratch_error) => local_failure(&scratch_error),
            Ok(_) => failure,
        })
    }
}

impl PipelineCutter {
    fn cut_clip(
        &self,
        (order, request): (&CutOrder, &CutRequest),
        stop: &Stop,
        progress: &mut dyn FnMut(CutStep),
    ) -> Result<CutOutcome, Failure> {
        let input = File::open(&order.input).map_err(|error| local_failure(&error))?;
        let job = CutJob {
            tools: &self.tools,
            input: &input,
            request,
            scratch: &order.scratch,
            limits: MediaLimits::default(),
            resources: self.resources,
            models: self.models.as_ref(),
        };
        let report = clearcut_pipeline::cut(&job, stop, progress);
        report.map(outcome).map_err(|error| cut_failure(&error))
    }
}

fn outcome(report: CutReport) -> CutOutcome {
    let fps = report.frame_rate.per_second();
    CutOutcome {
        measured: MeasuredClip {
            width: report.size.width(),
            height: report.size.height(),
            frames: report.frames,
            fps,
            source_fps: Some(report.source.frame_rate.per_second()),
            duration_secs: report.frames as f64 / fps,
            method: report.method,
            reason: Some(report.reason),
            model: report.model,
            background: report.key_color,
            report: Some(report.matte),
            notes: report.notes,
            alpha_checks: report.outputs.iter().map(|output| (output.format, output.alpha_check)).collect(),
        }
        .into(),
        files: report.outputs.into_iter().map(|file| CutFile { format: file.format.into(), path: file.path }).collect(),
    }
}
