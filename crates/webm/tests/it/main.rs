//! What is in the files, read by a reader of EBML that is not the writer's.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod ebml;
mod file;
