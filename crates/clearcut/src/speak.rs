//! Line output to standard output and standard error that ignores a reader that has gone.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
};

/// Writes a line to standard output. Write errors are ignored, because the reader may have closed
/// the pipe (`clearcut … | head`).
pub(crate) fn print_out(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// Writes a line to standard error. Write errors are ignored here too.
pub(crate) fn print_err(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
