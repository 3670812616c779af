use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Error, limits::ChildLimits, orphans::MARK, tools::SearchPath};

/// Whether to run ffmpeg inside bubblewrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxPolicy {
    /// Where bubblewrap is present and works.
    #[default]
    Auto,
    /// Always; refuse to run where it does not work.
    Required,
    /// Never.
    Off,
}

/// How child processes are kept from the rest of the machine. Found once, printed by `clearcut doctor`.
#[derive(Debug, Clone)]
pub struct Sandbox {
    bwrap: Option<PathBuf>,
    setpriv: Option<PathBuf>,
    prlimit: Option<PathBuf>,
    /// What the system lets children have.
    system: ChildLimits,
    /// Stands in the environment of every child, so that those that were left behind are known.
    mark: Option<String>,
}

impl Sandbox {
    /// Finds out what works here. Starts bubblewrap once.
    ///
    /// # Errors
    /// [`Error::SandboxUnavailable`] if `policy` requires bubblewrap and it does not work.
    pub(crate) fn find(search: &SearchPath, policy: SandboxPolicy) -> Result<Self, Error> {
        let bwrap = if policy == SandboxPolicy::Off { None } else { search.find("bwrap") };
        let (setpriv, prlimit) = (search.find("setpriv"), search.find("prlimit"));
        let sandbox = Self { bwrap, setpriv, prlimit, system: ChildLimits::of_system(), mark: None };
        if sandbox.bwrap.is_some() && sandbox.works() {
            return Ok(sandbox);
        }
        if policy == SandboxPolicy::Required {
            return Err(Error::SandboxUnavailable);
        }
        Ok(Self { bwrap: None, ..sandbox })
    }

