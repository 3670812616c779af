//! Integration tests of the encoders. They read the files back with independent decoders.
#![allow(clippy::unwrap_used, reason = "helpers of tests; clippy knows only the tests themselves")]

mod colors;
mod fixture;
mod frames;
mod gif;
mod limits;
