//! Sandbox of the child processes: bubblewrap, resource limits and an empty environment.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Error, limits::ChildLimits, marked::MARK, search_path::SearchPath};

/// Policy for running ffmpeg inside bubblewrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxPolicy {
    /// Use bubblewrap if it is present and works.
    #[default]
    Auto,
    /// Always use bubblewrap; fail if it does not work.
    Required,
    /// Never use bubblewrap.
    Off,
}

/// The isolation of child processes from the rest of the machine. Determined once; `clearcut
/// doctor` prints it.
#[derive(Debug, Clone)]
pub struct Sandbox {
    bwrap: Option<PathBuf>,
    setpriv: Option<PathBuf>,
    prlimit: Option<PathBuf>,
    /// The system's own limits.
    system_limits: ChildLimits,
    /// Mark in the environment of every child, by which orphans are found.
    mark: Option<String>,
}

impl Sandbox {
    /// Determines which isolation works on this machine. Runs bubblewrap once.
    ///
    /// # Errors
    /// [`Error::SandboxUnavailable`] if `policy` requires bubblewrap and it does not work.
    pub(crate) fn find(search: &SearchPath, policy: SandboxPolicy) -> Result<Self, Error> {
        let bwrap = if policy == SandboxPolicy::Off { None } else { search.find("bwrap") };
        let (setpriv, prlimit) = (search.find("setpriv"), search.find("prlimit"));
        let sandbox = Self { bwrap, setpriv, prlimit, system_limits: ChildLimits::from_system(), mark: None };
        if sandbox.bwrap.is_some() && sandbox.is_usable() {
            return Ok(sandbox);
        }
        if policy == SandboxPolicy::Required {
            return Err(Error::SandboxUnavailable);
        }
        Ok(Self { bwrap: None, ..sandbox })
    }

