//! Test workspace: runs the program in its own folder and checks the files and processes it leaves.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{Read, Seek},
    path::{Path, PathBuf},
    process::{Child, Output},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    clips,
    media::{command, ffmpeg},
};

/// Timeout after which a test treats the program as hung. It does not test speed.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_mins(2);

/// Runs the program under test with these arguments until it exits.
pub(crate) fn clearcut(arguments: &[&str]) -> Output {
    command(env!("CARGO_BIN_EXE_clearcut")).args(arguments).output().unwrap()
}

/// Runs [`clearcut`], asserts success, and returns its standard output.
pub(crate) fn clearcut_ok(arguments: &[&str]) -> String {
    let output = clearcut(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Folder of one test.
pub(crate) struct Workspace(TempDir);

/// Result of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code; `None` if a signal ended the program.
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file with these bytes.
    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Encodes the master clip with these ffmpeg arguments.
    pub(crate) fn encode(&self, name: &str, arguments: &str) -> PathBuf {
        self.make(name, &format!("-i {} {arguments}", clips::master().display()))
    }

    /// Runs ffmpeg with a line of arguments to make the file `name`.
    pub(crate) fn make(&self, name: &str, line: &str) -> PathBuf {
        ffmpeg(self.path(), &format!("{line} {name}"));
        self.join(name)
    }

    /// Names of all files and folders in the workspace, sorted.
    pub(crate) fn names(&self) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    /// Runs the program in the workspace until it exits.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Outcome {
        let mut words = vec![OsString::from(env!("CARGO_BIN_EXE_clearcut"))];
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        self.run_program(&words)
    }

    /// Runs any program in the workspace until it exits.
    pub(crate) fn run_program(&self, words: &[OsString]) -> Outcome {
        let (mut stdout, mut stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let mut child = command(words[0].to_str().unwrap())
            .args(&words[1..])
            .current_dir(self.path())
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let exit = wait_for_exit(&mut child).code();
        let text = |file: &mut fs::File| {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Outcome { exit, stdout: text(&mut stdout), stderr: text(&mut stderr) }
    }

    /// Runs the program and asserts that it refuses: with this exit code, this error code, a
    /// message that contains `message`, and a hint. No file and no process may remain.
    pub(crate) fn assert_refused<S: AsRef<OsStr>>(&self, arguments: &[S], exit: i32, code: &str, message: &str) {
        let before = self.names();
        let outcome = self.run(arguments);
        let line: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        assert_eq!(outcome.exit, Some(exit), "{line:?}: {outcome:?}");
        let error = outcome.stderr.lines().find(|line| line.starts_with("error: "));
        let error = error.unwrap_or_else(|| panic!("{line:?} prints no error: {outcome:?}"));
        assert!(error.ends_with(&format!(" ({code})")), "{line:?} is not {code}: {outcome:?}");
        assert!(error.contains(message), "{line:?} does not print {message:?}: {outcome:?}");
        assert!(outcome.stderr.lines().any(|line| line.starts_with("  ")), "{line:?} prints no hint: {outcome:?}");
        assert_eq!(self.names(), before, "{line:?} left files: {outcome:?}");
        self.assert_no_process_left();
    }

    /// Asserts that no process uses this folder.
    pub(crate) fn assert_no_process_left(&self) {
        let running = self.processes();
        assert!(running.is_empty(), "still running: {running:?}");
    }

    /// Processes that have a file of this folder open, have it as their working directory, or name
    /// it in their command line, as (id, command line).
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let folder = self.path().to_str().unwrap();
        let uses_folder = |process: &Path| {
            let in_command_line =
                fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(folder));
            let points_to_folder = |link: PathBuf| fs::read_link(link).is_ok_and(|target| target.starts_with(folder));
            let open_files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
            in_command_line
                || points_to_folder(process.join("cwd"))
                || open_files.map(|file| file.path()).any(points_to_folder)
        };
        let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let others = ids.filter(|id| *id != std::process::id());
        others
            .filter(|id| uses_folder(&PathBuf::from(format!("/proc/{id}"))))
            .map(|id: u32| {
                let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                (id, String::from_utf8_lossy(&line).replace('\0', " "))
            })
            .collect()
    }
}

/// Waits until a child exits. Kills it and panics if it hangs.
pub(crate) fn wait_for_exit(child: &mut Child) -> std::process::ExitStatus {
    let mut status = None;
    let exited = wait_until(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !exited {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    status.expect("the program hangs")
}

/// Polls until the condition is true. Returns `false` after [`HANG_TIMEOUT`].
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < HANG_TIMEOUT {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(10)); // Pause between two polls.
    }
    false
}

/// Process, identified by id and start time, because the system may reuse an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) id: u32,
    parent: u32,
    started: String,
}

impl Process {
    /// Process with this id; `None` if it has ended, reaped or not.
    fn with_id(id: u32) -> Option<Self> {
        // Format: `id (name) state parent …`. The 22nd field is the start time.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = tail.split(' ').collect();
        let name = head.split_once('(')?.1.to_owned();
        let process = Self { name, id, parent: fields.get(1)?.parse().ok()?, started: (*fields.get(19)?).to_owned() };
        (fields[0] != "Z").then_some(process)
    }

    /// Whether the process still runs. An exiting process has freed its memory, and with it the
    /// link `exe`, but keeps its entry in `/proc` for a moment.
    pub(crate) fn is_running(&self) -> bool {
        Self::with_id(self.id).is_some_and(|now| now.started == self.started)
            && fs::read_link(format!("/proc/{}/exe", self.id)).is_ok()
    }
}

/// All descendants of a process.
pub(crate) fn descendants(ancestor: u32) -> Vec<Process> {
    let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = ids.filter_map(Process::with_id).collect();
    let mut family = vec![ancestor];
    loop {
        let is_new = |process: &&Process| family.contains(&process.parent) && !family.contains(&process.id);
        let Some(child) = all.iter().find(is_new) else { break };
        family.push(child.id);
    }
    all.into_iter().filter(|process| process.id != ancestor && family.contains(&process.id)).collect()
}
