//! The only place where the environment is read.

use std::path::PathBuf;

use clearcut_ffmpeg::{Error, SandboxPolicy, SearchPath, Tools};

/// Finds ffmpeg on `PATH`, or takes the one that was named.
#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and here")]
pub(crate) fn find_tools(ffmpeg: Option<PathBuf>, policy: SandboxPolicy) -> Result<Tools, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Tools::find(&SearchPath { path, ffmpeg }, policy)
}

/// Where a debug build halts, for tests that kill it there.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and here")]
pub(crate) fn halt_at() -> Option<crate::server::halt::HaltAt> {
    crate::server::halt::HaltAt::from_name(std::env::var("CLEARCUT_TEST_HALT_AT").ok()?.as_str())
}

/// Where names lead in a debug build, for tests of what a hostile name server says.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and here")]
pub(crate) fn scripted_names() -> Option<crate::server::names::ScriptedNames> {
    std::env::var("CLEARCUT_TEST_NAMES").ok().map(|text| crate::server::names::ScriptedNames::parse(&text))
}
