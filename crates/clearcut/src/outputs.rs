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
    /// The file that the user named, if its extension is that of a format.
    named: Option<PathBuf>,
    overwrite: bool,
}

impl Outputs {
    /// Files named `NAME-cut` beside the clip or in the folder `output`, or the file `output`. The
    /// extension of a format is replaced by that of each other format; another one belongs to the
    /// name, so that no file is written whose name the user did not give.
    pub(crate) fn new(input: &Path, output: Option<&Path>, overwrite: bool) -> Result<Self, Failure> {
        let stem_of = |path: &Path| path.file_stem().unwrap_or_default().to_os_string();
        let mut cut_name = stem_of(input);
        cut_name.push("-cut");
        let mut named = None;
        let (folder, stem) = match output {
            Some(path) if path.as_os_str() == "-" => {
                let message = "standard output cannot be written, because files are checked before they get their name";
                return Err(Failure::usage(message.to_owned(), "Give -o a file name or an existing folder."));
            }
            None => (input.parent().map(Path::to_path_buf).unwrap_or_default(), cut_name),
            Some(path) if path.is_dir() => (path.to_path_buf(), cut_name),
            Some(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => return Err(missing_folder(path)),
            Some(path) => {
                let has_extension_of_format = format_of(path).is_some();
                named = has_extension_of_format.then(|| path.to_path_buf());
                let name = if has_extension_of_format { path.file_stem() } else { path.file_name() };
                let stem = name.unwrap_or_default().to_os_string();
                (path.parent().map(Path::to_path_buf).unwrap_or_default(), stem)
            }
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if !folder.is_dir() {
            return Err(missing_folder(&folder));
        }
        Ok(Self { folder, stem, named, overwrite })
    }

    /// Final paths of the outputs in `formats`, or of the cut of an image.
    pub(crate) fn paths(&self, formats: &Formats, is_image: bool) -> Vec<PathBuf> {
        if is_image {
            return vec![self.image_path()];
        }
        formats.iter().map(|format| self.path(format)).collect()
    }

    /// Final path of the output in one format.
    fn path(&self, format: OutputFormat) -> PathBuf {
        let named = self.named.clone().filter(|path| format_of(path) == Some(format));
        named.unwrap_or_else(|| self.path_with(format.extension()))
    }

    /// Final path of the cut of an image.
    fn image_path(&self) -> PathBuf {
        let is_image = |path: &PathBuf| path.extension().is_some_and(|name| name.eq_ignore_ascii_case(IMAGE_EXTENSION));
        self.named.clone().filter(is_image).unwrap_or_else(|| self.path_with(IMAGE_EXTENSION))
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
        self.check_paths([self.image_path()].into_iter(), input)
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
        let to = self.image_path();
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

/// The format whose extension a file name has.
fn format_of(path: &Path) -> Option<OutputFormat> {
    OutputFormat::from_extension(path.extension()?.to_str()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(output: &str) -> [PathBuf; 3] {
        let outputs = Outputs::new(Path::new("clip.mp4"), Some(Path::new(output)), false).unwrap();
        [outputs.path(OutputFormat::Webm), outputs.path(OutputFormat::Apng), outputs.image_path()]
    }

    #[test]
    fn a_named_file_is_written_under_its_name_and_no_other() {
        assert_eq!(names("./a.webm"), ["./a.webm", "./a.apng", "./a.png"].map(PathBuf::from));
        assert_eq!(names("./A.PNG"), ["./A.webm", "./A.PNG", "./A.PNG"].map(PathBuf::from));
        assert_eq!(names("./keep.v2"), ["./keep.v2.webm", "./keep.v2.apng", "./keep.v2.png"].map(PathBuf::from));
        assert!(Outputs::new(Path::new("clip.mp4"), Some(Path::new("-")), false).is_err());
    }
}
