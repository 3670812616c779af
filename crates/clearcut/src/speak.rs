use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
};

/// Writes a line to standard output. Whoever reads may have gone (`clearcut … | head`): that is no error of ours.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// Writes a line to standard error, likewise.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
