//! Who has to act on a failure, and which failures are nobody's but the moment's.

use std::io;

/// Who has to act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The one who asked: the clip or a field is wrong. Never retried.
    Input,
    /// The one who runs this machine: a tool is missing, a disk is full.
    Host,
    /// Another machine: worth another attempt.
    Upstream,
}

/// The numbers of ENFILE and EMFILE, the same on every Unix: no file for the machine, none for the process.
const NO_FILES: [i32; 2] = [23, 24];

/// Whether the system had no file, process or memory to give at the moment: the same may go well in a while.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
        || error.raw_os_error().is_some_and(|number| NO_FILES.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_has_not_at_the_moment_is_a_shortage() {
        // EAGAIN, ENOMEM, ENFILE, EMFILE of Linux.
        for number in [11, 12, 23, 24] {
            assert!(is_shortage(&io::Error::from_raw_os_error(number)), "{number}");
        }
        // ENOENT, EACCES, ENOSPC.
        for number in [2, 13, 28] {
            assert!(!is_shortage(&io::Error::from_raw_os_error(number)), "{number}");
        }
    }
}
