use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Error, tools::SearchPath};

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
}

/// Address space of one child. Encoders of 4K pictures map about 3 GiB; a runaway decoder is stopped here.
const ADDRESS_SPACE_BYTES: u64 = 12 << 30;
/// CPU time of one child. A backstop against a decoder that spins; the pipeline's own no-progress timer comes first.
const CPU_SECS: u64 = 24 * 3600;
/// Size of one file that a child writes. `ProRes` takes about 60 MB per second of 4K.
const FILE_BYTES: u64 = 256 << 30;
/// Open files of one child. ffmpeg with one input and one output holds about ten.
const OPEN_FILES: u64 = 256;

impl Sandbox {
    /// Finds out what works here. Starts bubblewrap once.
    ///
    /// # Errors
    /// [`Error::SandboxUnavailable`] if `policy` requires bubblewrap and it does not work.
    pub(crate) fn find(search: &SearchPath, policy: SandboxPolicy) -> Result<Self, Error> {
        let bwrap = if policy == SandboxPolicy::Off { None } else { search.find("bwrap") };
        let sandbox = Self { bwrap, setpriv: search.find("setpriv"), prlimit: search.find("prlimit") };
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

    fn works(&self) -> bool {
        let mut command = self.command(Path::new("/bin/true"), None);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// A command that runs `program` (an absolute path) in here. `scratch` becomes its current folder and the only place where
    /// it can write; without one it can write nowhere.
    ///
    /// The child has no environment but `LC_ALL`, `PATH` and `TMPDIR`, is its own process group, and dies with the thread that starts it.
    /// The number of processes is not limited: that limit counts per user, so it would hit the user's other programs first.
    pub(crate) fn command(&self, program: &Path, scratch: Option<&Path>) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(setpriv) = &self.setpriv {
            words.push(setpriv.into());
            words.extend(["--pdeathsig", "KILL", "--no-new-privs", "--"].map(Into::into));
        }
        if let Some(prlimit) = &self.prlimit {
            words.push(prlimit.into());
            let limits = [
                ("as", ADDRESS_SPACE_BYTES),
                ("cpu", CPU_SECS),
                ("fsize", FILE_BYTES),
                ("nofile", OPEN_FILES),
                ("core", 0),
            ];
            words.extend(limits.map(|(name, limit)| format!("--{name}={limit}:{limit}").into()));
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
        Sandbox { bwrap: bwrap.map(PathBuf::from), setpriv: path("setpriv"), prlimit: path("prlimit") }
    }

    fn words(sandbox: &Sandbox, program: &str, scratch: Option<&str>) -> Vec<String> {
        let command = sandbox.command(Path::new(program), scratch.map(Path::new));
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
        let command = bare.command(Path::new("/usr/bin/ffmpeg"), Some(Path::new("/out/.x")));
        assert_eq!(command.get_current_dir(), Some(Path::new("/out/.x")));
    }

    #[test]
    fn a_child_sees_nothing_of_our_environment() {
        let command = sandbox(None).command(Path::new("/usr/bin/ffmpeg"), None);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn a_required_sandbox_that_is_missing_is_an_error() {
        let nowhere = SearchPath { path: "/nonexistent".into(), ffmpeg: None };
        let found = Sandbox::find(&nowhere, SandboxPolicy::Required);
        assert!(matches!(found, Err(Error::SandboxUnavailable)), "{found:?}");
        assert_eq!(Sandbox::find(&nowhere, SandboxPolicy::Auto).unwrap().level(), "none");
    }
}
