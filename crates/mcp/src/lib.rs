//! Cuts for AI assistants: a server of the Model Context Protocol over standard input and output.
//!
//! The tools work on local files, inside of the folders that [`Roots`] allows. The work itself
//! comes in as a [`Cutter`]; this crate has the protocol, the schemas of arguments and results, and
//! the cuts that run in the background. [`serve`] is the entry point.

mod arguments;
mod background;
mod cut_arguments;
mod cutter;
mod failure;
mod job_status;
mod jobs;
mod matte_arguments;
mod presets;
mod results;
mod roots;
mod schema;
mod serve;
mod tools;
mod words;

pub use cutter::{CutOrder, Cutter, FinishedCut, FinishedImage, ImageOrder, MeasuredBackground, Probed, ProbedImage};
pub use failure::Failure;
pub use roots::Roots;
pub use serve::{Error, serve};
