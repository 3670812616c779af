//! Cuts of real clips with the library and the system's ffmpeg.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod backgrounds;
mod clips;
mod colors;
mod containers;
mod crops;
mod cutting;
mod foreground;
mod hevc;
mod inputs;
mod limits;
mod media;
mod outputs;
mod pictures;
mod playback;
mod segments;
mod sound;
mod sprites;
mod stopping;
mod structure;
mod times;
mod tracks;
mod trims;
