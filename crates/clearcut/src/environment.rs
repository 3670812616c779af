//! Access to environment variables. No other module reads them directly; clap reads those of its
//! flags.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clearcut_ffmpeg::{Error, SandboxPolicy, SearchPath, Tools};

/// Finds ffmpeg on `PATH`, or uses the given one. This program itself unpacks what ffmpeg cannot
/// read.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn find_tools(ffmpeg: Option<PathBuf>, policy: SandboxPolicy) -> Result<Tools, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Tools::find(&SearchPath { path, ffmpeg }, policy)?;
    Ok(match std::env::current_exe() {
        Ok(program) => tools.with_unpacker(program),
        Err(_) => tools,
    })
}

/// The variables of the AWS tools: credentials, region and endpoint of the S3-compatible store. Empty ones
/// count as unset.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn aws_variables() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
}

/// Address of an S3-compatible store that is none of AWS.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn aws_endpoint() -> Option<String> {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Base URL of links to outputs, as a server takes it.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn public_url() -> Option<String> {
    std::env::var("CLEARCUT_PUBLIC_URL").ok()
}

/// A variable of libpq, PostgreSQL's client library.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn libpq_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether `text` is, or ends, an argument of this process. The system shows arguments to all users.
pub(crate) fn is_argument(text: &str) -> bool {
    std::env::args_os().any(|argument| argument.to_string_lossy().ends_with(text))
}

/// Default folder of models: `clearcut/models` in the user's data folder.
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn models_folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.map_or_else(|| PathBuf::from("clearcut-models"), |data| data.join("clearcut/models"))
}

/// Folders that may contain an ONNX Runtime library: the models' folder, the program's folder, and
/// the system's library folders.
pub(crate) fn library_folders(models: &Path) -> Vec<PathBuf> {
    let program_folder = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
    let debian = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let system = ["/usr/local/lib", &debian, "/usr/lib64", "/usr/lib"].map(PathBuf::from);
    [models.to_path_buf()].into_iter().chain(program_folder).chain(system).collect()
}

/// Moment at which a debug build halts, for tests that kill it there. Set by
/// `CLEARCUT_TEST_HALT_AT`.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn halt_at() -> Option<clearcut_queue::HaltAt> {
    clearcut_queue::HaltAt::from_name(std::env::var("CLEARCUT_TEST_HALT_AT").ok()?.as_str())
}

/// Scripted name resolution of a debug build, for tests that play a hostile name server. Set by
/// `CLEARCUT_TEST_NAMES`.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
pub(crate) fn scripted_names() -> Option<crate::server::scripted_names::ScriptedNames> {
    std::env::var("CLEARCUT_TEST_NAMES").ok().map(|text| crate::server::scripted_names::ScriptedNames::parse(&text))
}
