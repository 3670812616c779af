//! Outputs without a name: standard output, a pipe or a device. A finished and checked file is copied
//! there, so every format can be written, also those whose encoder seeks.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Write, copy, stdout},
    path::Path,
};

use clearcut_job::ErrorCode;

use crate::failure::{Failure, os_message};

/// What `-o` is given for standard output.
const STDOUT: [&str; 2] = ["-", "/dev/stdout"];

/// Whether `output` is standard output.
pub(crate) fn is_stdout(output: &Path) -> bool {
    STDOUT.iter().any(|name| output.as_os_str() == *name)
}

/// Whether `output` is standard output, a pipe or a device such as `/dev/null`.
pub(crate) fn is_stream(output: &Path) -> bool {
    is_stdout(output) || output.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Checks before any work that a stream takes this many files.
pub(crate) fn check(output: &Path, files: usize) -> Result<(), Failure> {
    if files > 1 {
        let message = format!("{} takes one file, and {files} formats are asked for", described(output));
        return Err(Failure::usage(message, "Name one format with -f, or give -o a folder."));
    }
    if is_stdout(output) && stdout().is_terminal() {
        let message = "standard output is a terminal, which shows no video".to_owned();
        return Err(Failure::usage(message, "Add > FILE or | PROGRAM, or give -o the name of a file."));
    }
    Ok(())
}

/// Copies a finished file into a stream.
pub(crate) fn write(file: &Path, output: &Path) -> Result<(), Failure> {
    let written = File::open(file).and_then(|mut from| {
        if is_stdout(output) {
            let mut to = stdout().lock();
            copy(&mut from, &mut to)?;
            return to.flush();
        }
        copy(&mut from, &mut OpenOptions::new().write(true).open(output)?).map(drop)
    });
    written.map_err(|error| {
        let message = if error.kind() == io::ErrorKind::BrokenPipe {
            format!("the program that reads {} has ended", described(output))
        } else {
            format!("{} cannot be written: {}", described(output), os_message(&error))
        };
        Failure::output(ErrorCode::OutputUnwritable, message, "Write to a file with -o.")
    })
}

fn described(output: &Path) -> String {
    if is_stdout(output) {
        return "standard output".to_owned();
    }
    crate::console::escape_line(&output.to_string_lossy())
}
