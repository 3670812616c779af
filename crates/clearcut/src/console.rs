//! Lines on standard output and standard error: written for a reader that may have gone, and safe
//! for a terminal.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether standard output takes a file, so that no line may go there.
static TAKES_FILE: AtomicBool = AtomicBool::new(false);

/// Keeps standard output free for a file: what would be printed there goes to standard error.
pub(crate) fn leave_stdout_to_file() {
    TAKES_FILE.store(true, Ordering::Relaxed);
}

/// Writes a line to standard output. Write errors are ignored, because the reader may have closed
/// the pipe (`clearcut … | head`).
pub(crate) fn print_out(line: impl Display) {
    if TAKES_FILE.load(Ordering::Relaxed) {
        return print_err(line);
    }
    let _ = writeln!(stdout(), "{line}");
}

/// Writes a line to standard error. Write errors are ignored here too.
pub(crate) fn print_err(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// Untrusted name or message as one line that is safe for a terminal: unprintable characters are
/// escaped.
pub(crate) fn escape_line(text: &str) -> String {
    let unescaped = ['\'', '"', '\\'];
    let escape = |piece: &str| {
        let body = piece.trim_end_matches(unescaped);
        format!("{}{}", body.escape_debug(), &piece[body.len()..])
    };
    text.split_inclusive(unescaped).map(escape).collect()
}
