//! The program as its users meet it: the real binary, real ffmpeg, real clips.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod command_line;
mod layers;
mod media;
mod outputs;
