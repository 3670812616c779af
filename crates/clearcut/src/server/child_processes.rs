//! Child processes of a server that was killed: a watcher process ends them, and the next start
//! ends the rest.

use std::{io, os::unix::fs::MetadataExt as _, path::Path};

use clearcut_ffmpeg::{Watch, end_marked};

/// Mark of the child processes of one server run, and the watcher of these processes.
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
    let mark = format!("{prefix}{:016x}", getrandom::u64().map_err(io::Error::other)?);
    let watch = std::env::current_exe().and_then(|program| Watch::start(&program, &["watch-children", &mark]));
    if let Err(error) = &watch {
        tracing::warn!(%error, "the watcher of child processes could not be started; if the server is killed, its next start ends them");
    }
    Ok(MarkedChildren { mark, _watch: watch.ok() })
}
