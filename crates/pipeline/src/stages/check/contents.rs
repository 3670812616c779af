//! What a file holds, told without decoding: so the pictures of a joined file can be compared with
//! those of its pieces, which were decoded.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, ListedPacket, PacketListing, Tools};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Error, Stop};

/// The coded pictures of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// What a decoder is set up by, beside the pictures.
    pub(crate) decoder_setup: String,
    /// SHA-256 over all pictures in the order of the file: of each the number of the frame that it
    /// shows, from the first one of the piece, and hashes of its bytes.
    digest: String,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct FileContents {
    /// Of each piece.
    pub(super) pieces: Vec<Contents>,
    /// End of the sound in seconds; `None` without sound.
    pub(super) sound_end_secs: Option<f64>,
}

/// Largest difference of a picture's time from that of its frame, in seconds: half of a WebM's
/// milliseconds, and rounding.
const TIME_TOLERANCE_SECS: f64 = 0.6e-3;

impl FileContents {
    /// Reads the file of `plan` in `scratch`, whose pieces begin at the frames `starts`, of which the
    /// first is 0. Blocks.
    ///
    /// # Errors
    /// [`Error::CheckFailed`] if the pictures are not at the times of frames, or [`Error::Io`].
    pub(super) fn read(
        (tools, stop): (&Tools, &Stop),
        plan: &EncodePlan,
        scratch: &Path,
        starts: &[u64],
    ) -> Result<Self, Error> {
        let reading = |source| Error::Io { doing: "checking an output", source };
        let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
        let mut child = stop.register(tools.list_packets(plan, scratch)?);
        let mut digests: Vec<Sha256> = starts.iter().map(|_| Sha256::new()).collect();
        let (mut piece, mut sound_end_secs, mut decoder_setup) = (0, None, String::new());
        if let Some(pipe) = child.take_stdout() {
            let packets = PacketListing::open(pipe).map_err(reading)?;
            packets.decoder_setup().clone_into(&mut decoder_setup);
            for packet in packets {
                let ListedPacket { is_sound, secs: (start, end), content } = packet.map_err(reading)?;
                if is_sound {
                    sound_end_secs = Some(end);
                    continue;
                }
                let number = frame_at(start, plan).ok_or_else(|| {
                    failed(format!("a picture is shown at {start} s, which is the start of no frame"))
                })?;
                while starts.get(piece + 1).is_some_and(|start| *start <= number) {
                    piece += 1;
                }
                let number = number.checked_sub(starts[piece]);
                let number =
                    number.ok_or_else(|| failed("the pictures are not in the order of the pieces".to_owned()))?;
                digests[piece].update(format!("{number} {content}\n"));
            }
        }
        child.wait()?;
        let contents =
            |digest: Sha256| Contents { decoder_setup: decoder_setup.clone(), digest: hex::encode(digest.finalize()) };
        Ok(Self { pieces: digests.into_iter().map(contents).collect(), sound_end_secs })
    }
}

/// Number of the frame that starts at `secs`; `None` if none does.
fn frame_at(secs: f64, plan: &EncodePlan) -> Option<u64> {
    let number = (secs * plan.frame_rate.per_second()).round().max(0.0) as u64;
    let difference = (plan.frame_rate.start_of(number).as_secs_f64() - secs).abs();
    (difference <= TIME_TOLERANCE_SECS).then_some(number)
}
