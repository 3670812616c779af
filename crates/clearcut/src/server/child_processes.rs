//! Child processes of a server that was killed, of the API or of assistants: a watcher process ends them,
//! and the next start of one with a data folder ends the rest.

use std::{io, os::unix::fs::MetadataExt as _, path::Path};

use clearcut_ffmpeg::{Watch, end_marked};

/// Mark of the child processes of one run, and the watcher of these processes.
pub(crate) struct MarkedChildren {
    pub(crate) mark: String,
    _watch: Option<Watch>,
}

/// Ends the child processes that earlier runs on `data` left behind, and starts a watcher for those
/// of this run. The caller must hold the folder's lock.
pub(crate) fn mark_children(data: &Path) -> io::Result<MarkedChildren> {
    let folder = data.metadata()?;
    let prefix = format!("{:x}.{:x}-", folder.dev(), folder.ino());
    let ended = end_marked(|mark| mark.starts_with(&prefix));
    if ended > 0 {
        tracing::warn!(ended, "processes left behind by an earlier run were ended");
    }
    mark_with(&prefix)
}

/// Starts a watcher for the child processes of this process, which has no data folder.
pub(crate) fn mark_own_children() -> io::Result<MarkedChildren> {
    mark_with(&format!("{:x}-", std::process::id()))
}

fn mark_with(prefix: &str) -> io::Result<MarkedChildren> {
    let mark = format!("{prefix}{:016x}", getrandom::u64().map_err(io::Error::other)?);
    let watch = std::env::current_exe().and_then(|program| Watch::start(&program, &["watch-children", &mark]));
    if let Err(error) = &watch {
        tracing::warn!(%error, "the watcher of child processes could not be started; if this process is killed, some may stay");
    }
    Ok(MarkedChildren { mark, _watch: watch.ok() })
}
