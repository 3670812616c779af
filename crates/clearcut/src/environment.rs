//! The only place where the environment is read.

use std::path::{Path, PathBuf};

use clearcut_ffmpeg::{Error, SandboxPolicy, SearchPath, Tools};

/// Finds ffmpeg on `PATH`, or takes the one that was named.
#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and here")]
pub(crate) fn find_tools(ffmpeg: Option<PathBuf>, policy: SandboxPolicy) -> Result<Tools, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Tools::find(&SearchPath { path, ffmpeg }, policy)
}

/// Where models are kept if nobody says: the user's data folder.
#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and here")]
pub(crate) fn models_folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.map_or_else(|| PathBuf::from("clearcut-models"), |data| data.join("clearcut/models"))
}

/// Folders that may hold a library of ONNX Runtime: that of the models, that of this program, those of the system.
pub(crate) fn library_folders(models: &Path) -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
    let of_debian = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let system = ["/usr/local/lib", &of_debian, "/usr/lib64", "/usr/lib"].map(PathBuf::from);
    [models.to_path_buf()].into_iter().chain(beside).chain(system).collect()
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
