//! The only place where the environment is read.

use std::path::PathBuf;

use clearcut_ffmpeg::{Error, SandboxPolicy, SearchPath, Tools};

/// Finds ffmpeg on `PATH`, or takes the one that was named.
#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and here")]
pub(crate) fn find_tools(ffmpeg: Option<PathBuf>, policy: SandboxPolicy) -> Result<Tools, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Tools::find(&SearchPath { path, ffmpeg }, policy)
}
