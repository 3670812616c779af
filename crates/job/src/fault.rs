//! Classification of failures by the party that has to act, and detection of temporary shortages.

use std::io;

/// The party that has to act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The user: the clip or a field is invalid. Never retried.
    Input,
    /// The operator of this machine: a tool is missing or a disk is full.
    Host,
    /// Nobody: another machine failed, or this one is short of something. A retry may succeed.
    Temporary,
}

/// The values of ENFILE and EMFILE, the same on every Unix: no free file descriptor on the machine
/// or in the process.
const NO_FREE_FILE: [i32; 2] = [23, 24];

/// Whether `error` is a temporary shortage of file descriptors, processes or memory, so that a
/// later attempt may succeed.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
        || error.raw_os_error().is_some_and(|number| NO_FREE_FILE.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_lack_of_resources_is_a_shortage() {
        // EAGAIN, ENOMEM, ENFILE, EMFILE on Linux.
        for number in [11, 12, 23, 24] {
            assert!(is_shortage(&io::Error::from_raw_os_error(number)), "{number}");
        }
        // ENOENT, EACCES, ENOSPC.
        for number in [2, 13, 28] {
            assert!(!is_shortage(&io::Error::from_raw_os_error(number)), "{number}");
        }
    }
}