    /// The isolation level for the log, `doctor` and `/readyz`: `bubblewrap`, `limits` (resource
    /// limits only) or `none`.
    #[must_use]
    pub const fn level(&self) -> &'static str {
        match (&self.bwrap, &self.prlimit) {
            (Some(_), _) => "bubblewrap",
            (None, Some(_)) => "limits",
            (None, None) => "none",
        }
    }

    /// Descriptions of the system limits that are lower than a clip may need.
    #[must_use]
    pub fn tight_limits(&self) -> Vec<String> {
        if self.prlimit.is_some() { self.system_limits.shortfalls() } else { Vec::new() }
    }

    /// The same sandbox, with `mark` in the environment of every child.
    #[must_use]
    pub(crate) fn marked(self, mark: &str) -> Self {
        Self { mark: Some(mark.to_owned()), ..self }
    }

    fn is_usable(&self) -> bool {
        let mut command = self.command(Path::new("/bin/true"), None, ChildLimits::WORKING);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// A command that runs `program` (an absolute path) in this sandbox. `scratch` becomes its
    /// current folder and the only place where it can write; without `scratch` it cannot write at
    /// all.
    ///
    /// The child's environment holds only `LC_ALL`, `PATH`, `TMPDIR` and the mark. The child has
    /// its own process group and dies with the thread that starts it. The number of processes is
    /// not limited: that limit counts per user, so the user's other programs would hit it first.
    pub(crate) fn command(&self, program: &Path, scratch: Option<&Path>, limits: ChildLimits) -> Command {
        self.command_seeing(program, program.parent(), scratch, limits)
    }

    /// A command that runs `program` as [`Self::command`] does, without a scratch folder. Of its
    /// folder, it sees nothing but itself.
    pub(crate) fn command_alone(&self, program: &Path, limits: ChildLimits) -> Command {
        self.command_seeing(program, Some(program), None, limits)
    }

    fn command_seeing(
        &self,
        program: &Path,
        visible: Option<&Path>,
        scratch: Option<&Path>,
        limits: ChildLimits,
    ) -> Command {
        let mut command_line: Vec<OsString> = Vec::new();
        if let Some(setpriv) = &self.setpriv {
            command_line.push(setpriv.into());
            command_line.extend(["--pdeathsig", "KILL", "--no-new-privs", "--"].map(Into::into));
        }
        if let Some(prlimit) = &self.prlimit {
            command_line.push(prlimit.into());
            command_line.extend(limits.capped_by(self.system_limits).prlimit_arguments().into_iter().map(Into::into));
            command_line.push("--".into());
        }
        if let Some(bwrap) = &self.bwrap {
            command_line.push(bwrap.into());
            command_line.extend(bubblewrap_arguments(visible, scratch));
        }
        command_line.push(program.into());
        let mut command_line = command_line.into_iter();
        #[expect(clippy::disallowed_methods, reason = "every child process is started here")]
        let mut command = Command::new(command_line.next().unwrap_or_default());
        command.args(command_line).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
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

/// Folders of programs and libraries on the supported systems.
const SYSTEM_FOLDERS: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives"];

fn bubblewrap_arguments(visible: Option<&Path>, scratch: Option<&Path>) -> Vec<OsString> {
    let mut command_line: Vec<OsString> = [
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
    command_line.extend(["--tmpfs", "/tmp"].map(Into::into));
    for folder in SYSTEM_FOLDERS.map(Path::new) {
        match folder.read_link() {
            Ok(target) => command_line.extend(["--symlink".into(), target.into(), folder.into()]),
            Err(_) => command_line.extend(["--ro-bind-try".into(), folder.into(), folder.into()]),
        }
    }
    if let Some(path) = visible.filter(|path| !path.starts_with("/usr") && !path.starts_with("/bin")) {
        command_line.extend(["--ro-bind".into(), path.into(), path.into()]);
    }
    if let Some(scratch) = scratch {
        command_line.extend(["--bind".into(), scratch.into(), "/scratch".into(), "--chdir".into(), "/scratch".into()]);
    }
    command_line.push("--".into());
    command_line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(bwrap: Option<&str>) -> Sandbox {
        let path = |name: &str| Some(PathBuf::from(format!("/usr/bin/{name}")));
        let (bwrap, setpriv, prlimit) = (bwrap.map(PathBuf::from), path("setpriv"), path("prlimit"));
        Sandbox { bwrap, setpriv, prlimit, system_limits: ChildLimits::WORKING, mark: None }
    }

    fn command_line(sandbox: &Sandbox, program: &str, scratch: Option<&str>) -> Vec<String> {
        let command = sandbox.command(Path::new(program), scratch.map(Path::new), ChildLimits::WORKING);
        let all = std::iter::once(command.get_program()).chain(command.get_args());
        all.map(|word| word.to_str().unwrap().to_owned()).collect()
    }

    fn folders_after(command_line: &[String], option: &str) -> Vec<String> {
        let places = command_line.iter().enumerate().filter(|(_, word)| *word == option);
        places.map(|(index, _)| command_line[index + 1].clone()).collect()
    }

    #[test]
    fn a_sandboxed_child_has_no_network_and_no_capabilities_and_dies_with_its_parent() {
        let command_line = command_line(&sandbox(Some("/usr/bin/bwrap")), "/usr/bin/ffmpeg", Some("/out/.x"));
        for word in ["--unshare-all", "--die-with-parent", "--new-session"] {
            assert!(command_line.contains(&word.to_owned()), "{word} is missing from {command_line:?}");
        }
        assert!(!command_line.contains(&"--share-net".to_owned()));
        assert_eq!(folders_after(&command_line, "--cap-drop"), ["ALL"]);
        assert_eq!(command_line.last().unwrap(), "/usr/bin/ffmpeg");
    }

    #[test]
    fn only_the_scratch_folder_is_writable() {
        let sandbox = sandbox(Some("/usr/bin/bwrap"));
        assert_eq!(folders_after(&command_line(&sandbox, "/usr/bin/ffmpeg", Some("/out/.x")), "--bind"), ["/out/.x"]);
        let reading = command_line(&sandbox, "/usr/bin/ffmpeg", None);
        assert!(folders_after(&reading, "--bind").is_empty());
        assert!(!reading.iter().any(|word| word == "/" || word.starts_with("/home") || word == "/etc"), "{reading:?}");
    }

    #[test]
    fn the_folder_of_an_ffmpeg_outside_the_system_folders_is_mounted() {
        let command_line = command_line(&sandbox(Some("/usr/bin/bwrap")), "/opt/ffmpeg/bin/ffmpeg", None);
        assert!(folders_after(&command_line, "--ro-bind").contains(&"/opt/ffmpeg/bin".to_owned()));
    }

    #[test]
    fn a_program_that_runs_alone_sees_nothing_else_of_its_folder() {
        let sandbox = sandbox(Some("/usr/bin/bwrap"));
        let command = sandbox.command_alone(Path::new("/home/u/clearcut"), ChildLimits::UNPACKING);
        let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
        assert!(folders_after(&words, "--ro-bind").contains(&"/home/u/clearcut".to_owned()));
        assert!(!folders_after(&words, "--ro-bind").contains(&"/home/u".to_owned()));
    }

    #[test]
    fn resource_limits_and_death_with_the_parent_apply_without_bubblewrap() {
        let bare = sandbox(None);
        let command_line = command_line(&bare, "/usr/bin/ffmpeg", Some("/out/.x"));
        assert_eq!(command_line[..5], ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--"]);
        for limit in ["--as=12884901888:12884901888", "--core=0:0", "--nofile=256:256"] {
            assert!(command_line.contains(&limit.to_owned()), "{limit} is missing from {command_line:?}");
        }
        assert_eq!(bare.level(), "limits");
        let command = bare.command(Path::new("/usr/bin/ffmpeg"), Some(Path::new("/out/.x")), ChildLimits::WORKING);
        assert_eq!(command.get_current_dir(), Some(Path::new("/out/.x")));
    }

    #[test]
    fn a_child_does_not_inherit_the_environment() {
        let command = sandbox(None).command(Path::new("/usr/bin/ffmpeg"), None, ChildLimits::WORKING);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn child_limits_never_exceed_the_system_limits() {
        let system_limits = ChildLimits { memory_bytes: 1 << 30, files: 100, ..ChildLimits::WORKING };
        let command_line = command_line(&Sandbox { system_limits, ..sandbox(None) }, "/usr/bin/ffmpeg", None);
        for limit in ["--as=1073741824:1073741824", "--nofile=100:100"] {
            assert!(command_line.contains(&limit.to_owned()), "{limit} is missing from {command_line:?}");
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
