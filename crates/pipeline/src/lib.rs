//! The cut of a clip to transparent files: one decode, one matte, all requested formats encoded at
//! the same time.
//!
//! [`cut`] is the entry point. It blocks, depends on no particular model and no database, and is
//! the same for the command line and a server:
//!
//! ```text
//! probe → survey (sample, measure the background) → decode → matte ─┬→ encode → check
//!                                                                  ├→ encode → check
//!                                                                  └→ …
//! ```
//!
//! A long clip is cut in segments: side by side by [`cut`] where a machine has the cores for it, or
//! by many machines with [`plan_segments`], [`cut_segment`] and [`join_segments`].
//!
//! What a cut has to know of all frames before it encodes the first one, the box of the subject and the
//! seam of a loop, a scan of small frames finds first.
//!
//! The user's hints are first tracked through small frames of the whole clip, so that they also
//! apply to frames before their own. If the background is not flat, or a model was requested, a
//! model opened by a [`ModelSource`] replaces the key. [`Moment`] previews one frame of a cut: the
//! same survey and the same matting, applied to one frame and its neighbors.
//!
//! ```
//! use std::fs::File;
//!
//! use clearcut_ffmpeg::{MediaLimits, SandboxPolicy, SearchPath, Tools};
//! use clearcut_job::{CutRequest, ErrorCode, OutputFormat};
//! use clearcut_pipeline::{CutJob, ModelFailure, ModelSource, OpenModel, Resources, Stop, cut};
//!
//! /// For flat backgrounds, no model is needed.
//! #[derive(Debug)]
//! struct NoModel;
//!
//! impl ModelSource for NoModel {
//!     fn open(&self, _: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
//!         let code = ErrorCode::ModelMissing;
//!         Err(ModelFailure { code, message: "no model".into(), hint: None })
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = std::env::var_os("PATH").unwrap_or_default();
//! let tools = Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::Auto)?;
//! let request = CutRequest { size: Some("128".parse()?), ..CutRequest::new(OutputFormat::Webm) };
//! let scratch = tempfile::tempdir()?;
//! let job = CutJob {
//!     background: None,
//!     tools: &tools,
//!     input: &File::open("../../samples/mascot.mp4")?,
//!     request: &request,
//!     scratch: scratch.path(),
//!     limits: MediaLimits::default(),
//!     resources: Resources::default(),
//!     models: &NoModel,
//! };
//! let report = cut(&job, &Stop::default(), &mut |step| println!("{step:?}"))?;
//! assert_eq!(report.frames, 66);
//! assert!(report.outputs[0].path.ends_with("webm.webm"));
//! # Ok(())
//! # }
//! ```

mod backdrop;
mod children;
mod crop;
mod cut;
mod cut_job;
mod error;
mod frame_log;
mod image;
mod kept_frames;
mod kept_model;
mod limit;
mod margins;
mod matte_log;
mod method;
mod model_source;
mod moment;
mod notes;
mod part;
mod picture_log;
mod plan;
mod preset;
mod probe;
mod progress;
mod quality;
mod report;
mod run;
mod scan;
mod segments;
mod shrink;
mod stages;
mod still;
mod stop;
mod threads;

pub use clearcut_matte::{ModelError, ModelInput, SegmentationModel};
pub use cut::cut;
pub use cut_job::CutJob;
pub use error::{BackgroundFinding, Error};
pub use image::{ImageJob, ImageSet, SetImage, process_image, process_image_in_budget};
pub use kept_model::KeptModel;
pub use model_source::{ModelFailure, ModelSource, OpenModel};
pub use moment::Moment;
pub use plan::Resources;
pub use report::{CutReport, KeptLimit, LoweredQuality, OutputReport};
pub use segments::{SegmentPlan, SegmentPolicy, cut_segment, join_segments, plan_segments};
pub use stop::Stop;
