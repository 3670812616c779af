//! The folders that the tools may use. Paths are resolved, symbolic links included, before they are
//! compared.

use std::{
    io,
    path::{Path, PathBuf},
};

use clearcut_job::ErrorCode;

use crate::Failure;

/// The folders that the tools may read and write.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Resolved; never empty.
    folders: Vec<PathBuf>,
}

impl Roots {
    /// The folder `first`, from which relative paths are taken, and more folders.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidRequest`] if one does not exist or is no folder.
    pub fn new(first: &Path, more: &[PathBuf]) -> Result<Self, Failure> {
        let resolve = |folder: &Path| match folder.canonicalize() {
            Ok(resolved) if resolved.is_dir() => Ok(resolved),
            Ok(_) => Err(refused_root(folder, "is not a folder")),
            Err(error) => Err(refused_root(folder, &format!("cannot be opened: {}", reason(&error)))),
        };
        let folders = std::iter::once(first).chain(more.iter().map(PathBuf::as_path)).map(resolve);
        Ok(Self { folders: folders.collect::<Result<_, _>>()? })
    }

    /// The folders, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        self.folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Resolved path of an existing file or folder that the argument `field` names.
    ///
    /// # Errors
    /// [`ErrorCode::InputUnreadable`] if it is outside of the folders or cannot be opened.
    pub(crate) fn input(&self, field: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.absolute(text);
        if !self.contain(&path) {
            return Err(self.outside(ErrorCode::InputUnreadable, field, text));
        }
        path.canonicalize().map_err(|error| {
            Failure::new(ErrorCode::InputUnreadable, format!("{text} cannot be opened: {}", reason(&error)))
                .in_field(field, "a file that exists and may be read")
        })
    }

    /// Path for the output that the argument `output` names: an existing folder, a name in one, or, with
    /// a slash at its end, a folder in one that is to be made.
    ///
    /// # Errors
    /// [`ErrorCode::OutputUnwritable`] if it is outside of the folders, or its folder does not
    /// exist.
    pub(crate) fn output(&self, text: &str) -> Result<PathBuf, Failure> {
        let path = self.absolute(text);
        if !self.contain(&path) {
            return Err(self.outside(ErrorCode::OutputUnwritable, "output", text));
        }
        if path.is_dir() {
            return path.canonicalize().map_err(|error| unwritable(text, &reason(&error)));
        }
        let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
            return Err(unwritable(text, "the folder does not exist"));
        };
        let folder = folder.canonicalize().map_err(|_| unwritable(text, "its folder does not exist"))?;
        let named = folder.join(name);
        Ok(if text.ends_with('/') { named.join("") } else { named })
    }

    fn absolute(&self, text: &str) -> PathBuf {
        self.folders[0].join(text)
    }

    /// Whether a path, or its closest folder that exists, is inside of the folders. So nothing is
    /// said about what exists elsewhere.
    fn contain(&self, path: &Path) -> bool {
        let existing = path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        existing.is_some_and(|existing| self.folders.iter().any(|folder| existing.starts_with(folder)))
    }

    fn outside(&self, code: ErrorCode, field: &str, text: &str) -> Failure {
        Failure::new(code, format!("{text} is outside of the folders that this server may use"))
            .in_field(field, format!("a path in {}", self.describe()))
            .with_hint("The user can allow more folders with --root where the server is configured.")
    }
}

fn refused_root(folder: &Path, why: &str) -> Failure {
    Failure::new(ErrorCode::InvalidRequest, format!("the folder {} {why}", folder.display()))
        .with_hint("Give --root folders that exist.")
}

fn unwritable(text: &str, why: &str) -> Failure {
    Failure::new(ErrorCode::OutputUnwritable, format!("{text} cannot be written: {why}"))
        .in_field("output", "an existing folder, or the name of a file or, with a slash at its end, a folder in one")
}

/// Message of the operating system without the error number.
fn reason(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::*;

    /// A folder `allowed` with a clip, beside a folder `secret` with another.
    fn folders() -> (TempDir, Roots) {
        let base = tempfile::tempdir().unwrap();
        for name in ["allowed", "secret"] {
            fs::create_dir(base.path().join(name)).unwrap();
            fs::write(base.path().join(name).join("clip.mp4"), name).unwrap();
        }
        symlink(base.path().join("secret"), base.path().join("allowed/door")).unwrap();
        symlink(base.path().join("secret/clip.mp4"), base.path().join("allowed/link.mp4")).unwrap();
        symlink("clip.mp4", base.path().join("allowed/alias.mp4")).unwrap();
        let roots = Roots::new(&base.path().join("allowed"), &[]).unwrap();
        (base, roots)
    }

    #[test]
    fn paths_inside_are_resolved_and_relative_ones_start_at_the_first_folder() {
        let (base, roots) = folders();
        let allowed = base.path().canonicalize().unwrap().join("allowed");
        let clip = allowed.join("clip.mp4");
        for text in ["clip.mp4", "./clip.mp4", "alias.mp4", "../allowed/clip.mp4", clip.to_str().unwrap()] {
            assert_eq!(roots.input("input", text).unwrap(), clip, "{text}");
        }
        assert_eq!(roots.output("new.webm").unwrap(), allowed.join("new.webm"));
        assert_eq!(roots.output(".").unwrap(), allowed);
        assert_eq!(roots.output("new/").unwrap().as_os_str(), allowed.join("new/").as_os_str());
    }

    #[test]
    fn paths_outside_are_refused_alike_whether_they_exist_or_not() {
        let (base, roots) = folders();
        let secret = base.path().join("secret/clip.mp4");
        let outside = [
            "../secret/clip.mp4",
            "../secret/new/",
            "door/new/",
            "door/clip.mp4",
            "link.mp4",
            "/etc/passwd",
            "/absent",
        ];
        for text in outside.into_iter().chain([secret.to_str().unwrap()]) {
            let failure = roots.input("input", text).unwrap_err();
            assert_eq!(failure.code, ErrorCode::InputUnreadable, "{text}");
            assert!(failure.message.contains("is outside"), "{text}: {failure}");
            let failure = roots.output(text).unwrap_err();
            assert_eq!(failure.code, ErrorCode::OutputUnwritable, "{text}");
            assert!(failure.message.contains("is outside"), "{text}: {failure}");
        }
    }

    #[test]
    fn a_second_folder_is_allowed_too_and_an_absent_one_is_refused() {
        let (base, _) = folders();
        let roots = Roots::new(&base.path().join("allowed"), &[base.path().join("secret")]).unwrap();
        assert!(roots.input("input", "link.mp4").is_ok());
        let failure = Roots::new(&base.path().join("absent"), &[]).unwrap_err();
        assert_eq!(failure.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn what_does_not_exist_inside_is_said_so() {
        let (_base, roots) = folders();
        assert!(roots.input("input", "absent.mp4").unwrap_err().message.contains("no such file"));
        for text in ["absent/new/", "absent/../new/..", "absent/new.webm", ""] {
            let found = roots.output(text);
            let is_refused = found.as_ref().is_err_and(|failure| failure.code == ErrorCode::OutputUnwritable);
            assert!(is_refused || text.is_empty(), "{text:?}: {found:?}");
        }
    }
}
