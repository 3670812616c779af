//! Benchmark that cuts a clip to WebM in a number of segments side by side:
//! `cut_in_segments CLIP SEGMENTS`. Prints the wall time of the cut in seconds.

use std::{fs::File, time::Instant};

use clearcut_ffmpeg::{MediaLimits, SandboxPolicy, SearchPath, Tools};
use clearcut_job::{CutRequest, ErrorCode, OutputFormat};
use clearcut_pipeline::{CutJob, ModelFailure, ModelSource, OpenModel, Resources, Stop, cut};

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
    let [clip, segments] = args.as_slice() else { return Err("CLIP SEGMENTS".into()) };
    #[expect(clippy::disallowed_methods, reason = "an example has no other place to read the environment")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::default())?;
    let scratch = tempfile::tempdir()?;
    let job = CutJob {
        background: None,
        tools: &tools,
        input: &File::open(clip)?,
        request: &CutRequest::new(OutputFormat::Webm),
        scratch: scratch.path(),
        limits: MediaLimits::default(),
        resources: Resources { segments: Some(segments.parse()?), ..Resources::default() },
        models: &NoModel,
    };
    let start = Instant::now();
    let report = cut(&job, &Stop::default(), &mut |_| ())?;
    println!("{} frames in {:.2} s", report.frames, start.elapsed().as_secs_f64());
    Ok(())
}
