//! Alpha in a track of its own, as in animated AVIF: which track of an MP4 holds the alpha of which
//! other one. ffmpeg shows both as video.

use std::{fs::File, io};

use clearcut_frame::Size;
use serde::Deserialize;

use crate::{
    AlphaStream, MediaError, argv,
    boxes::{BoxSpan, boxes_in, read_at, u32_at},
};

/// A track that holds the alpha of another track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AlphaTrack {
    /// Its number in the file.
    pub(crate) id: u32,
    /// The number of the track with the color.
    pub(crate) color_id: u32,
    /// Whether the color is multiplied by the alpha already.
    pub(crate) is_premultiplied: bool,
}

/// Limit of boxes to visit within the file, and within one box of it. A crafted file can have
/// millions.
const MAX_TOP_BOXES: usize = 1000;
const MAX_BOXES: usize = 100;

/// The kinds of auxiliary tracks that are alpha: AVIF, and HEVC (ISO/IEC 23008-12, 6.5.8).
const ALPHA_KINDS: [&[u8]; 2] = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0"];

/// The alpha tracks of the MP4 in `file`.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn alpha_tracks(file: &File) -> io::Result<Vec<AlphaTrack>> {
    let end = file.metadata()?.len();
    let top = boxes_in(file, 0, end, MAX_TOP_BOXES)?;
    let Some(movie) = top.into_iter().find(|span| span.name == *b"moov") else { return Ok(Vec::new()) };
    let mut tracks = Vec::new();
    for track in children(file, &movie)?.into_iter().filter(|span| span.name == *b"trak") {
        tracks.push(Track::read(file, &track)?);
    }
    let alpha = tracks.iter().filter(|track| !track.is_other_kind).filter_map(|track| {
        let color_id = track.auxiliary_of?;
        let is_premultiplied =
            tracks.iter().any(|color| color.id == color_id && color.premultiplied_by == Some(track.id));
        Some(AlphaTrack { id: track.id, color_id, is_premultiplied })
    });
    Ok(alpha.collect())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FfprobeOutput {
    streams: Vec<Stream>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Stream {
    index: usize,
    /// The number of the track, in hexadecimal.
    id: String,
    codec_name: String,
    width: u32,
    height: u32,
    color_range: String,
}

impl Stream {
    fn track_id(&self) -> Option<u32> {
        track_id(&self.id)
    }
}

/// The number of a track in an MP4, from ffprobe's `id`.
pub(crate) fn track_id(id: &str) -> Option<u32> {
    u32::from_str_radix(id.strip_prefix("0x")?, 16).ok()
}

/// The stream that holds the alpha of the video stream `color_stream`, by ffprobe's JSON.
///
/// # Errors
/// [`MediaError::PremultipliedAlpha`], [`MediaError::UnsupportedCodec`].
pub(crate) fn alpha_stream(
    tracks: &[AlphaTrack],
    color_stream: usize,
    json: &[u8],
) -> Result<Option<AlphaStream>, MediaError> {
    let output: FfprobeOutput = serde_json::from_slice(json).map_err(|_| MediaError::Damaged)?;
    let Some(color) = output.streams.iter().find(|stream| stream.index == color_stream) else { return Ok(None) };
    let Some(track) = tracks.iter().find(|track| color.track_id() == Some(track.color_id)) else { return Ok(None) };
    let Some(alpha) = output.streams.iter().find(|stream| stream.track_id() == Some(track.id)) else {
        return Ok(None);
    };
    if track.is_premultiplied {
        return Err(MediaError::PremultipliedAlpha);
    }
    if !argv::decodes_codec(&alpha.codec_name) {
        let codec = alpha.codec_name.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        return Err(MediaError::UnsupportedCodec { track: alpha.index + 1, codec });
    }
    let size = Size::new(color.width, color.height).ok_or(MediaError::Damaged)?;
    Ok(Some(AlphaStream { stream: alpha.index, size, is_limited: alpha.color_range == "tv" }))
}

/// What the boxes of one track say about alpha.
#[derive(Default)]
struct Track {
    id: u32,
    /// The track that this one belongs to.
    auxiliary_of: Option<u32>,
    /// The alpha track that the color is multiplied by.
    premultiplied_by: Option<u32>,
    /// Whether the track says that it is something else than alpha, such as depth.
    is_other_kind: bool,
}

impl Track {
    fn read(file: &File, track: &BoxSpan) -> io::Result<Self> {
        let mut found = Self::default();
        for span in children(file, track)? {
            match &span.name {
                // ISO/IEC 14496-12, 8.3.2: the number follows two times of 32 or 64 bits.
                b"tkhd" => {
                    let is_long = u32_at(file, span.content)? >> 24 == 1;
                    found.id = number_at(file, span.content + if is_long { 20 } else { 12 })?;
                }
                b"tref" => {
                    for reference in children(file, &span)? {
                        let target = number_at(file, reference.content)?;
                        match &reference.name {
                            b"auxl" => found.auxiliary_of = Some(target),
                            b"prem" => found.premultiplied_by = Some(target),
                            _ => {}
                        }
                    }
                }
                b"mdia" => found.is_other_kind = names_other_kind(file, &span)?,
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Whether the first sample entry of a track names an auxiliary kind that is not alpha.
fn names_other_kind(file: &File, media: &BoxSpan) -> io::Result<bool> {
    let Some(information) = child(file, media, *b"minf")? else { return Ok(false) };
    let Some(samples) = child(file, &information, *b"stbl")? else { return Ok(false) };
    let Some(descriptions) = child(file, &samples, *b"stsd")? else { return Ok(false) };
    // ISO/IEC 14496-12, 8.5.2 and 12.1.3: version, flags and count; then 78 bytes of a visual entry.
    let Some(entry) = boxes_in(file, descriptions.content + 8, descriptions.end, 1)?.pop() else { return Ok(false) };
    let kinds = boxes_in(file, entry.content + 78, entry.end, MAX_BOXES)?;
    let Some(kind) = kinds.into_iter().find(|span| span.name == *b"auxi") else { return Ok(false) };
    Ok(!names_alpha(file, kind.content + 4)?)
}

/// Whether the bytes at an offset name the kind of auxiliary pictures that is alpha.
pub(crate) fn names_alpha(file: &File, at: u64) -> io::Result<bool> {
    for alpha in ALPHA_KINDS {
        let is_named = (0..alpha.len()).try_fold(true, |is_equal, index| {
            Ok::<bool, io::Error>(is_equal && read_at::<1>(file, at + index as u64)? == Some([alpha[index]]))
        })?;
        if is_named {
            return Ok(true);
        }
    }
    Ok(false)
}

fn children(file: &File, span: &BoxSpan) -> io::Result<Vec<BoxSpan>> {
    boxes_in(file, span.content, span.end, MAX_BOXES)
}

fn child(file: &File, span: &BoxSpan, name: [u8; 4]) -> io::Result<Option<BoxSpan>> {
    Ok(children(file, span)?.into_iter().find(|child| child.name == name))
}

fn number_at(file: &File, at: u64) -> io::Result<u32> {
    Ok(read_at::<4>(file, at)?.map_or(0, u32::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat()
    }

    fn track(id: u32, reference: Option<(&[u8; 4], u32)>, kind: Option<&[u8]>) -> Vec<u8> {
        let header = boxed(*b"tkhd", &[vec![0; 12], id.to_be_bytes().to_vec(), vec![0; 60]].concat());
        let references = reference.map(|(name, to)| boxed(*b"tref", &boxed(*name, &to.to_be_bytes())));
        let kind = kind.map(|kind| boxed(*b"auxi", &[&[0; 4], kind].concat())).unwrap_or_default();
        let entry = boxed(*b"av01", &[vec![0; 78], kind].concat());
        let description = boxed(*b"stsd", &[vec![0, 0, 0, 0, 0, 0, 0, 1], entry].concat());
        let media = boxed(*b"mdia", &boxed(*b"minf", &boxed(*b"stbl", &description)));
        boxed(*b"trak", &[header, references.unwrap_or_default(), media].concat())
    }

    fn found(tracks: &[Vec<u8>]) -> Vec<AlphaTrack> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[boxed(*b"ftyp", b"avis"), boxed(*b"moov", &tracks.concat())].concat()).unwrap();
        alpha_tracks(&file).unwrap()
    }

    #[test]
    fn the_alpha_track_is_the_one_that_refers_to_another_track() {
        let alpha = AlphaTrack { id: 2, color_id: 1, is_premultiplied: false };
        let color = || track(1, None, None);
        for kind in [None, Some(ALPHA_KINDS[0]), Some(ALPHA_KINDS[1])] {
            assert_eq!(found(&[color(), track(2, Some((b"auxl", 1)), kind)]), [alpha]);
        }
        let premultiplied = track(1, Some((b"prem", 2)), None);
        let expected = AlphaTrack { is_premultiplied: true, ..alpha };
        assert_eq!(found(&[premultiplied, track(2, Some((b"auxl", 1)), None)]), [expected]);
    }

    #[test]
    fn only_a_few_boxes_are_read() {
        let filler = |count: usize| boxed(*b"free", b"").repeat(count);
        let behind = |count: usize| found(&[track(1, None, None), filler(count), track(2, Some((b"auxl", 1)), None)]);
        assert_eq!(behind(MAX_BOXES - 2).len(), 1);
        assert_eq!(behind(MAX_BOXES - 1), []);
    }

    #[test]
    fn a_second_video_and_a_depth_map_are_no_alpha() {
        assert_eq!(found(&[track(1, None, None), track(2, None, None)]), []);
        assert_eq!(found(&[track(1, None, None), track(2, Some((b"cdsc", 1)), None)]), []);
        let depth = b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0".as_slice();
        assert_eq!(found(&[track(1, None, None), track(2, Some((b"auxl", 1)), Some(depth))]), []);
    }
}
