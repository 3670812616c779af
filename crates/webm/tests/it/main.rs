//! Integration tests of the muxer. They inspect files with an EBML reader of their own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod ebml;
mod file;
