//! Models as their users meet them: real files, the real model that setup installs, both runtimes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod golden;
mod install;
