//! Metrics of the worker: what became of claims, how long they waited and took, stage by stage, and what
//! was made.

use std::time::{Duration, Instant};

use clearcut_job::{Outcome, Stage};
use clearcut_queue::JobPart;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const CLAIMS_ENDED: &str = "clearcut_claims_ended_total";
const QUEUE_WAIT: &str = "clearcut_queue_wait_seconds";
const CLAIM_DURATION: &str = "clearcut_claim_duration_seconds";
const STAGE_DURATION: &str = "clearcut_stage_duration_seconds";
const FRAMES: &str = "clearcut_frames_total";
const OUTPUT_BYTES: &str = "clearcut_output_bytes_total";
const WORKERS_LOST: &str = "clearcut_leases_reaped_total";
const OBJECTS_REMOVED: &str = "clearcut_objects_removed_total";
const INTERACTIVE: &str = "clearcut_interactive_total";

/// Describes the metrics of this crate to the recorder of the process.
pub fn describe_metrics() {
    describe_counter!(CLAIMS_ENDED, "Claims that ended, by part of the job, result, and code of a failure");
    describe_histogram!(QUEUE_WAIT, Unit::Seconds, "Time from when a job or part could be claimed to its claim");
    describe_histogram!(CLAIM_DURATION, Unit::Seconds, "Time from a claim to its end, by part of the job");
    describe_histogram!(STAGE_DURATION, Unit::Seconds, "Time that a claim spent in a stage");
    describe_counter!(FRAMES, "Frames of jobs that this worker completed");
    describe_counter!(OUTPUT_BYTES, Unit::Bytes, "Bytes of outputs that were stored, by format");
    describe_counter!(WORKERS_LOST, "Leases that expired and were taken back, by what became of the job");
    describe_counter!(OBJECTS_REMOVED, "Objects that were removed, by reason: expired or orphan");
    describe_counter!(INTERACTIVE, "Previews and images made while a client waited, by kind and result");
}

/// The part of a job, as a label.
const fn part_label(part: &JobPart) -> &'static str {
    match part {
        JobPart::Whole => "whole",
        JobPart::Segment { .. } => "segment",
        JobPart::Join { .. } => "join",
        JobPart::Lost => "lost",
    }
}

/// A stage, as a label. Its name on the wire is that of the published API.
const fn stage_label(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "starting",
        Stage::Loading => "loading",
        Stage::Cutting => "cutting",
        Stage::Storing => "storing",
    }
}

pub(crate) fn claimed(waited: Duration) {
    histogram!(QUEUE_WAIT).record(waited.as_secs_f64());
}

/// Counts a claim that ended with `result` after `took`. `code` is that of a failure, or empty.
pub(crate) fn ended(part: &JobPart, (result, code): (&'static str, &'static str), took: Duration) {
    let part = part_label(part);
    counter!(CLAIMS_ENDED, "part" => part, "result" => result, "code" => code).increment(1);
    histogram!(CLAIM_DURATION, "part" => part).record(took.as_secs_f64());
}

/// Counts what a completed job made.
pub(crate) fn made(outcome: &Outcome) {
    counter!(FRAMES).increment(outcome.measured.frames());
    for output in &outcome.outputs {
        counter!(OUTPUT_BYTES, "format" => output.format.name()).increment(output.size_bytes);
    }
}

pub(crate) fn reaped(has_failed: bool) {
    counter!(WORKERS_LOST, "job" => if has_failed { "failed" } else { "requeued" }).increment(1);
}

pub(crate) fn removed(reason: &'static str, objects: usize) {
    counter!(OBJECTS_REMOVED, "reason" => reason).increment(objects as u64);
}

/// Counts a preview or an image.
pub(crate) fn interactive(kind: &'static str, result: &'static str) {
    counter!(INTERACTIVE, "kind" => kind, "result" => result).increment(1);
}

/// Clock of the stages of one claim.
#[derive(Debug)]
pub(crate) struct StageClock {
    stage: Stage,
    since: Instant,
}

impl StageClock {
    pub(crate) fn new(stage: Stage) -> Self {
        Self { stage, since: Instant::now() }
    }

    /// Notes that the claim is in `stage`; if it was in another one, that has ended.
    pub(crate) fn enter(&mut self, stage: Stage) {
        if stage != self.stage {
            let left = std::mem::replace(self, Self::new(stage));
            left.record();
        }
    }

    /// The claim has ended, and with it its stage.
    pub(crate) fn record(&self) {
        histogram!(STAGE_DURATION, "stage" => stage_label(self.stage)).record(self.since.elapsed().as_secs_f64());
    }
}
