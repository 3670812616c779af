//! Output files of one clip or image: their names, the checks before work, and publishing them whole.

use std::{
    ffi::OsString,
    fs::{File, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use clearcut_job::{ErrorCode, Formats, OutputFormat};
use clearcut_pipeline::OutputReport;
use tempfile::{TempDir, TempPath};

use crate::{
    console::escape_line,
    failure::{Failure, os_message},
    stream,
};

/// Extension of the cut of an image.
pub(crate) const IMAGE_EXTENSION: &str = "png";

/// Names of the output files of one clip or image.
#[derive(Debug)]
pub(crate) struct Outputs {
    folder: PathBuf,
    stem: OsString,
    /// The file that the user named, and what it is.
    named: Option<(PathBuf, Kind)>,
    /// Standard output, a pipe or a device, which takes the one file in place of a name.
    stream: Option<PathBuf>,
    overwrite: bool,
}

/// What an output file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Clip(OutputFormat),
    /// The cut of an image.
    Image,
}

impl Kind {
    const fn extension(self) -> &'static str {
        match self {
            Self::Clip(format) => format.extension(),
            Self::Image => IMAGE_EXTENSION,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Clip(format) => format.suffix(),
            Self::Image => "",
        }
    }

    fn has_extension(self, extension: &str) -> bool {
        match self {
            Self::Clip(format) => format.has_extension(extension),
            Self::Image => extension.eq_ignore_ascii_case(IMAGE_EXTENSION),
        }
    }
}

impl Outputs {
    /// The files of a clip in `formats`, named `NAME-cut` beside the clip or in the folder `output`,
    /// or the file `output`. A folder that ends with a slash need not exist. If the file has an
    /// extension, it must be that of one of the formats; the others have the same name with their
    /// own. If it is that of two formats, the one without a suffix has the name. A [stream] takes one
    /// file.
    pub(crate) fn of_clip(
        input: &Path,
        output: Option<&Path>,
        formats: &Formats,
        overwrite: bool,
    ) -> Result<Self, Failure> {
        let kinds: Vec<Kind> = formats.iter().map(Kind::Clip).collect();
        Self::new(input, output, &kinds, overwrite)
    }

    /// The file of an image: as [`Self::of_clip`], as a PNG.
    pub(crate) fn of_image(input: &Path, output: Option<&Path>, overwrite: bool) -> Result<Self, Failure> {
        Self::new(input, output, &[Kind::Image], overwrite)
    }

    fn new(input: &Path, output: Option<&Path>, kinds: &[Kind], overwrite: bool) -> Result<Self, Failure> {
        let mut cut_name = input.file_stem().unwrap_or_default().to_os_string();
        cut_name.push("-cut");
        if let Some(output) = output.filter(|output| stream::is_stream(output)) {
            stream::check(output, kinds.len())?;
            let (folder, stream) = (std::env::temp_dir(), Some(output.to_path_buf()));
            return Ok(Self { folder, stem: cut_name, named: None, stream, overwrite });
        }
        let mut named = None;
        let (folder, stem) = match output {
            None => (input.parent().map(Path::to_path_buf).unwrap_or_default(), cut_name),
            Some(path) if names_folder(path) => (path.to_path_buf(), cut_name),
            Some(path) => {
                let stem = match path.extension() {
                    Some(extension) => {
                        let kind = extension.to_str().and_then(|extension| kind_of_name(kinds, extension));
                        let Some(kind) = kind else { return Err(unfit(path, kinds)) };
                        named = Some((path.to_path_buf(), kind));
                        path.file_stem()
                    }
                    None => path.file_name(),
                };
                (path.parent().map(Path::to_path_buf).unwrap_or_default(), stem.unwrap_or_default().to_os_string())
            }
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if !folder.is_dir() && !output.is_some_and(names_folder) {
            return Err(missing_folder(&folder));
        }
        Ok(Self { folder, stem, named, stream: None, overwrite })
    }

    /// Refuses a stream, for who may name files alone.
    pub(crate) fn only_files(self) -> Result<Self, Failure> {
        match &self.stream {
            Some(stream) => {
                let message = format!("{} is not a file", display_path(stream));
                Err(Failure::output(ErrorCode::OutputUnwritable, message, "Choose another name with -o."))
            }
            None => Ok(self),
        }
    }

    /// Final paths of the outputs in `formats`.
    pub(crate) fn paths(&self, formats: &Formats) -> Vec<PathBuf> {
        formats.iter().map(|format| self.path(Kind::Clip(format))).collect()
    }

    /// Final path of the cut of an image.
    pub(crate) fn image_path(&self) -> PathBuf {
        self.path(Kind::Image)
    }

    /// Final path of one output.
    fn path(&self, kind: Kind) -> PathBuf {
        if let Some(stream) = &self.stream {
            return stream.clone();
        }
        let named = self.named.as_ref().filter(|(_, named)| *named == kind);
        named.map_or_else(|| self.path_with(kind.suffix(), kind.extension()), |(path, _)| path.clone())
    }

    /// Final path of the output with this suffix and extension.
    fn path_with(&self, suffix: &str, extension: &str) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(suffix);
        name.push(".");
        name.push(extension);
        self.folder.join(name)
    }

