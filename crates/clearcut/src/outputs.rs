use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clearcut_job::{Formats, OutputFormat};
use clearcut_pipeline::OutputReport;
use tempfile::{TempDir, TempPath};

use crate::{
    failure::{Failure, plain},
    show::on_one_line,
};

/// Where the files of one clip will stand.
#[derive(Debug)]
pub(crate) struct Outputs {
    folder: PathBuf,
    stem: OsString,
    replaces: bool,
}

impl Outputs {
    /// Beside the clip as `NAME-cut`, in the folder `asked`, or as the file `asked` (whose extension is replaced by each format's).
    pub(crate) fn new(input: &Path, asked: Option<&Path>, replaces: bool) -> Result<Self, Failure> {
        let named = |path: &Path| path.file_stem().unwrap_or_default().to_os_string();
        let mut cut_name = named(input);
        cut_name.push("-cut");
        let (folder, stem) = match asked {
            None => (input.parent().map(Path::to_path_buf).unwrap_or_default(), cut_name),
            Some(path) if path.is_dir() => (path.to_path_buf(), cut_name),
            Some(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => return Err(missing(path)),
            Some(path) => (path.parent().map(Path::to_path_buf).unwrap_or_default(), named(path)),
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if !folder.is_dir() {
            return Err(missing(&folder));
        }
        Ok(Self { folder, stem, replaces })
    }

    /// The final name of one format.
    pub(crate) fn path(&self, format: OutputFormat) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(".");
        name.push(format.extension());
        self.folder.join(name)
    }

    /// Refuses before any work if a file is in the way.
    pub(crate) fn check_free(&self, formats: &Formats, input: &Path) -> Result<(), Failure> {
        for path in formats.iter().map(|format| self.path(format)) {
            let Ok(meta) = path.symlink_metadata() else { continue };
            if meta.is_dir() {
                let message = format!("{} is a folder", shown(&path));
                return Err(Failure::output("OUTPUT_EXISTS", message, "Choose another name with -o."));
            }
            if path.canonicalize().ok() == input.canonicalize().ok() {
                let message = format!("{} is the clip itself", shown(&path));
                return Err(Failure::output("OUTPUT_EXISTS", message, "Choose another name with -o."));
            }
            if !self.replaces {
                return Err(exists(&path));
            }
        }
        Ok(())
    }

    /// A hidden folder on the same file system, removed with everything in it when dropped.
    pub(crate) fn scratch(&self) -> Result<TempDir, Failure> {
        tempfile::Builder::new().prefix(".clearcut-").tempdir_in(&self.folder).map_err(|error| {
            let message = format!("the folder {} cannot be written: {}", shown(&self.folder), plain(&error));
            Failure::output("OUTPUT_UNWRITABLE", message, "Choose another folder with -o.")
        })
    }

    /// Gives a finished file its final name, at once and whole.
    pub(crate) fn publish(&self, output: &OutputReport) -> Result<PathBuf, Failure> {
        let to = self.path(output.format);
        let file = TempPath::try_from_path(&output.path).map_err(|error| unwritable(&to, &error))?;
        let published = if self.replaces { file.persist(&to) } else { file.persist_noclobber(&to) };
        match published {
            Ok(()) => Ok(to),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(&to)),
            Err(error) => Err(unwritable(&to, &error.error)),
        }
    }
}

fn missing(folder: &Path) -> Failure {
    let message = format!("the folder {} does not exist", shown(folder));
    Failure::output("OUTPUT_UNWRITABLE", message, "Make it first, or choose another with -o.")
}

fn exists(path: &Path) -> Failure {
    let message = format!("{} exists already", shown(path));
    Failure::output("OUTPUT_EXISTS", message, "Use --force to replace it, or choose another name with -o.")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{} cannot be written: {}", shown(path), plain(error));
    Failure::output("OUTPUT_UNWRITABLE", message, "Choose another folder with -o.")
}

fn shown(path: &Path) -> String {
    on_one_line(&path.to_string_lossy())
}
