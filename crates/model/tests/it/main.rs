//! Integration tests of the model crate through its public interface: real files, the model that
//! setup installs, and both runtimes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod golden;
mod install;
