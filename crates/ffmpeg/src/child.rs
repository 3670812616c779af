//! A running child process: its pipes, its end, and what its end means.

use std::{
    collections::VecDeque,
    io::{self, Read},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use shared_child::SharedChild;

use clearcut_job::is_shortage;

use crate::{Error, MediaError};

/// How much of standard error is kept: enough for ffmpeg's last words, too little to fill memory.
const STDERR_TAIL_BYTES: usize = 8 << 10;

/// Room in the pipes that carry frames, and the most that Linux grants everyone. With its default of 64 KiB both sides wake each other a
/// dozen times a frame.
const PIPE_BYTES: usize = 1 << 20;

/// A running process. Whoever holds it owns its end: dropped, it is killed and reaped.
#[derive(Debug)]
pub struct Child {
    doing: &'static str,
    shared: Arc<SharedChild>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
}

/// Kills a [`Child`] from another thread. Harmless once the child has ended.
#[derive(Debug, Clone)]
pub struct KillHandle(Arc<SharedChild>);

impl KillHandle {
    /// Sends SIGKILL; what the child started dies with it. Does not wait.
    pub fn kill(&self) {
        end(&self.0);
    }
}

impl Child {
    /// Starts `command`, which is `doing` something (for messages). Standard error is drained on a thread of its own.
    pub(crate) fn spawn(doing: &'static str, mut command: Command, stdin: Stdio) -> Result<Self, Error> {
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let shared = SharedChild::spawn(&mut command).map_err(|source| {
            if is_shortage(&source) {
                return Error::Short { program: doing };
            }
            match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Error::Unstartable { program: doing },
                _ => Error::Spawn { program: command.get_program().into(), source },
            }
        })?;
        offer_to_the_oom_killer(shared.id());
        let stdin = shared.take_stdin();
        let stdout = shared.take_stdout();
        widen(stdin.as_ref());
        widen(stdout.as_ref());
        let stderr = shared.take_stderr();
        let mut child = Self { doing, shared: Arc::new(shared), stdin, stdout, stderr: None };
        if let Some(pipe) = stderr {
            // Dropped, the child is killed.
            child.stderr = Some(start_thread(doing, move || tail_of(pipe))?);
        }
        Ok(child)
    }

    /// The pipe to its standard input, once.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// The pipe from its standard output, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// A way to end it from another thread.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        KillHandle(Arc::clone(&self.shared))
    }

    /// Waits until it ends by itself. Blocks. Pipes that were not taken are closed first.
    ///
    /// # Errors
    /// [`Error::Failed`] unless its exit status is 0, [`Error::DiskFull`] if that was why.
    pub fn wait(mut self) -> Result<(), Error> {
        self.stdin = None;
        self.stdout = None;
        let status = self.shared.wait().map_err(|source| Error::Io { doing: "waiting for ffmpeg", source })?;
        self.verdict(status).map(|_| ())
    }

    /// Reads its standard output to the end, at most `max_bytes`, and waits. Kills it after `deadline`. Also gives the end of what it
    /// wrote to standard error.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Failed`], or [`Error::Io`] if there was more to read.
    pub(crate) fn output(mut self, max_bytes: u64, deadline: Duration) -> Result<(Vec<u8>, String), Error> {
        self.stdin = None;
        let shared = Arc::clone(&self.shared);
        let watchdog = start_thread(self.doing, move || match shared.wait_timeout(deadline) {
            Ok(None) => {
                end(&shared);
                true
            }
            _ => false,
        })?;
        let mut output = Vec::new();
        let read = self.stdout.take().map(|pipe| pipe.take(max_bytes + 1).read_to_end(&mut output)).transpose();
        if output.len() as u64 > max_bytes {
            end(&self.shared);
        }
        let status = self.shared.wait();
        if watchdog.join().unwrap_or(false) {
            return Err(Error::TimedOut { program: self.doing, after: deadline });
        }
        let io = |source| Error::Io { doing: "reading what ffmpeg said", source };
        read.map_err(io)?;
        if output.len() as u64 > max_bytes {
            return Err(io(io::Error::other("more output than allowed")));
        }
        let stderr_tail = self.verdict(status.map_err(io)?)?;
        Ok((output, stderr_tail))
    }

    fn verdict(&mut self, status: ExitStatus) -> Result<String, Error> {
        let stderr_tail = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if is_short_of_resources(&stderr_tail) && !status.success() {
            return Err(Error::Short { program: self.doing });
        }
        // First: ffmpeg says so but ends with 0 when the disk fills up while it closes the file.
        if stderr_tail.contains("No space left on device") {
            return Err(Error::DiskFull);
        }
        if stderr_tail.contains("Read-only file system") {
            return Err(Error::ReadOnly);
        }
        if status.success() {
            return Ok(stderr_tail);
        }
        if status.code().is_some_and(|code| CANNOT_START.contains(&code)) || sandbox_found_no_program(&stderr_tail) {
            return Err(Error::Unstartable { program: self.doing });
        }
        match ending_signal(status) {
            Some(KILL) => Err(Error::Killed { program: self.doing }),
            Some(CPU_LIMIT) => Err(MediaError::TooMuchWork.into()),
            _ if stderr_tail.contains("Cannot allocate memory") => Err(MediaError::TooMuchMemory.into()),
            _ => Err(Error::Failed { program: self.doing, status, stderr_tail }),
        }
    }
}

