//! Benchmark of the steps in which many workers cut a long clip: `cut_segments_apart CLIP SECONDS
//! FORMATS`, with the length of a segment. Prints the wall time of each step in seconds.

use std::{
    fs::{self, File},
    path::PathBuf,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::{MediaLimits, SandboxPolicy, SearchPath, Tools};
use clearcut_job::{CutRequest, ErrorCode, Formats};
use clearcut_pipeline::{
    CutJob, ModelFailure, ModelSource, OpenModel, Resources, SegmentPolicy, Stop, cut_segment, join_segments,
    plan_segments,
};

/// A source without models.
#[derive(Debug)]
struct NoModel;

impl ModelSource for NoModel {
    fn open(&self, _: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        Err(ModelFailure { code: ErrorCode::ModelMissing, message: "no model".to_owned(), hint: None })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [clip, seconds, formats] = args.as_slice() else { return Err("CLIP SECONDS FORMATS".into()) };
    #[expect(clippy::disallowed_methods, reason = "an example has no other place to read the environment")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::default())?;
    let (scratch, stop) = (tempfile::tempdir()?, Stop::default());
    let (clip, request) = (File::open(clip)?, CutRequest::new(formats.parse::<Formats>()?));
    let job = CutJob {
        tools: &tools,
        input: &clip,
        request: &request,
        scratch: scratch.path(),
        limits: MediaLimits::default(),
        resources: Resources::default(),
        models: &NoModel,
    };
    let mut start = Instant::now();
    let mut took = |step: &str| {
        println!("{step}: {:.2} s", start.elapsed().as_secs_f64());
        start = Instant::now();
    };
    let policy = SegmentPolicy { min_clip: Duration::ZERO, segment: Duration::from_secs(seconds.parse()?) };
    let plan = plan_segments(&job, &policy, &stop, &mut |_| {})?.ok_or("the clip is cut whole")?;
    took("plan");
    let mut folders: Vec<PathBuf> = Vec::new();
    for index in 0..plan.segments().len() {
        let folder = scratch.path().join(format!("segment-{index}"));
        fs::create_dir(&folder)?;
        cut_segment(&CutJob { scratch: &folder, ..job }, &plan, index, &stop, &mut |_| {})?;
        folders.push(folder);
        took("segment");
    }
    join_segments(&job, &plan, &folders, &stop, &mut |_| {})?;
    took("join");
    Ok(())
}