    /// Checks before any work that no existing file, folder or the clip itself is in the way.
    pub(crate) fn check_free(&self, formats: &Formats, input: &Path) -> Result<(), Failure> {
        self.check_paths(self.paths(formats).into_iter(), input)
    }

    /// As [`Self::check_free`], for the cut of an image.
    pub(crate) fn check_image_free(&self, input: &Path) -> Result<(), Failure> {
        self.check_paths([self.image_path()].into_iter(), input)
    }

    /// Checks before any work that no path is the open file of the new background.
    pub(crate) fn check_not_background(&self, formats: &Formats, background: &File) -> Result<(), Failure> {
        let id = |meta: Metadata| (meta.dev(), meta.ino());
        let read = background.metadata().map(id).ok();
        match self.paths(formats).into_iter().find(|path| read.is_some() && path.metadata().map(id).ok() == read) {
            Some(path) => {
                let message = format!("{} is the background itself", display_path(&path));
                Err(Failure::output(ErrorCode::OutputExists, message, "Choose another name with -o."))
            }
            None => Ok(()),
        }
    }

    /// Checks before any work that no path is one of `inputs`, however it is spelt.
    pub(crate) fn check_no_input<'a>(
        paths: &[PathBuf],
        inputs: &(impl Iterator<Item = &'a Path> + Clone),
    ) -> Result<(), Failure> {
        for path in paths {
            let Ok(resolved) = path.canonicalize() else { continue };
            if inputs.clone().any(|input| input.canonicalize().is_ok_and(|input| input == resolved)) {
                let message = format!("{} is an input of this command", display_path(path));
                return Err(Failure::output(ErrorCode::OutputExists, message, "Choose another folder with -o."));
            }
        }
        Ok(())
    }

