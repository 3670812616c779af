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
