//! The [`Cutter`] of a server: makes the cuts of jobs with the pipeline.

use std::{
    fs::{self, File},
    num::NonZeroU64,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{CutRequest, CutStep, Failure, FailureCode, JobRequest, MeasuredClip};
use clearcut_pipeline::{
    CutJob, CutReport, Error, ModelSource, Resources, SegmentPlan, SegmentPolicy, Stop, cut_segment, join_segments,
    plan_segments,
};

use crate::{
    CutFile, CutOrder, CutOutcome, CutPlan, Cutter,
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
            JobRequest::Clip(request) => {
                self.with_clip((order, request), |job| clearcut_pipeline::cut(job, stop, progress).map(outcome))
            }
            JobRequest::Images(request) => {
                let means = (&self.tools, self.models.as_ref() as &dyn ModelSource, self.resources);
                cut_images(means, (order, request), stop, progress)
            }
        };
        blame_missing_scratch(order, cut)
    }

    fn plan(
        &self,
        order: &CutOrder,
        min_clip: Duration,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<Option<CutPlan>, Failure> {
        let JobRequest::Clip(request) = &order.request else { return Ok(None) };
        // So that the shortest clip that is split has two segments.
        let policy = SegmentPolicy { min_clip, segment: min_clip / 2 };
        let planned = self.with_clip((order, request), |job| {
            let plan = plan_segments(job, &policy, stop, progress)?;
            plan.map(|plan| Ok(CutPlan { json: plan.to_json()?, frames: frames_of(&plan) })).transpose()
        });
        blame_missing_scratch(order, planned)
    }

    fn can_read(&self, plan: &[u8]) -> bool {
        !matches!(SegmentPlan::from_json(plan), Err(Error::PlanVersion { .. }))
    }

    fn cut_segment(
        &self,
        order: &CutOrder,
        plan: &[u8],
        index: usize,
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<(), Failure> {
        let JobRequest::Clip(request) = &order.request else { return Err(not_a_clip()) };
        let cut = self
            .with_clip((order, request), |job| cut_segment(job, &SegmentPlan::from_json(plan)?, index, stop, progress));
        blame_missing_scratch(order, cut)
    }

    fn join(
        &self,
        order: &CutOrder,
        plan: &[u8],
        segments: &[PathBuf],
        stop: &Stop,
        progress: &mut (dyn FnMut(CutStep) + Send),
    ) -> Result<CutOutcome, Failure> {
        let JobRequest::Clip(request) = &order.request else { return Err(not_a_clip()) };
        let joined = self.with_clip((order, request), |job| {
            join_segments(job, &SegmentPlan::from_json(plan)?, segments, stop, progress).map(outcome)
        });
        blame_missing_scratch(order, joined)
    }
}

impl PipelineCutter {
    /// Runs `work` on the clip of an order.
    fn with_clip<T>(
        &self,
        (order, request): (&CutOrder, &CutRequest),
        work: impl FnOnce(&CutJob<'_>) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let input = File::open(&order.input).map_err(|error| local_failure(&error))?;
        let background =
            order.background.as_ref().map(File::open).transpose().map_err(|error| local_failure(&error))?;
        let job = CutJob {
            tools: &self.tools,
            input: &input,
            background: background.as_ref(),
            request,
            scratch: &order.scratch,
            limits: MediaLimits::default(),
            resources: self.resources,
            models: self.models.as_ref(),
        };
        work(&job).map_err(|error| cut_failure(&error))
    }
}

/// A missing scratch folder is the cause of any other error.
fn blame_missing_scratch<T>(order: &CutOrder, worked: Result<T, Failure>) -> Result<T, Failure> {
    worked.map_err(|failure| match fs::metadata(&order.scratch) {
        Err(scratch_error) => local_failure(&scratch_error),
        Ok(_) => failure,
    })
}

fn frames_of(plan: &SegmentPlan) -> Vec<NonZeroU64> {
    plan.segments().iter().filter_map(|segment| NonZeroU64::new(segment.end - segment.start)).collect()
}

/// Only clips are split, so only a damaged database asks for a segment of images.
fn not_a_clip() -> Failure {
    Failure::new(FailureCode::ProcessingFailed, "only a clip has segments")
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
            crop: report.crop.map(|rect| rect.to_string()),
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