    fn check_paths(&self, paths: impl Iterator<Item = PathBuf>, input: &Path) -> Result<(), Failure> {
        if self.stream.is_some() {
            return Ok(());
        }
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

    /// Hidden scratch folder on the same file system, in the folder of the outputs, or in the closest
    /// that exists above it: a cut that fails makes no folder. Dropping it removes it with its contents.
    pub(crate) fn scratch(&self) -> Result<TempDir, Failure> {
        // Without its slash, a file in the way is found too.
        let mut folders = self.folder.components().as_path().ancestors();
        let existing = folders.find(|folder| folder.symlink_metadata().is_ok());
        let existing = existing.unwrap_or(Path::new("."));
        tempfile::Builder::new().prefix(".clearcut-").tempdir_in(existing).map_err(|error| {
            let message = format!("the folder {} cannot be written: {}", display_path(existing), os_message(&error));
            Failure::output(ErrorCode::OutputUnwritable, message, "Choose another folder with -o.")
        })
    }

    /// Moves a finished file to its final path atomically.
    pub(crate) fn publish(&self, output: &OutputReport) -> Result<PathBuf, Failure> {
        let to = self.path(Kind::Clip(output.format));
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
        if let Some(stream) = &self.stream {
            stream::write(&file, stream)?;
            return Ok(to);
        }
        std::fs::create_dir_all(&self.folder).map_err(|error| unwritable(&to, &error))?;
        let published = if self.overwrite { file.persist(&to) } else { file.persist_noclobber(&to) };
        match published {
            Ok(()) => Ok(to),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(already_exists(&to)),
            Err(error) => Err(unwritable(&to, &error.error)),
        }
    }
}

/// Which of `kinds` a file with this extension is: `.mp4` and `.png` are those of two formats, and mean
/// the one without a suffix if it is among them.
fn kind_of_name(kinds: &[Kind], extension: &str) -> Option<Kind> {
    let fitting = kinds.iter().copied().filter(|kind| kind.has_extension(extension));
    fitting.min_by_key(|kind| !kind.suffix().is_empty())
}

/// Whether `output` is a folder, or by its slash is to be one.
pub(crate) fn names_folder(output: &Path) -> bool {
    output.is_dir() || output.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The failure of a name whose extension is that of no requested output.
fn unfit(path: &Path, kinds: &[Kind]) -> Failure {
    let shown = display_path(path);
    let fitting = kinds.iter().map(|kind| format!(".{}", kind.extension())).collect::<Vec<_>>().join(" or ");
    let known = path.extension().and_then(|name| OutputFormat::from_extension(name.to_str()?, false));
    if let Some(format) = known {
        let message = format!("{shown} has the extension of {format}, which is not among the outputs");
        return Failure::usage(message, &format!("Give it {fitting}, or name {format} with --formats."));
    }
    let of_formats = OutputFormat::ALL.map(|format| format!(".{} ({format})", format.extension())).join(", ");
    let message = format!("{shown} has the extension of no format");
    Failure::usage(message, &format!("Formats have these: {of_formats}. A folder ends with a slash."))
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

    fn outputs(output: &str, formats: &str) -> Result<Outputs, Failure> {
        Outputs::of_clip(Path::new("clip.mp4"), Some(Path::new(output)), &formats.parse().unwrap(), false)
    }

    fn names(output: &str, formats: &str) -> Vec<PathBuf> {
        outputs(output, formats).unwrap().paths(&formats.parse().unwrap())
    }

    #[test]
    fn a_named_file_is_written_under_its_name_and_no_other() {
        assert_eq!(names("./a.webm", "webm,apng"), ["./a.webm", "./a.apng"].map(PathBuf::from));
        assert_eq!(names("./A.PNG", "webm,apng"), ["./A.webm", "./A.PNG"].map(PathBuf::from));
        assert_eq!(names("./keep", "webm,apng"), ["./keep.webm", "./keep.apng"].map(PathBuf::from));
        assert_eq!(names("./a.mp4", "stacked-alpha,matte"), ["./a.mp4", "./a-matte.mp4"].map(PathBuf::from));
        assert_eq!(names("./a.mp4", "matte,stacked-alpha"), ["./a-matte.mp4", "./a.mp4"].map(PathBuf::from));
        assert_eq!(names("./a.png", "poster,apng"), ["./a-poster.png", "./a.png"].map(PathBuf::from));
        assert_eq!(names("./a.png", "webm,poster"), ["./a.webm", "./a.png"].map(PathBuf::from));
        assert_eq!(names("new/", "mov"), ["new/clip-cut.mov"].map(PathBuf::from));
        assert_eq!(names("/dev/null", "gif"), [PathBuf::from("/dev/null")]);
        let image = Outputs::of_image(Path::new("photo.jpg"), Some(Path::new("./B.PNG")), false).unwrap();
        assert_eq!(image.image_path(), Path::new("./B.PNG"));
    }

    /// Whatever the formats, their order and the name, no two files of a clip share a name.
    #[test]
    fn no_two_outputs_of_a_clip_share_a_name() {
        for one in OutputFormat::ALL {
            let goes_with = |other: &OutputFormat| {
                *other != one
                    && (one.takes_background() || !other.needs_background())
                    && (other.takes_background() || !one.needs_background())
            };
            for other in OutputFormat::ALL.into_iter().filter(goes_with) {
                for name in ["./a", "./a.png", "./a-poster.png", "./a.mp4", "./a-matte.mp4", "./a.webm"] {
                    let formats = format!("{one},{other}");
                    let Ok(found) = outputs(name, &formats) else { continue };
                    let found = found.paths(&formats.parse().unwrap());
                    assert_ne!(found[0], found[1], "{name} {formats}");
                }
            }
        }
    }

    #[test]
    fn a_name_that_no_output_can_have_is_refused() {
        for (output, formats) in [
            ("-", "webm,mov"),
            ("/dev/null", "webm,mov"),
            ("a.txt", "webm"),
            ("keep.v2", "webm"),
            ("a.mov", "webm,webp"),
        ] {
            assert!(outputs(output, formats).is_err(), "{output}");
        }
        assert!(Outputs::of_image(Path::new("photo.jpg"), Some(Path::new("a.webm")), false).is_err());
    }
}
