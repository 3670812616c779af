//! The inputs of `clearcut cut`: folders and patterns as their files, and standard input as a
//! temporary file, because clips are read at several positions at once.

use std::{
    fs::{self, File},
    io::{IsTerminal, Seek, copy, stdin},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use clearcut_job::{Container, ErrorCode, StillFormat};

use crate::{
    console::{escape_line, print_err},
    failure::{Failure, os_message},
    input::open_input,
};

/// What stands for standard input.
const STDIN: &str = "-";

/// One clip or image of a command.
#[derive(Debug)]
pub(crate) struct Input {
    /// Path of the file; of standard input, what its outputs are named after.
    path: PathBuf,
    /// What was read from standard input.
    spooled: Option<File>,
}

impl Input {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it, with a position of its own.
    pub(crate) fn open(&self) -> Result<File, Failure> {
        let Some(spooled) = &self.spooled else { return open_input(&self.path) };
        File::open(format!("/dev/fd/{}", spooled.as_raw_fd())).map_err(|error| Failure::input(&self.path, &error))
    }
}

/// The inputs that `given` names, in order: a file; a folder, which stands for the clips and images
/// in it; a pattern that no shell has replaced; or standard input. `notice` says what of a folder is
/// left out.
pub(crate) fn expand(given: &[PathBuf], notice: bool) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    for path in given {
        let text = path.to_string_lossy();
        if path.as_os_str() == STDIN {
            if inputs.iter().any(|input: &Input| input.spooled.is_some()) {
                let message = "standard input is named twice".to_owned();
                return Err(Failure::usage(message, "Name it once: it can be read once."));
            }
            inputs.push(Input { path: "stdin".into(), spooled: Some(spool()?) });
        } else if text.starts_with("http://") || text.starts_with("https://") {
            let message = format!("{} is an address, and inputs are files", escape_line(&text));
            let hint = "Download it first: curl -LO URL. Or hand it over: curl -L URL | clearcut cut - -o NAME.webm.";
            return Err(Failure::usage(message, hint));
        } else {
            let paths = if path.is_dir() {
                files_in(path, notice)?
            } else if path.symlink_metadata().is_err() && text.contains(['*', '?', '[']) {
                files_of_pattern(path, &text)?
            } else {
                vec![path.clone()]
            };
            inputs.extend(paths.into_iter().map(|path| Input { path, spooled: None }));
        }
    }
    Ok(inputs)
}

/// Copies standard input to a file without a name.
fn spool() -> Result<File, Failure> {
    if stdin().is_terminal() {
        let message = "standard input is a terminal, and no clip".to_owned();
        return Err(Failure::usage(message, "Add < FILE, or give the name of a file."));
    }
    let spooled = tempfile::tempfile().and_then(|mut file| {
        copy(&mut stdin().lock(), &mut file)?;
        file.rewind()?;
        Ok(file)
    });
    spooled.map_err(|error| {
        let message = format!("standard input cannot be kept in a temporary file: {}", os_message(&error));
        Failure::host(ErrorCode::OutputUnwritable, message, Some("Free some disk space, or set TMPDIR."))
    })
}

/// The clips and images that lie in a folder, by name, without those that `clearcut cut` has written.
fn files_in(folder: &Path, notice: bool) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Failure::input(folder, &error))?;
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file() && !is_hidden(path));
    files.sort();
    let (media, left_out): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| !is_cut(path) && is_media(path));
    if media.is_empty() {
        return Err(no_input(format!("the folder {} has no clip and no image", shown(folder))));
    }
    if notice && !left_out.is_empty() {
        let names: Vec<_> = left_out.iter().filter_map(|path| path.file_name()).collect();
        let names = names.iter().map(|name| escape_line(&name.to_string_lossy())).collect::<Vec<_>>().join(", ");
        print_err(format_args!("note: of {}, these are left out: {names}", shown(folder)));
    }
    Ok(media)
}

/// Whether the name is one that `clearcut cut` gives: `NAME-cut.webm`, `NAME-cut-matte.mp4`.
fn is_cut(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.ends_with("-cut") || stem.contains("-cut-")
}

/// Whether a file is a clip or an image by its first bytes. One that cannot be read fails in its turn.
fn is_media(path: &Path) -> bool {
    let Ok(file) = open_input(path) else { return true };
    clearcut_ffmpeg::first_bytes(&file)
        .is_ok_and(|head| Container::sniff(&head).is_ok() || StillFormat::sniff(&head).is_ok())
}

/// The files that a pattern names, such as `*.mp4` or `**/*.mov`.
fn files_of_pattern(path: &Path, pattern: &str) -> Result<Vec<PathBuf>, Failure> {
    let found = glob::glob(pattern).map_err(|error| {
        let message = format!("{} is not a pattern: {}", shown(path), error.msg);
        Failure::usage(message, "A pattern is a name with * or ?, such as '*.mp4'.")
    })?;
    let files: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
    if files.is_empty() {
        return Err(no_input(format!("no file fits {}", shown(path))));
    }
    Ok(files)
}

fn no_input(message: String) -> Failure {
    Failure::output(ErrorCode::InputUnreadable, message, "Check the name.")
}

fn shown(path: &Path) -> String {
    escape_line(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[Input]) -> Vec<String> {
        inputs.iter().map(|input| input.path().file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;";
        for name in ["b.gif", "a.gif", "a-cut.gif", "a-cut-poster.gif", ".hidden.gif", "a [1].gif"] {
            fs::write(folder.path().join(name), gif).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "plain text").unwrap();
        fs::create_dir(folder.path().join("deeper.gif")).unwrap();
        folder
    }

    #[test]
    fn a_folder_stands_for_its_clips_without_earlier_cuts() {
        let folder = folder();
        let inputs = expand(&[folder.path().to_path_buf()], false).unwrap();
        assert_eq!(names(&inputs), ["a [1].gif", "a.gif", "b.gif"]);
        let empty = tempfile::tempdir().unwrap();
        assert!(expand(&[empty.path().to_path_buf()], false).unwrap_err().message().contains("no clip"));
    }

    #[test]
    fn a_pattern_stands_for_its_files_and_an_existing_name_for_itself() {
        let folder = folder();
        let found = |name: &str| expand(&[folder.path().join(name)], false).map(|inputs| names(&inputs));
        assert_eq!(found("?.gif").unwrap(), ["a.gif", "b.gif"]);
        assert_eq!(found("a [1].gif").unwrap(), ["a [1].gif"]);
        assert!(found("*.mp4").unwrap_err().message().contains("no file fits"));
    }

    #[test]
    fn an_address_is_refused_with_what_to_do() {
        let refused = expand(&["https://example.com/a.mp4".into()], false).unwrap_err();
        assert!(refused.message().contains("inputs are files"), "{}", refused.message());
    }
}
