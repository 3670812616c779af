//! Child processes that outlive whoever started them: they are known by a mark in their environment, and ended.
//!
//! bubblewrap promises to die with its parent, but only once its sandbox stands: one that loses its parent earlier waits for it for ever, and
//! holds the clip open. No signal of the system closes that gap, so a process of ours watches from outside.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    process::{ChildStdin, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// The variable in the environment of every child that holds the mark.
pub(crate) const MARK: &str = "CLEARCUT_CHILD_OF";

/// How often is looked, and how far apart: a process may be about to make another one when it is found.
const LOOKS: usize = 20;
const APART: Duration = Duration::from_millis(100);

/// Ends every process of this user whose mark `is_meant`, however deep in namespaces it is, and those that they are about to
/// make. Blocks for up to two seconds. Returns how many were found; none where the system has no `/proc`.
pub fn end_marked(is_meant: impl Fn(&str) -> bool) -> usize {
    let mut ended = 0;
    let mut quiet = 0;
    for _ in 0..LOOKS {
        let found = find_marked(&is_meant);
        for pid in &found {
            // It has ended by itself, else.
            let _ = kill_process(*pid, Signal::KILL);
        }
        ended += found.len();
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == 2 {
            break;
        }
        sleep(APART);
    }
    ended
}

/// The processes that can be told to be meant. One that has ended and is not reaped has no environment.
fn find_marked(is_meant: impl Fn(&str) -> bool) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let marked = |environment: &[u8]| {
        let mut variables = environment.split(|byte| *byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
        variables.any(|text| text.split_once('=').is_some_and(|(name, mark)| name == MARK && is_meant(mark)))
    };
    let mut found = Vec::new();
    for process in processes.flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        found.extend(pid.filter(|_| marked(&environment)));
    }
    found
}

/// A process that lives as long as this one and a moment longer, to end the children that this one leaves behind.
#[derive(Debug)]
pub struct Watch {
    process: std::process::Child,
    alive: Option<ChildStdin>,
}

impl Watch {
    /// Starts `program` with `arguments`, which has to call [`watch`] with `mark`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this crate starts processes")]
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // What interrupts this process from a terminal is not meant for the other.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let alive = process.stdin.take();
        Ok(Self { process, alive })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.alive = None;
        let _ = self.process.wait();
    }
}

/// Waits until whoever started this process has ended, however it did, and ends its children that carry `mark`.
pub fn watch(mark: &str) {
    // Nothing is ever written: it ends with the last process that holds the other side.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    end_marked(|found| found == mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a stand-in for bubblewrap")]
    fn orphan(mark: &str) -> std::process::Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "setsid sleep 1000 & echo; wait"]).env(MARK, mark).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        process
    }

    #[test]
    fn marked_processes_end_with_what_they_started_and_others_stay() {
        let own = format!("test-{}", std::process::id());
        let (mut meant, mut other) = (orphan(&format!("{own}-a")), orphan(&format!("{own}-b")));
        assert_eq!(end_marked(|mark| mark == format!("{own}-a")), 2);
        meant.wait().unwrap();
        assert!(other.try_wait().unwrap().is_none());
        assert_eq!(end_marked(|mark| mark == format!("{own}-b")), 2);
        other.wait().unwrap();
    }
}
