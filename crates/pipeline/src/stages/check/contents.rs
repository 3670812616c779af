//! What a file holds, told without decoding: so the pictures of a joined file can be compared with
//! those of its pieces, which were decoded.

use std::{fs::File, io::BufReader, mem, path::Path};

use clearcut_animation::{Error as AnimationError, StoredPart, read_apng, read_webp};
use clearcut_ffmpeg::{EncodePlan, ListedPacket, PacketListing, Tools};
use clearcut_frame::FrameRate;
use clearcut_job::OutputFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Error, Stop};

/// The coded pictures of a piece: frames, or the patches of an animation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// What a decoder is set up by, beside the pictures.
    pub(crate) decoder_setup: String,
    /// Number of the pictures.
    pub(super) pictures: u64,
    /// SHA-256 over the pictures in the order of the file: of each when it is shown, from the start of
    /// the piece, and its bytes or hashes of them.
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
    /// Reads the file of `plan` in `scratch`, whose pieces have `lengths` pictures. What goes beyond
    /// them counts to the last piece. Blocks.
    ///
    /// # Errors
    /// [`Error::CheckFailed`] if the file is damaged, or if frames are not at their times;
    /// [`Error::Io`].
    pub(super) fn read(
        (tools, stop): (&Tools, &Stop),
        plan: &EncodePlan,
        scratch: &Path,
        lengths: &[u64],
    ) -> Result<Self, Error> {
        let pieces = Pieces { lengths, first: 0, pictures: 0, digest: Sha256::new(), read: Vec::new() };
        match plan.format {
            OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Mov | OutputFormat::Matte => {
                read_video((tools, stop), plan, scratch, pieces)
            }
            OutputFormat::Webp => read_animation(plan, scratch, pieces, |file, visit| read_webp(file, visit)),
            OutputFormat::Apng => read_animation(plan, scratch, pieces, |file, visit| read_apng(file, visit)),
            OutputFormat::Mp4
            | OutputFormat::Gif
            | OutputFormat::HevcAlpha
            | OutputFormat::PngSequence
            | OutputFormat::SpriteSheet
            | OutputFormat::Foreground
            | OutputFormat::Poster => Err(Error::not_of_pieces(plan.format)),
        }
    }
}

fn read_video(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    mut pieces: Pieces,
) -> Result<FileContents, Error> {
    let reading = |source| Error::Io { doing: "checking an output", source };
    let mut child = stop.register(tools.list_packets(plan, scratch)?);
    let (mut sound_end_secs, mut decoder_setup) = (None, String::new());
    if let Some(pipe) = child.take_stdout() {
        let packets = PacketListing::open(pipe).map_err(reading)?;
        packets.decoder_setup().clone_into(&mut decoder_setup);
        for packet in packets {
            let ListedPacket { is_sound, secs: (start, end), content } = packet.map_err(reading)?;
            if is_sound {
                sound_end_secs = Some(end);
                continue;
            }
            pieces.begin_picture();
            // Of a piece, every picture is a frame.
            let number = frame_at(start, plan.frame_rate).and_then(|number| number.checked_sub(pieces.first));
            let number = number.ok_or_else(|| Error::CheckFailed {
                format: plan.format,
                finding: format!("a picture is shown at {start} s, which is not the start of a frame of its piece"),
            })?;
            pieces.digest.update(format!("{number} {content}\n"));
        }
    }
    child.wait()?;
    Ok(FileContents { pieces: pieces.finish(&decoder_setup), sound_end_secs })
}

/// Number of the frame that starts at `secs`; `None` if none does.
fn frame_at(secs: f64, rate: FrameRate) -> Option<u64> {
    let number = (secs * rate.per_second()).round().max(0.0) as u64;
    let difference = (rate.start_of(number).as_secs_f64() - secs).abs();
    (difference <= TIME_TOLERANCE_SECS).then_some(number)
}

/// Receives what a file stores.
type Visit<'a> = &'a mut dyn FnMut(StoredPart) -> Result<(), AnimationError>;

fn read_animation(
    plan: &EncodePlan,
    scratch: &Path,
    mut pieces: Pieces,
    read: impl FnOnce(BufReader<File>, Visit) -> Result<(), AnimationError>,
) -> Result<FileContents, Error> {
    let reading = |source| Error::Io { doing: "checking an output", source };
    let file = File::open(scratch.join(plan.file_name())).map_err(reading)?;
    let mut decoder_setup = String::new();
    read(BufReader::new(file), &mut |part| {
        if let StoredPart::Patch(_) = part {
            pieces.begin_picture();
        }
        match part {
            StoredPart::Canvas(canvas) => decoder_setup = hex::encode(canvas),
            StoredPart::Patch(bytes) | StoredPart::Pixels(bytes) => {
                pieces.digest.update((bytes.len() as u64).to_le_bytes());
                pieces.digest.update(bytes);
            }
        }
        Ok(())
    })
    .map_err(|error| match error {
        AnimationError::Write(source) => reading(source),
        source => Error::CheckFailed { format: plan.format, finding: source.to_string() },
    })?;
    Ok(FileContents { pieces: pieces.finish(&decoder_setup), sound_end_secs: None })
}

/// Pictures that are divided into pieces by their number, and digested.
struct Pieces<'a> {
    lengths: &'a [u64],
    /// Number of pictures before the piece.
    first: u64,
    /// Number of pictures of the piece so far.
    pictures: u64,
    digest: Sha256,
    /// Number and digest of the pictures of the pieces before.
    read: Vec<(u64, String)>,
}

impl Pieces<'_> {
    fn begin_picture(&mut self) {
        let piece = self.read.len();
        if piece + 1 < self.lengths.len() && self.pictures == self.lengths[piece] {
            self.end_piece();
        }
        self.pictures += 1;
    }

    fn end_piece(&mut self) {
        let (pictures, digest) = (mem::take(&mut self.pictures), mem::take(&mut self.digest));
        self.first += pictures;
        self.read.push((pictures, hex::encode(digest.finalize())));
    }

    fn finish(mut self, decoder_setup: &str) -> Vec<Contents> {
        self.end_piece();
        let contents = |(pictures, digest)| Contents { decoder_setup: decoder_setup.to_owned(), pictures, digest };
        self.read.into_iter().map(contents).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_that_of_a_frame_or_of_none() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        // Frame 100 begins at 3.336667 s, frame 101 at 3.370033 s.
        for (secs, frame) in
            [(0.0, Some(0)), (3.337, Some(100)), (3.370_033, Some(101)), (3.35, None), (3.335, None), (-0.033, None)]
        {
            assert_eq!(frame_at(secs, rate), frame, "{secs}");
        }
    }

    #[test]
    fn pictures_are_divided_by_the_lengths_of_the_pieces() {
        let read = |lengths: &[u64], pictures: &[&str]| {
            let mut pieces = Pieces { lengths, first: 0, pictures: 0, digest: Sha256::new(), read: Vec::new() };
            for picture in pictures {
                pieces.begin_picture();
                pieces.digest.update(picture);
            }
            pieces.finish("vp9")
        };
        let [ab, c] = [["a", "b"].as_slice(), &["c"]].map(|pictures| read(&[9], pictures).remove(0));
        assert_eq!((ab.pictures, c.pictures), (2, 1));
        assert_eq!(read(&[2, 1], &["a", "b", "c"]), [ab.clone(), c]);
        assert_ne!(read(&[2, 1], &["a", "b", "c", "d"])[1], read(&[9], &["c"])[0], "one picture too many");
        assert_eq!(read(&[2, 1], &["a", "b"]), [ab], "the second piece is missing");
    }
}
