//! Cleanup of orphaned child processes, which a mark in their environment identifies.
//!
//! bubblewrap dies with its parent only once its sandbox is set up. If the parent dies earlier,
//! bubblewrap waits for it forever and holds the clip open. No system signal closes that gap, so a
//! separate process of clearcut watches from outside.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    process::{ChildStdin, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// Environment variable that holds the mark of every child.
pub(crate) const MARK: &str = "CLEARCUT_CHILD_OF";

/// Number of scans, and the interval between them. One scan is not enough: a process that it finds
/// may be about to start another one.
const SCANS: usize = 20;
const SCAN_INTERVAL: Duration = Duration::from_millis(100);

/// Kills every process of this user whose mark `matches` accepts, in any namespace, and the
/// processes that they are about to start. Blocks for up to two seconds. Returns the number of
/// processes found, which is 0 on systems without `/proc`.
pub fn end_marked(matches: impl Fn(&str) -> bool) -> usize {
    let mut killed = 0;
    let mut empty_scans = 0;
    for _ in 0..SCANS {
        let found = find_marked(&matches);
        for pid in &found {
            // An error means that the process has already ended.
            let _ = kill_process(*pid, Signal::KILL);
        }
        killed += found.len();
        empty_scans = if found.is_empty() { empty_scans + 1 } else { 0 };
        if empty_scans == 2 {
            break;
        }
        sleep(SCAN_INTERVAL);
    }
    killed
}

/// The processes whose mark `matches` accepts. A zombie has no readable environment and is skipped.
fn find_marked(matches: impl Fn(&str) -> bool) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let marked = |environment: &[u8]| {
        let mut variables = environment.split(|byte| *byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
        variables.any(|text| text.split_once('=').is_some_and(|(name, mark)| name == MARK && matches(mark)))
    };
    let mut found = Vec::new();
    for process in processes.flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        found.extend(pid.filter(|_| marked(&environment)));
    }
    found
}

/// Watchdog process that outlives this one briefly and kills the children it leaves behind.
#[derive(Debug)]
pub struct Watch {
    process: std::process::Child,
    lifeline: Option<ChildStdin>,
}

impl Watch {
    /// Starts `program` with `arguments`. The program must call [`watch`] with the mark.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this crate starts processes")]
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // An interrupt from the terminal must not reach the watchdog.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let lifeline = process.stdin.take();
        Ok(Self { process, lifeline })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.lifeline = None;
        let _ = self.process.wait();
    }
}

/// Blocks until the parent of this process has ended for any reason, then kills every process that
/// carries `mark`.
pub fn watch(mark: &str) {
    // Nothing is ever written to this pipe. It closes when the last process that holds its write
    // end exits.
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
    fn marked_processes_are_killed_with_their_descendants_and_others_keep_running() {
        let prefix = format!("test-{}", std::process::id());
        let (mut target, mut other) = (orphan(&format!("{prefix}-a")), orphan(&format!("{prefix}-b")));
        assert_eq!(end_marked(|mark| mark == format!("{prefix}-a")), 2);
        target.wait().unwrap();
        assert!(other.try_wait().unwrap().is_none());
        assert_eq!(end_marked(|mark| mark == format!("{prefix}-b")), 2);
        other.wait().unwrap();
    }
}
