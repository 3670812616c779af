//! The MOV files that ffmpeg writes: frame headers that an old ffmpeg wrote wrongly are mended in
//! place, and the sample entry and every frame header are checked against what editors expect.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
};

use clearcut_ffmpeg::EncodePlan;
use clearcut_job::OutputFormat;

use crate::Error;

mod boxes;
mod frame_header;
mod sample_entry;
mod sample_table;

use boxes::{boxes, find_path, read_index};
use frame_header::{Expected, FrameHeader, HEADER_BYTES};
use sample_entry::check_sample_entry;
use sample_table::{Sample, SampleTable};

/// The reason that a MOV cannot be used.
#[derive(Debug)]
enum Fault {
    Io(io::Error),
    /// What is wrong, for people.
    Finding(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Fault {
    fn finding(text: impl Into<String>) -> Self {
        Self::Finding(text.into())
    }

    fn into_error(self, doing: &'static str) -> Error {
        match self {
            Self::Io(source) => Error::from_write(doing, source),
            Self::Finding(finding) => Error::CheckFailed { format: OutputFormat::Mov, finding },
        }
    }
}

/// Mends the ProRes frame headers of the MOV at `path` where they break SMPTE RDD 36, as those of
/// ffmpeg up to 6.1 do. Only frame headers are written, and no length changes.
///
/// # Errors
/// [`Error::CheckFailed`] if the file is no MOV with ProRes frames, [`Error::Io`], a full disk.
pub(crate) fn mend_frame_headers(path: &Path) -> Result<(), Error> {
    let mend = || {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        for_each_frame(&file, &read_index(&file)?, |sample, head| {
            let header = FrameHeader::parse(head, sample.len).map_err(Fault::Finding)?;
            if let Some(mended) = header.mended() {
                file.write_all_at(&mended, sample.offset)?;
            }
            Ok(())
        })
    };
    mend().map_err(|fault| fault.into_error("writing an output"))
}

/// Checks the sample entry and every frame header of the MOV at `path`.
///
/// # Errors
/// [`Error::CheckFailed`] with the first finding, or [`Error::Io`].
pub(crate) fn check_mov(path: &Path, plan: &EncodePlan) -> Result<(), Error> {
    let expected = Expected { size: plan.size, code_points: plan.color_tags().code_points };
    let check = || {
        let file = File::open(path)?;
        let index = read_index(&file)?;
        let entry = find_path(video_track(&index)?, &[*b"mdia", *b"minf", *b"stbl", *b"stsd"]);
        check_sample_entry(entry.ok_or_else(|| Fault::finding("it has no sample entry"))?, &expected)
            .map_err(Fault::Finding)?;
        let mut number = 0_u64;
        for_each_frame(&file, &index, |sample, head| {
            let checked = FrameHeader::parse(head, sample.len).and_then(|header| header.check(&expected));
            number += 1;
            checked.map_err(|finding| Fault::Finding(format!("frame {}: {finding}", number - 1)))
        })
    };
    check().map_err(|fault| fault.into_error("checking an output"))
}

/// Calls `visit` with each video frame's position and first bytes.
fn for_each_frame(
    file: &File,
    index: &[u8],
    mut visit: impl FnMut(Sample, &[u8; HEADER_BYTES]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let table = find_path(video_track(index)?, &[*b"mdia", *b"minf", *b"stbl"]).and_then(SampleTable::parse);
    let table = table.ok_or_else(|| Fault::finding("its sample table is damaged"))?;
    let mut head = [0; HEADER_BYTES];
    for sample in table.samples() {
        let sample = sample.ok_or_else(|| Fault::finding("its sample table contradicts itself"))?;
        file.read_exact_at(&mut head, sample.offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::finding("a frame lies beyond its end"),
            _ => Fault::Io(error),
        })?;
        visit(sample, &head)?;
    }
    Ok(())
}

/// The content of the video track's box.
fn video_track(index: &[u8]) -> Result<&[u8], Fault> {
    let is_video = |track: &&[u8]| {
        // ISO/IEC 14496-12, 8.4.3: version and flags, a reserved number, the handler.
        let handler = find_path(track, &[*b"mdia", *b"hdlr"]);
        handler.is_some_and(|handler| handler.get(8..12) == Some(b"vide"))
    };
    let mut tracks = boxes(index).filter(|(name, _)| *name == b"trak").map(|(_, track)| track);
    tracks.find(is_video).ok_or_else(|| Fault::finding("it has no video track"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use clearcut_ffmpeg::ColorTags;
    use clearcut_frame::{FrameRate, Size, Subsampling};
    use clearcut_job::Speed;
    use tempfile::NamedTempFile;

    use super::{boxes::boxed, *};

    /// A frame as ffmpeg up to 6.1 writes it: 64×48, SMPTE 170M, 200 bytes.
    fn old_frame() -> Vec<u8> {
        let mut frame = b"\0\0\0\xC8icpf\0\x14\0\0apl0\0\x40\0\x30\xC0\0\x06\x01\x06\x42\0\0".to_vec();
        frame.extend([0x40, 0, 0, 0, 0xAC]);
        frame.resize(200, 7);
        frame
    }

    fn numbers(name: [u8; 4], numbers: &[u32]) -> Vec<u8> {
        boxed(name, &[0].iter().chain(numbers).flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>())
    }

    fn nested(path: &[[u8; 4]], content: &[u8]) -> Vec<u8> {
        path.iter().rev().fold(content.to_vec(), |content, name| boxed(*name, &content))
    }

    fn mov(frames: &[Vec<u8>]) -> NamedTempFile {
        let mut entry = vec![0; 78];
        (entry[25], entry[27], entry[75]) = (64, 48, 32);
        entry.extend(boxed(*b"colr", b"nclc\0\x06\0\x01\0\x06"));
        let mut sizes = vec![0, frames.len() as u32];
        sizes.extend(frames.iter().map(|frame| frame.len() as u32));
        let stbl = [
            boxed(*b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], boxed(*b"ap4h", &entry).as_slice()].concat()),
            numbers(*b"stsc", &[1, 1, frames.len() as u32, 1]),
            numbers(*b"stsz", &sizes),
            numbers(*b"stco", &[1, 8]),
        ];
        let handler = boxed(*b"hdlr", b"\0\0\0\0mhlrvide");
        let media = [handler, nested(&[*b"minf", *b"stbl"], &stbl.concat())].concat();
        let sound = nested(&[*b"trak", *b"mdia"], &boxed(*b"hdlr", b"\0\0\0\0mhlrsoun"));
        let tracks = [sound, nested(&[*b"trak", *b"mdia"], &media)].concat();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&[boxed(*b"mdat", &frames.concat()), boxed(*b"moov", &tracks)].concat()).unwrap();
        file
    }

    fn check(file: &NamedTempFile) -> Result<(), String> {
        let plan = EncodePlan {
            format: OutputFormat::Mov,
            size: Size::new(64, 48).unwrap(),
            subsampling: Subsampling::Full,
            frame_rate: FrameRate::new(25, 1).unwrap(),
            color: ColorTags::BT601_525,
            quality: "60".parse().unwrap(),
            edge_color: None,
            speed: Speed::Balanced,
            crf: None,
            plays: 0,
            has_audio: false,
            threads: 1,
        };
        check_mov(file.path(), &plan).map_err(|error| error.to_string())
    }

    #[test]
    fn frames_of_an_old_ffmpeg_are_refused_until_their_headers_are_mended() {
        let old = old_frame();
        let file = mov(&[old.clone(), old.clone()]);
        let before = std::fs::read(file.path()).unwrap();
        assert!(check(&file).unwrap_err().contains("frame 0: its version is 0"));
        mend_frame_headers(file.path()).unwrap();
        assert_eq!(check(&file), Ok(()));
        let after = std::fs::read(file.path()).unwrap();
        let changed: Vec<_> =
            before.iter().zip(&after).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
        assert_eq!(changed, [8 + 11, 8 + 25, 208 + 11, 208 + 25]);
        mend_frame_headers(file.path()).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), after);
    }

    #[test]
    fn the_number_of_a_wrong_frame_is_told() {
        let mut wrong = old_frame();
        wrong[24] = 9;
        let file = mov(&[old_frame(), old_frame(), wrong]);
        mend_frame_headers(file.path()).unwrap();
        assert!(check(&file).unwrap_err().contains("frame 2: its color is [6, 1, 9]"));
    }

    #[test]
    fn what_is_no_prores_file_is_refused_and_not_written_to() {
        let mut other = old_frame();
        other[4] = b'x';
        let file = mov(&[old_frame(), other]);
        assert!(mend_frame_headers(file.path()).is_err());
        let whole = std::fs::read(file.path()).unwrap();
        for length in [0, 4, 100, 416, whole.len() - 1] {
            let mut cut_off = NamedTempFile::new().unwrap();
            cut_off.write_all(&whole[..length]).unwrap();
            assert!(mend_frame_headers(cut_off.path()).is_err(), "{length}");
            assert!(check(&cut_off).is_err(), "{length}");
        }
    }
}
