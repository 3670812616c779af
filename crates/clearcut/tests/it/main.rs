//! End-to-end tests of the program: the real binary with real ffmpeg and real clips.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bad_input;
mod clips;
mod command_line;
mod documents;
mod input_kinds;
mod layers;
mod media;
mod models;
mod outputs;
mod run;
