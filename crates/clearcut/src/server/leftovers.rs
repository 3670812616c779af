//! Processes that a server leaves behind when it is killed: one beside it ends them, and the next start ends what is left.

use std::{io, os::unix::fs::MetadataExt as _, path::Path};

use clearcut_ffmpeg::{Watch, end_marked};

/// The mark of the children of one start, and the process that watches over them.
pub(crate) struct Marked {
    pub(crate) mark: String,
    _watch: Option<Watch>,
}

/// Ends what earlier starts on `data` left behind, and has the children of this one watched. Call it with the folder's lock in hand.
pub(crate) fn mark_children(data: &Path) -> io::Result<Marked> {
    let folder = data.metadata()?;
    let place = format!("{:x}.{:x}-", folder.dev(), folder.ino());
    let ended = end_marked(|mark| mark.starts_with(&place));
    if ended > 0 {
        tracing::warn!(ended, "processes that an earlier start left behind were ended");
    }
    let mark = format!("{place}{:016x}", getrandom::u64().map_err(io::Error::other)?);
    let watch = std::env::current_exe().and_then(|program| Watch::start(&program, &["watch-children", &mark]));
    if let Err(error) = &watch {
        tracing::warn!(%error, "nobody watches over child processes; should the server be killed, its next start ends them");
    }
    Ok(Marked { mark, _watch: watch.ok() })
}
