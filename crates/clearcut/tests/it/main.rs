//! End-to-end tests of the program: the real binary with real ffmpeg and real clips.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod animations;
mod backgrounds;
mod bad_input;
#[path = "../../../pipeline/tests/it/clips.rs"]
mod clips;
mod command_line;
mod documents;
mod hevc_alpha;
mod images;
mod layers;
#[path = "../../../pipeline/tests/it/media.rs"]
mod media;
mod models;
mod outputs;
mod run;
mod services;
mod several_inputs;
mod site;
mod start_faults;
