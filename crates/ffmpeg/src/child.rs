//! A running child process: its pipes, how it is killed and reaped, and the error that its exit
//! means.

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

/// Length of the standard error tail that is kept: enough for ffmpeg's last messages, too little to
/// fill memory.
const STDERR_TAIL_BYTES: usize = 8 << 10;

/// Capacity of the pipes that carry frames, the largest that Linux grants to every user. With the
/// default of 64 KiB both sides wake each other a dozen times per frame.
const PIPE_BYTES: usize = 1 << 20;

/// A running process. Dropping it kills and reaps the process.
#[derive(Debug)]
pub struct Child {
    operation: &'static str,
    shared: Arc<SharedChild>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
}

/// Kills a [`Child`] from another thread. Harmless once the child has ended.
#[derive(Debug, Clone)]
pub struct KillHandle(Arc<SharedChild>);

impl KillHandle {
    /// Sends SIGKILL to the child and its descendants. Does not wait.
    pub fn kill(&self) {
        kill_group(&self.0);
    }
}

impl Child {
    /// Starts `command`; `operation` names it in error messages. A separate thread drains standard
    /// error.
    pub(crate) fn spawn(operation: &'static str, command: Command, stdin: Stdio) -> Result<Self, Error> {
        Self::spawn_into(operation, command, stdin, Stdio::piped())
    }

    /// Starts `command` as [`Self::spawn`] does, with standard output as `stdout`.
    pub(crate) fn spawn_into(
        operation: &'static str,
        mut command: Command,
        stdin: Stdio,
        stdout: Stdio,
    ) -> Result<Self, Error> {
        command.stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        let shared = SharedChild::spawn(&mut command).map_err(|source| {
            if is_shortage(&source) {
                return Error::Short { program: operation };
            }
            match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Error::Unstartable { program: operation },
                _ => Error::Spawn { program: command.get_program().into(), source },
            }
        })?;
        prefer_for_oom_killer(shared.id());
        let stdin = shared.take_stdin();
        let stdout = shared.take_stdout();
        enlarge_pipe(stdin.as_ref());
        enlarge_pipe(stdout.as_ref());
        let stderr = shared.take_stderr();
        let mut child = Self { operation, shared: Arc::new(shared), stdin, stdout, stderr: None };
        if let Some(pipe) = stderr {
            // If this fails, dropping `child` kills the process.
            child.stderr = Some(start_thread(operation, move || read_tail(pipe))?);
        }
        Ok(child)
    }

    /// The pipe to the child's standard input. Returns `None` after the first call.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// The pipe from the child's standard output. Returns `None` after the first call.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// A handle that kills the child from another thread.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        KillHandle(Arc::clone(&self.shared))
    }

    /// Waits until the child exits by itself. Blocks. Pipes that were not taken are closed first.
    ///
    /// # Errors
    /// [`Error::Failed`] unless the exit status is 0; a more specific error, such as
    /// [`Error::DiskFull`], if the cause is known.
    pub fn wait(mut self) -> Result<(), Error> {
        self.stdin = None;
        self.stdout = None;
        let status = self.shared.wait().map_err(|source| Error::Io { doing: "waiting for ffmpeg", source })?;
        self.classify_exit(status).map(|_| ())
    }

    /// Waits as [`Self::wait`] does, and calls `visit` after every `interval` in which the child runs.
    pub(crate) fn wait_visiting(mut self, interval: Duration, mut visit: impl FnMut()) -> Result<(), Error> {
        self.stdin = None;
        self.stdout = None;
        loop {
            let waited = self.shared.wait_timeout(interval);
            match waited.map_err(|source| Error::Io { doing: "waiting for ffmpeg", source })? {
                Some(status) => return self.classify_exit(status).map(|_| ()),
                None => visit(),
            }
        }
    }

    /// Reads standard output to its end, `max_bytes` at most, and waits for the child. Kills the
    /// child after `timeout`. Returns the output and the tail of standard error.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Failed`], or [`Error::Io`] if the output is longer than
    /// `max_bytes`.
    pub(crate) fn output(mut self, max_bytes: u64, timeout: Duration) -> Result<(Vec<u8>, String), Error> {
        self.stdin = None;
        let shared = Arc::clone(&self.shared);
        let watchdog = start_thread(self.operation, move || match shared.wait_timeout(timeout) {
            Ok(None) => {
                kill_group(&shared);
                true
            }
            _ => false,
        })?;
        let mut output = Vec::new();
        let read = self.stdout.take().map(|pipe| pipe.take(max_bytes + 1).read_to_end(&mut output)).transpose();
        if output.len() as u64 > max_bytes {
            kill_group(&self.shared);
        }
        let status = self.shared.wait();
        if watchdog.join().unwrap_or(false) {
            return Err(Error::TimedOut { program: self.operation, after: timeout });
        }
        let io = |source| Error::Io { doing: "reading ffmpeg's output", source };
        read.map_err(io)?;
        if output.len() as u64 > max_bytes {
            return Err(io(io::Error::other("more output than allowed")));
        }
        let stderr_tail = self.classify_exit(status.map_err(io)?)?;
        Ok((output, stderr_tail))
    }

    fn classify_exit(&mut self, status: ExitStatus) -> Result<String, Error> {
        let stderr_tail = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if is_short_of_resources(&stderr_tail) && !status.success() {
            return Err(Error::Short { program: self.operation });
        }
        // This check precedes the exit status: when the disk fills up while ffmpeg closes the file,
        // ffmpeg reports it but exits with 0.
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
            return Err(Error::Unstartable { program: self.operation });
        }
        match ending_signal(status) {
            Some(KILL) => Err(Error::Killed { program: self.operation }),
            Some(CPU_LIMIT) => Err(MediaError::TooMuchWork.into()),
            _ if stderr_tail.contains("Cannot allocate memory") => Err(MediaError::TooMuchMemory.into()),
            _ => Err(Error::Failed { program: self.operation, status, stderr_tail }),
        }
    }
}

