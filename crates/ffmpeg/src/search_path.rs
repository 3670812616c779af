//! Where programs are found.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Search path for programs.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    /// The value of `PATH`.
    pub path: OsString,
    /// Path of an ffmpeg that replaces the first one in `path`; ffprobe must lie beside it.
    pub ffmpeg: Option<PathBuf>,
}

impl SearchPath {
    /// The first executable of this name, with symbolic links resolved.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let is_program =
            |path: &Path| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        let override_path = self.ffmpeg.as_deref().filter(|_| program.starts_with("ff"));
        let override_program = override_path
            .map(|ffmpeg| if program == "ffmpeg" { ffmpeg.into() } else { ffmpeg.with_file_name(program) });
        let candidates: Vec<PathBuf> = match override_program {
            Some(path) => vec![path],
            None => std::env::split_paths(&self.path).map(|folder| folder.join(program)).collect(),
        };
        candidates.into_iter().find(|path| is_program(path))?.canonicalize().ok()
    }
}
