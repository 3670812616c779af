//! What is in the files, as decoders that are not ours read them.
#![allow(clippy::unwrap_used, reason = "helpers of tests; clippy knows only the tests themselves")]

mod colors;
mod fixture;
mod frames;
mod limits;