/// Makes the kernel's OOM killer prefer the process `id` and its descendants over this process: a
/// job can be repeated, but the death of the server ends all jobs. No effect on systems without
/// such a score.
fn prefer_for_oom_killer(id: u32) {
    #[cfg(target_os = "linux")]
    let _ = std::fs::write(format!("/proc/{id}/oom_score_adj"), "1000");
}

/// Starts a thread that serves a child; `operation` names the child's work in errors.
fn start_thread<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    thread::Builder::new().spawn(work).map_err(|source| {
        if is_shortage(&source) {
            Error::Short { program: operation }
        } else {
            Error::Io { doing: "starting a thread", source }
        }
    })
}

/// Exit codes, as in shells, of a launcher that cannot start its program and of a loader that lacks
/// a library.
const CANNOT_START: [i32; 2] = [126, 127];

/// Whether bubblewrap reports that it cannot start its program.
fn sandbox_found_no_program(stderr_tail: &str) -> bool {
    stderr_tail.starts_with("bwrap: execvp ")
}

const KILL: i32 = Signal::KILL.as_raw();
/// The signal for exceeding the CPU time limit.
const CPU_LIMIT: i32 = Signal::XCPU.as_raw();

/// The signal that ended a program. Also decodes the exit codes above 128 by which bubblewrap, like
/// a shell, reports a signal.
fn ending_signal(status: ExitStatus) -> Option<i32> {
    status.signal().or_else(|| status.code().filter(|code| (129..160).contains(code)).map(|code| code - 128))
}

/// Whether setting up the sandbox failed for lack of a resource that may be available again later.
fn is_short_of_resources(stderr_tail: &str) -> bool {
    let is_from_sandbox = ["bwrap: ", "prlimit: ", "setpriv: "].iter().any(|prefix| stderr_tail.starts_with(prefix));
    // The kernel reports exhausted namespaces as a lack of space.
    let shortages = ["temporarily unavailable", "allocate memory", "Too many open files", "No space left on device"];
    is_from_sandbox && shortages.iter().any(|shortage| stderr_tail.contains(shortage))
}

impl Drop for Child {
    fn drop(&mut self) {
        kill_group(&self.shared);
        // Fails only if the child has already been reaped, which is fine.
        let _ = self.shared.wait();
        // A descendant that escaped the kill exits when its pipes close.
        self.stdin = None;
        self.stdout = None;
        if let Some(stderr) = self.stderr.take() {
            let _ = stderr.join();
        }
    }
}

/// Kills a child with its process group. A bubblewrap that is killed while it sets up its sandbox
/// would leave its own child behind: that child requests to die with its parent only later, and
/// leaves the process group later still.
fn kill_group(child: &SharedChild) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Only while the child is not reaped: afterwards its process ID may belong to another process.
    // Every error means that the child has already exited.
    if let (Ok(None), Some(group)) = (child.try_wait(), group) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
}

/// Enlarges a pipe to [`PIPE_BYTES`]. If the system refuses, the pipe keeps its size, which is only
/// slower.
fn enlarge_pipe(pipe: Option<&impl AsFd>) {
    #[cfg(target_os = "linux")]
    if let Some(pipe) = pipe {
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
    }
}

/// Reads the pipe to its end and returns the last [`STDERR_TAIL_BYTES`] without control characters.
fn read_tail(mut pipe: ChildStderr) -> String {
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
mod tests;
