//! Runs the program in a folder of its own and looks at what it leaves.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{Read, Seek},
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    clips,
    media::{command, ffmpeg},
};

/// The tests' own guard against a program that hangs; nothing is said about speed.
pub(crate) const GUARD: Duration = Duration::from_mins(2);

/// A folder of one test.
pub(crate) struct Place(TempDir);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` if a signal ended it.
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Puts a file of these bytes here.
    pub(crate) fn put(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Encodes the master clip with these arguments of ffmpeg.
    pub(crate) fn encode(&self, name: &str, arguments: &str) -> PathBuf {
        self.make(name, &format!("-i {} {arguments}", clips::master().display()))
    }

    /// Runs ffmpeg on a line of arguments; the last names the clip.
    pub(crate) fn make(&self, name: &str, line: &str) -> PathBuf {
        ffmpeg(self.path(), &format!("{line} {name}"));
        self.join(name)
    }

    /// Names of all files and folders here, sorted.
    pub(crate) fn names(&self) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    /// Runs the program with this as its current folder, to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Outcome {
        let mut words = vec![OsString::from(env!("CARGO_BIN_EXE_clearcut"))];
        words.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        self.run_program(&words)
    }

    /// Runs a program of the system here, to its end.
    pub(crate) fn run_program(&self, words: &[OsString]) -> Outcome {
        let (mut stdout, mut stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let mut child = command(words[0].to_str().unwrap())
            .args(&words[1..])
            .current_dir(self.path())
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let exit = end_of(&mut child).code();
        let text = |file: &mut fs::File| {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Outcome { exit, stdout: text(&mut stdout), stderr: text(&mut stderr) }
    }

    /// Runs the program, which must refuse with this exit code, this stable code and these words, say what to do, and leave
    /// everything as it was.
    pub(crate) fn refuses<S: AsRef<OsStr>>(&self, arguments: &[S], exit: i32, code: &str, words: &str) {
        let before = self.names();
        let outcome = self.run(arguments);
        let said: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        assert_eq!(outcome.exit, Some(exit), "{said:?}: {outcome:?}");
        let error = outcome.stderr.lines().find(|line| line.starts_with("error: "));
        let error = error.unwrap_or_else(|| panic!("{said:?} names no error: {outcome:?}"));
        assert!(error.ends_with(&format!(" ({code})")), "{said:?} is not {code}: {outcome:?}");
        assert!(error.contains(words), "{said:?} does not say {words:?}: {outcome:?}");
        assert!(outcome.stderr.lines().any(|line| line.starts_with("  ")), "{said:?} says no way out: {outcome:?}");
        assert_eq!(self.names(), before, "{said:?} left something: {outcome:?}");
        self.assert_nobody_works_here();
    }

    /// No process holds a file of this folder, works in it or names it.
    pub(crate) fn assert_nobody_works_here(&self) {
        let working = self.processes();
        assert!(working.is_empty(), "still running: {working:?}");
    }

    /// Processes that hold a file of this folder, work in it or name it, as (id, command line).
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let here = self.path().to_str().unwrap();
        let is_ours = |process: &Path| {
            let names_it =
                fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(here));
            let points_here = |link: PathBuf| fs::read_link(link).is_ok_and(|target| target.starts_with(here));
            let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
            names_it || points_here(process.join("cwd")) || open.map(|file| file.path()).any(points_here)
        };
        let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let others = ids.filter(|id| *id != std::process::id());
        others
            .filter(|id| is_ours(&PathBuf::from(format!("/proc/{id}"))))
            .map(|id: u32| {
                let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                (id, String::from_utf8_lossy(&line).replace('\0', " "))
            })
            .collect()
    }
}

/// Waits for the end of a child.
pub(crate) fn end_of(child: &mut Child) -> std::process::ExitStatus {
    let mut status = None;
    let ended = within_guard(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !ended {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    status.expect("the program hangs")
}

/// Whether the condition comes true before the guard's time is over.
pub(crate) fn within_guard(mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < GUARD {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(10)); // Between two looks, not in place of one.
    }
    false
}

/// A process that may have ended since; its id alone may have been given to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) id: u32,
    parent: u32,
    started: String,
}

impl Process {
    /// The process of this id; `None` if it has ended, reaped or not.
    fn of(id: u32) -> Option<Self> {
        // `id (name) state parent …`, and the 22nd field is when it started.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = tail.split(' ').collect();
        let name = head.split_once('(')?.1.to_owned();
        let process = Self { name, id, parent: fields.get(1)?.parse().ok()?, started: (*fields.get(19)?).to_owned() };
        (fields[0] != "Z").then_some(process)
    }

    /// Whether it still is that process and has a program to run: one that is on its way out has given back its memory first,
    /// and holds on to its name for a moment.
    pub(crate) fn lives(&self) -> bool {
        Self::of(self.id).is_some_and(|now| now.started == self.started)
            && fs::read_link(format!("/proc/{}/exe", self.id)).is_ok()
    }
}

/// All processes that `ancestor` started, and that those started.
pub(crate) fn descendants(ancestor: u32) -> Vec<Process> {
    let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = ids.filter_map(Process::of).collect();
    let mut family = vec![ancestor];
    loop {
        let is_new = |process: &&Process| family.contains(&process.parent) && !family.contains(&process.id);
        let Some(child) = all.iter().find(is_new) else { break };
        family.push(child.id);
    }
    all.into_iter().filter(|process| process.id != ancestor && family.contains(&process.id)).collect()
}