    /// `bubblewrap`, `limits` (only resource limits) or `none`: for the log, `doctor` and `/readyz`.
    #[must_use]
    pub const fn level(&self) -> &'static str {
        match (&self.bwrap, &self.prlimit) {
            (Some(_), _) => "bubblewrap",
            (None, Some(_)) => "limits",
            (None, None) => "none",
        }
    }

    /// What the system allows less of than a clip may need, in words.
    #[must_use]
    pub fn tight_limits(&self) -> Vec<String> {
        if self.prlimit.is_some() { self.system.tight() } else { Vec::new() }
    }

    /// The same, with `mark` on every child.
    #[must_use]
    pub(crate) fn marked(self, mark: &str) -> Self {
        Self { mark: Some(mark.to_owned()), ..self }
    }

    fn works(&self) -> bool {
        let mut command = self.command(Path::new("/bin/true"), None, ChildLimits::WORKING);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// A command that runs `program` (an absolute path) in here. `scratch` becomes its current folder and the only place where
    /// it can write; without one it can write nowhere.
    ///
    /// The child has no environment but `LC_ALL`, `PATH` and `TMPDIR`, is its own process group, and dies with the thread that starts it.
    /// The number of processes is not limited: that limit counts per user, so it would hit the user's other programs first.
    pub(crate) fn command(&self, program: &Path, scratch: Option<&Path>, limits: ChildLimits) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(setpriv) = &self.setpriv {
            words.push(setpriv.into());
            words.extend(["--pdeathsig", "KILL", "--no-new-privs", "--"].map(Into::into));
        }
        if let Some(prlimit) = &self.prlimit {
            words.push(prlimit.into());
            words.extend(limits.within(self.system).words().into_iter().map(Into::into));
            words.push("--".into());
        }
        if let Some(bwrap) = &self.bwrap {
            words.push(bwrap.into());
            words.extend(bubblewrap_arguments(program, scratch));
        }
        words.push(program.into());
        let mut words = words.into_iter();
        #[expect(clippy::disallowed_methods, reason = "this is the one place where a process is made")]
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        if let Some(mark) = &self.mark {
            command.env(MARK, mark);
        }
        if let Some(scratch) = scratch {
            command.env("TMPDIR", if self.bwrap.is_some() { Path::new("/tmp") } else { scratch });
            if self.bwrap.is_none() {
                command.current_dir(scratch);
            }
        }
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

/// Folders that hold programs and their libraries on the systems we know.
const SYSTEM_FOLDERS: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives"];

fn bubblewrap_arguments(program: &Path, scratch: Option<&Path>) -> Vec<OsString> {
    let mut words: Vec<OsString> = [
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    .map(Into::into)
    .to_vec();
    words.extend(["--tmpfs", "/tmp"].map(Into::into));
    for folder in SYSTEM_FOLDERS.map(Path::new) {
        match folder.read_link() {
            Ok(target) => words.extend(["--symlink".into(), target.into(), folder.into()]),
            Err(_) => words.extend(["--ro-bind-try".into(), folder.into(), folder.into()]),
        }
    }
    if let Some(home) = program.parent().filter(|home| !home.starts_with("/usr") && !home.starts_with("/bin")) {
        words.extend(["--ro-bind".into(), home.into(), home.into()]);
    }
    if let Some(scratch) = scratch {
        words.extend(["--bind".into(), scratch.into(), "/scratch".into(), "--chdir".into(), "/scratch".into()]);
    }
    words.push("--".into());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(bwrap: Option<&str>) -> Sandbox {
        let path = |name: &str| Some(PathBuf::from(format!("/usr/bin/{name}")));
        let (bwrap, setpriv, prlimit) = (bwrap.map(PathBuf::from), path("setpriv"), path("prlimit"));
        Sandbox { bwrap, setpriv, prlimit, system: ChildLimits::WORKING, mark: None }
    }

    fn words(sandbox: &Sandbox, program: &str, scratch: Option<&str>) -> Vec<String> {
        let command = sandbox.command(Path::new(program), scratch.map(Path::new), ChildLimits::WORKING);
        let all = std::iter::once(command.get_program()).chain(command.get_args());
        all.map(|word| word.to_str().unwrap().to_owned()).collect()
    }

    fn folders_after(words: &[String], option: &str) -> Vec<String> {
        let places = words.iter().enumerate().filter(|(_, word)| *word == option);
        places.map(|(index, _)| words[index + 1].clone()).collect()
    }

    #[test]
    fn the_sandbox_has_no_network_no_powers_and_dies_with_us() {
        let words = words(&sandbox(Some("/usr/bin/bwrap")), "/usr/bin/ffmpeg", Some("/out/.x"));
        for word in ["--unshare-all", "--die-with-parent", "--new-session"] {
            assert!(words.contains(&word.to_owned()), "{word} is missing from {words:?}");
        }
        assert!(!words.contains(&"--share-net".to_owned()));
        assert_eq!(folders_after(&words, "--cap-drop"), ["ALL"]);
        assert_eq!(words.last().unwrap(), "/usr/bin/ffmpeg");
    }

    #[test]
    fn the_scratch_folder_is_the_only_one_that_can_be_written() {
        let sandbox = sandbox(Some("/usr/bin/bwrap"));
        assert_eq!(folders_after(&words(&sandbox, "/usr/bin/ffmpeg", Some("/out/.x")), "--bind"), ["/out/.x"]);
        let reading = words(&sandbox, "/usr/bin/ffmpeg", None);
        assert!(folders_after(&reading, "--bind").is_empty());
        assert!(!reading.iter().any(|word| word == "/" || word.starts_with("/home") || word == "/etc"), "{reading:?}");
    }

    #[test]
    fn an_ffmpeg_outside_the_system_folders_is_shown_to_itself() {
        let words = words(&sandbox(Some("/usr/bin/bwrap")), "/opt/ffmpeg/bin/ffmpeg", None);
        assert!(folders_after(&words, "--ro-bind").contains(&"/opt/ffmpeg/bin".to_owned()));
    }

    #[test]
    fn limits_and_death_with_the_parent_hold_without_bubblewrap_too() {
        let bare = sandbox(None);
        let words = words(&bare, "/usr/bin/ffmpeg", Some("/out/.x"));
        assert_eq!(words[..5], ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--"]);
        for limit in ["--as=12884901888:12884901888", "--core=0:0", "--nofile=256:256"] {
            assert!(words.contains(&limit.to_owned()), "{limit} is missing from {words:?}");
        }
        assert_eq!(bare.level(), "limits");
        let command = bare.command(Path::new("/usr/bin/ffmpeg"), Some(Path::new("/out/.x")), ChildLimits::WORKING);
        assert_eq!(command.get_current_dir(), Some(Path::new("/out/.x")));
    }

    #[test]
    fn a_child_sees_nothing_of_our_environment() {
        let command = sandbox(None).command(Path::new("/usr/bin/ffmpeg"), None, ChildLimits::WORKING);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn no_child_asks_for_more_than_the_system_has() {
        let system = ChildLimits { memory_bytes: 1 << 30, files: 100, ..ChildLimits::WORKING };
        let words = words(&Sandbox { system, ..sandbox(None) }, "/usr/bin/ffmpeg", None);
        for limit in ["--as=1073741824:1073741824", "--nofile=100:100"] {
            assert!(words.contains(&limit.to_owned()), "{limit} is missing from {words:?}");
        }
    }

    #[test]
    fn a_required_sandbox_that_is_missing_is_an_error() {
        let nowhere = SearchPath { path: "/nonexistent".into(), ffmpeg: None };
        let found = Sandbox::find(&nowhere, SandboxPolicy::Required);
        assert!(matches!(found, Err(Error::SandboxUnavailable)), "{found:?}");
        assert_eq!(Sandbox::find(&nowhere, SandboxPolicy::Auto).unwrap().level(), "none");
    }
}
