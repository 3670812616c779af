//! Output files of one clip or image: their names, the checks before work, and publishing them whole.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clearcut_job::{ErrorCode, Formats, OutputFormat};
use clearcut_pipeline::OutputReport;
use tempfile::{TempDir, TempPath};

use crate::{
    console::escape_line,
    failure::{Failure, os_message},
};

/// Extension of the cut of an image.
pub(crate) const IMAGE_EXTENSION: &str = "png";

/// Names of the output files of one clip or image.
#[derive(Debug)]
pub(crate) struct Outputs {
    folder: PathBuf,
    stem: OsString,
    overwrite: bool,
}

impl Outputs {
    /// Files named `NAME-cut` beside the clip or in the folder `output`, or the file `output`,
    /// whose extension is replaced by that of each format.
    pub(crate) fn new(input: &Path, output: Option<&Path>, overwrite: bool) -> Result<Self, Failure> {
        let stem_of = |path: &Path| path.file_stem().unwrap_or_default().to_os_string();
        let mut cut_name = stem_of(input);
        cut_name.push("-cut");
        let (folder, stem) = match output {
            None => (input.parent().map(Path::to_path_buf).unwrap_or_default(), cut_name),
            Some(path) if path.is_dir() => (path.to_path_buf(), cut_name),
            Some(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => return Err(missing_folder(path)),
            Some(path) => (path.parent().map(Path::to_path_buf).unwrap_or_default(), stem_of(path)),
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if !folder.is_dir() {
            return Err(missing_folder(&folder));
        }
        Ok(Self { folder, stem, overwrite })
    }

    /// Final path of the output in one format.
    fn path(&self, format: OutputFormat) -> PathBuf {
        self.path_with(format.extension())
    }

    /// Final path of the output with this extension.
    fn path_with(&self, extension: &str) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(".");
        name.push(extension);
        self.folder.join(name)
    }

    /// Checks before any work that no existing file, folder or the clip itself is in the way.
    pub(crate) fn check_free(&self, formats: &Formats, input: &Path) -> Result<(), Failure> {
        self.check_paths(formats.iter().map(|format| self.path(format)), input)
    }

    /// As [`Self::check_free`], for the cut of an image.
    pub(crate) fn check_image_free(&self, input: &Path) -> Result<(), Failure> {
        self.check_paths([self.path_with(IMAGE_EXTENSION)].into_iter(), input)
    }

    fn check_paths(&self, paths: impl Iterator<Item = PathBuf>, input: &Path) -> Result<(), Failure> {
        for path in paths {
            let Ok(meta) = path.symlink_metadata() else { continue };
            if meta.is_dir() {
                let message = format!("{} is a folder", display_path(&path));
                return Err(Failure::output(ErrorCode::OutputExists, message, "Choose another name with -o."));
            }
            if path.canonicalize().ok() == input.canonicalize().ok() {
                let message = format!("{} is the input itself", display_path(&path));
                return Err(Failure::output(ErrorCode::OutputExists, message, "Choose another name with -o."));
            }
            if !self.overwrite {
                return Err(already_exists(&path));
            }
        }
        Ok(())
    }

    /// Hidden scratch folder on the same file system. Dropping it removes it with its contents.
    pub(crate) fn scratch(&self) -> Result<TempDir, Failure> {
        tempfile::Builder::new().prefix(".clearcut-").tempdir_in(&self.folder).map_err(|error| {
            let message =
                format!("the folder {} cannot be written: {}", display_path(&self.folder), os_message(&error));
            Failure::output(ErrorCode::OutputUnwritable, message, "Choose another folder with -o.")
        })
    }

    /// Moves a finished file to its final path atomically.
    pub(crate) fn publish(&self, output: &OutputReport) -> Result<PathBuf, Failure> {
        let to = self.path(output.format);
        let file = TempPath::try_from_path(&output.path).map_err(|error| unwritable(&to, &error))?;
        self.persist(file, to)
    }

    /// Writes the cut of an image, and moves it to its final path atomically.
    pub(crate) fn publish_image(&self, png: &[u8], scratch: &Path) -> Result<PathBuf, Failure> {
        let to = self.path_with(IMAGE_EXTENSION);
        let written = scratch.join("cut.png");
        std::fs::write(&written, png).map_err(|error| unwritable(&to, &error))?;
        let file = TempPath::try_from_path(&written).map_err(|error| unwritable(&to, &error))?;
        self.persist(file, to)
    }

    fn persist(&self, file: TempPath, to: PathBuf) -> Result<PathBuf, Failure> {
        let published = if self.overwrite { file.persist(&to) } else { file.persist_noclobber(&to) };
        match published {
            Ok(()) => Ok(to),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(already_exists(&to)),
            Err(error) => Err(unwritable(&to, &error.error)),
        }
    }
}

fn missing_folder(folder: &Path) -> Failure {
    let message = format!("the folder {} does not exist", display_path(folder));
    Failure::output(ErrorCode::OutputUnwritable, message, "Create it first, or choose another with -o.")
}

fn already_exists(path: &Path) -> Failure {
    let message = format!("{} exists already", display_path(path));
    Failure::output(ErrorCode::OutputExists, message, "Use --force to replace it, or choose another name with -o.")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{} cannot be written: {}", display_path(path), os_message(error));
    Failure::output(ErrorCode::OutputUnwritable, message, "Choose another folder with -o.")
}

fn display_path(path: &Path) -> String {
    escape_line(&path.to_string_lossy())
}