/// Lets the system end the process `id`, and those that it will start, before this one when memory runs out: a job can be done again, and
/// a server that is ended takes all with it. Where the system has no such thing, nothing changes.
fn offer_to_the_oom_killer(id: u32) {
    #[cfg(target_os = "linux")]
    let _ = std::fs::write(format!("/proc/{id}/oom_score_adj"), "1000");
}

/// Starts a thread that serves a child which is `doing` something.
fn start_thread<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    thread::Builder::new().spawn(work).map_err(|source| {
        if is_shortage(&source) {
            Error::Short { program: doing }
        } else {
            Error::Io { doing: "starting a thread", source }
        }
    })
}

/// How programs that start another one say that they cannot, and the loader that it lacks a library: as shells do.
const CANNOT_START: [i32; 2] = [126, 127];

/// Whether it is bubblewrap that complains of the program that it was to start.
fn sandbox_found_no_program(stderr_tail: &str) -> bool {
    stderr_tail.starts_with("bwrap: execvp ")
}

const KILL: i32 = Signal::KILL.as_raw();
/// Sent when the limit of processor time is reached.
const CPU_LIMIT: i32 = Signal::XCPU.as_raw();

/// The signal that ended a program, also if it is bubblewrap that tells, as shells do, by a status above 128.
fn ending_signal(status: ExitStatus) -> Option<i32> {
    status.signal().or_else(|| status.code().filter(|code| (129..160).contains(code)).map(|code| code - 128))
}

/// Whether the sandbox could not be made for want of something that there may be in a while.
fn is_short_of_resources(stderr_tail: &str) -> bool {
    let makes_sandbox = ["bwrap: ", "prlimit: ", "setpriv: "].iter().any(|who| stderr_tail.starts_with(who));
    // A machine that has no namespace to give calls that a lack of space.
    let shortages = ["temporarily unavailable", "allocate memory", "Too many open files", "No space left on device"];
    makes_sandbox && shortages.iter().any(|shortage| stderr_tail.contains(shortage))
}

impl Drop for Child {
    fn drop(&mut self) {
        end(&self.shared);
        // Fails only if the child has been reaped already, which is what is wanted.
        let _ = self.shared.wait();
        // Should anything have got away, it ends with its pipes.
        self.stdin = None;
        self.stdout = None;
        if let Some(stderr) = self.stderr.take() {
            let _ = stderr.join();
        }
    }
}

/// Kills a child with its process group: bubblewrap that is killed in the middle of making its sandbox would leave behind what it has started,
/// which promises only later to die with it, and leaves the group later still.
fn end(child: &SharedChild) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Only while the child is not reaped: its number may be another's afterwards. All errors are that it has ended already.
    if let (Ok(None), Some(group)) = (child.try_wait(), group) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
}

/// Gives a pipe room for [`PIPE_BYTES`]. Where the system grants less it stays as it is, which is only slower.
fn widen(pipe: Option<&impl AsFd>) {
    #[cfg(target_os = "linux")]
    if let Some(pipe) = pipe {
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
    }
}

