//! Download of a model or runtime file from a URL.

use std::{fs::File, io::Write as _, path::Path};

use clearcut_outbound::{Download, DownloadLimits, Outbound, OutboundError, Piece};

use crate::Error;

/// Downloads the file at `url` into the new file `to`, which stays incomplete on failure. An
/// interrupted transfer resumes where it stopped. `progress` gets the number of bytes so far and,
/// if the host stated it, the total.
///
/// # Errors
/// If the download fails.
pub async fn fetch(
    outbound: Outbound,
    url: &str,
    to: &Path,
    limits: DownloadLimits,
    progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<(), Error> {
    let target = outbound.policy().target(url)?;
    let mut download = Download::begin(outbound, target, limits).await?;
    let create = || File::create(to).map_err(Error::io("writing a download"));
    let (mut file, mut received) = (create()?, 0);
    loop {
        match download.next().await? {
            Piece::Bytes(bytes) => {
                file.write_all(&bytes).map_err(Error::io("writing a download"))?;
                received += bytes.len() as u64;
                progress(received, download.total_bytes());
            }
            Piece::Restart => (file, received) = (create()?, 0),
            Piece::End => break,
        }
    }
    // A transfer that ends early without an error is incomplete.
    if download.total_bytes().is_some_and(|total| total != received) {
        return Err(OutboundError::TimedOut.into());
    }
    Ok(())
}