/// Reads to the end and keeps the last [`STDERR_TAIL_BYTES`], without control characters.
fn tail_of(mut pipe: ChildStderr) -> String {
    let mut tail = VecDeque::with_capacity(STDERR_TAIL_BYTES);
    let mut chunk = [0; 4096];
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => tail.extend(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        let surplus = tail.len().saturating_sub(STDERR_TAIL_BYTES);
        tail.drain(..surplus);
    }
    let text = String::from_utf8_lossy(tail.make_contiguous()).into_owned();
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::CommandExt, time::Instant};

    use super::*;

    fn shell(script: &str) -> Child {
        shell_with(script, Stdio::null())
    }

    fn shell_with(script: &str, stdin: Stdio) -> Child {
        #[expect(clippy::disallowed_methods, reason = "a stand-in for ffmpeg")]
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).process_group(0);
        Child::spawn("testing", command, stdin).unwrap()
    }

    #[test]
    fn what_a_child_started_ends_with_it_and_keeps_nobody_waiting() {
        let stubborn = "sleep 1000 & echo started; exec sleep 1000";
        // Like an encoder that got away from its group, and waits for what it is to encode.
        let escaped = "exec 3<&0; setsid cat <&3 >/dev/null & echo started; exec sleep 1000";
        for script in [stubborn, escaped] {
            let (done_to, done) = std::sync::mpsc::sync_channel(1);
            thread::spawn(move || {
                let mut child = shell_with(script, Stdio::piped());
                child.take_stdout().unwrap().read_exact(&mut [0; 8]).unwrap();
                drop(child);
                let _ = done_to.send(());
            });
            assert!(done.recv_timeout(Duration::from_secs(20)).is_ok(), "the drop waits after {script}");
        }
        let killed = shell(stubborn);
        killed.kill_handle().kill();
        assert!(killed.wait().is_err());
    }

    fn lives(id: u32) -> bool {
        std::path::Path::new(&format!("/proc/{id}")).exists()
    }

    #[test]
    fn only_the_end_of_standard_error_is_kept_and_without_control_characters() {
        let child = shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; printf '\\033[31mlast\\nwords\\r' >&2; exit 3");
        let Err(Error::Failed { stderr_tail, status, .. }) = child.wait() else { panic!("it did not fail") };
        assert_eq!(status.code(), Some(3));
        assert!(stderr_tail.len() <= STDERR_TAIL_BYTES, "{}", stderr_tail.len());
        assert!(stderr_tail.ends_with("x[31mlast\nwords"), "{stderr_tail:?}");
    }

    #[test]
    fn a_dropped_child_is_killed_and_reaped() {
        let child = shell("exec sleep 1000");
        let id = child.shared.id();
        assert!(lives(id));
        drop(child);
        assert!(!lives(id), "a zombie would still be there");
    }

    #[test]
    fn a_child_that_takes_too_long_is_killed() {
        let began = Instant::now();
        let child = shell("exec sleep 1000");
        let id = child.shared.id();
        let ended = child.output(100, Duration::from_millis(50));
        assert!(matches!(ended, Err(Error::TimedOut { .. })), "{ended:?}");
        assert!(!lives(id) && began.elapsed() < Duration::from_secs(500));
    }

    #[test]
    fn a_child_that_says_too_much_is_ended() {
        let ended = shell("exec cat /dev/zero").output(100_000, Duration::from_mins(5));
        assert!(matches!(ended, Err(Error::Io { .. })), "{ended:?}");
    }

    #[test]
    fn a_full_disk_is_noticed_although_the_child_ends_well() {
        let ended = shell("echo 'Error writing trailer: No space left on device' >&2").wait();
        assert!(matches!(ended, Err(Error::DiskFull)), "{ended:?}");
    }

    #[test]
    fn a_file_system_that_is_read_only_is_not_the_clips_fault() {
        let ended = shell("echo 'webm-color.ivf: Read-only file system' >&2; exit 1").wait();
        assert!(matches!(ended.map_err(Error::of_reading), Err(Error::ReadOnly)));
    }

    #[test]
    fn a_program_that_is_gone_is_not_the_clips_fault() {
        for script in
            ["exec /nowhere/ffmpeg", "exec /etc/passwd", "echo 'bwrap: execvp /nowhere: No such file' >&2; exit 1"]
        {
            let ended = shell(script).wait().map_err(Error::of_reading);
            assert!(matches!(ended, Err(Error::Unstartable { .. })), "{script}: {ended:?}");
        }
    }

    #[test]
    fn a_child_is_ended_before_us_when_memory_runs_out() {
        let read = |id: u32| -> i32 {
            std::fs::read_to_string(format!("/proc/{id}/oom_score_adj")).unwrap().trim().parse().unwrap()
        };
        let child = shell("exec sleep 1000");
        assert!(read(child.shared.id()) > read(std::process::id()));
    }

    #[test]
    fn a_child_that_the_system_kills_or_cannot_start_is_not_the_clips_fault() {
        for script in ["kill -9 $$", "exit 137"] {
            assert!(matches!(shell(script).wait(), Err(Error::Killed { .. })), "{script}");
        }
        let words = "bwrap: Creating new namespace failed: Resource temporarily unavailable";
        for words in [words, "bwrap: Can't create pipe: Too many open files", "bwrap: No space left on device"] {
            let ended = shell(&format!("echo \"{words}\" >&2; exit 1")).wait();
            assert!(matches!(ended, Err(Error::Short { .. })), "{words}: {ended:?}");
        }
    }

    #[test]
    fn a_child_that_reaches_a_limit_of_its_own_is_the_clips_fault() {
        for (script, expected) in [
            ("kill -XCPU $$", MediaError::TooMuchWork),
            ("echo 'moov: Cannot allocate memory' >&2; exit 1", MediaError::TooMuchMemory),
        ] {
            let ended = shell(script).wait();
            assert!(matches!(&ended, Err(Error::Media(found)) if *found == expected), "{script}: {ended:?}");
        }
    }

    #[test]
    fn a_kill_handle_ends_the_wait_of_another_thread() {
        let child = shell("exec sleep 1000");
        let handle = child.kill_handle();
        let waiting = thread::spawn(move || child.wait());
        handle.kill();
        assert!(matches!(waiting.join().unwrap(), Err(Error::Killed { .. })));
        handle.kill();
    }
}
