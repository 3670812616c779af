//! The muxer: interleaves the streams by time, writes clusters, and fills in sizes and cues at the
//! end.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::{
    Error, WebmSettings,
    cluster::{Cluster, EncodedFrame},
    ebml::{Elements, encode_fixed_length, encode_id},
    ivf::{FrameReader, is_keyframe},
    ogg::{OpusHead, PacketReader, SAMPLE_RATE, samples_in},
    tracks::{VIDEO_TRACK, file_header, info, nanos_of, tracks},
};

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CUES: u32 = 0x1C53_BB6B;

/// Writes `color` and `alpha` (VP9 in IVF, with the same number of frames) and `sound` (Opus in
/// Ogg) to one file and returns its number of frames. Writing starts at the current position of
/// `out`.
///
/// # Errors
/// [`Error::Stream`] if a stream is malformed or color and alpha differ in length, [`Error::Read`],
/// [`Error::Write`].
pub fn write_webm(
    settings: &WebmSettings,
    color: impl Read,
    alpha: impl Read,
    sound: Option<impl Read>,
    out: impl Write + Seek,
) -> Result<u64, Error> {
    join_webm(settings, [Ok(color)], [Ok(alpha)], sound, out)
}

/// Writes one file as [`write_webm`] does, of streams in pieces: IVF files whose frames follow one
/// another, and which are opened one after the other. No frame is changed.
///
/// # Errors
/// Those of [`write_webm`]; [`Error::Stream`] if a piece does not begin with a keyframe.
pub fn join_webm<C: Read, A: Read>(
    settings: &WebmSettings,
    color: impl IntoIterator<Item = io::Result<C>>,
    alpha: impl IntoIterator<Item = io::Result<A>>,
    sound: Option<impl Read>,
    out: impl Write + Seek,
) -> Result<u64, Error> {
    let (mut color, mut alpha) = (FrameReader::new(color.into_iter()), FrameReader::new(alpha.into_iter()));
    let mut sound = sound.map(SoundReader::open).transpose()?;
    let mut file = Muxer::begin(out, settings, sound.as_ref().map(|sound| &sound.head))?;
    let start_ms = |index| (settings.frame_rate.start_of(index).as_secs_f64() * 1000.0).round() as u64;
    let mut count = 0;
    loop {
        let (color, alpha) = match (color.next_frame()?, alpha.next_frame()?) {
            (Some(color), Some(alpha)) => (color, alpha),
            (None, None) => break,
            _ => return Err(Error::Stream("color and alpha have different numbers of frames")),
        };
        let timestamp_ms = start_ms(count);
        file.push_sound(sound.as_mut(), timestamp_ms)?;
        let is_seekable = is_keyframe(&color) && is_keyframe(&alpha);
        let reference_distance_ms = (!is_seekable).then(|| timestamp_ms - start_ms(count.saturating_sub(1)));
        file.push_frame(&EncodedFrame { timestamp_ms, color: &color, alpha: &alpha, reference_distance_ms })?;
        count += 1;
    }
    file.push_sound(sound.as_mut(), u64::MAX)?;
    let frames_ms = settings.frame_rate.start_of(count).as_secs_f64() * 1000.0;
    file.finish(frames_ms.max(sound.map_or(0.0, |sound| sound.duration_ms())))?;
    Ok(count)
}

/// Sound packets, with one packet read ahead.
struct SoundReader<R> {
    head: OpusHead,
    packets: PacketReader<R>,
    /// The packet read ahead; `None` at the end.
    pending: Option<Vec<u8>>,
    /// Samples before the pending packet.
    samples: u64,
}

impl<R: Read> SoundReader<R> {
    fn open(file: R) -> Result<Self, Error> {
        let mut packets = PacketReader::open(file);
        let head = packets.next_packet()?.and_then(OpusHead::parse).ok_or(Error::Stream("the sound is not Opus"))?;
        packets.next_packet()?; // Skips the tags.
        let pending = packets.next_packet()?;
        Ok(Self { head, packets, pending, samples: 0 })
    }

    fn timestamp_ms(&self) -> u64 {
        self.samples * 1000 / SAMPLE_RATE
    }

    fn duration_ms(&self) -> f64 {
        (self.samples.min(self.packets.samples())).saturating_sub(self.head.pre_skip.into()) as f64 * 1000.0
            / SAMPLE_RATE as f64
    }
}

/// The WebM file under construction.
struct Muxer<W> {
    out: W,
    /// Offset of the segment's length in `out`.
    length_offset: u64,
    /// Offset of the segment's payload in `out`. The offsets below are relative to it.
    payload_offset: u64,
    info_offset: u64,
    cluster: Cluster,
    /// Offset of the current cluster.
    cluster_offset: u64,
    cues: Elements,
}

impl<W: Write + Seek> Muxer<W> {
    fn begin(mut out: W, settings: &WebmSettings, sound: Option<&OpusHead>) -> Result<Self, Error> {
        let header = file_header();
        out.write_all(header.as_slice()).map_err(Error::Write)?;
        out.write_all(&encode_id(SEGMENT)).map_err(Error::Write)?;
        let length_offset = out.stream_position().map_err(Error::Write)?;
        let payload_offset = length_offset + 8;
        let mut head = Elements::default();
        head.master(INFO, &info(0.0)).master(TRACKS, &tracks(settings, sound));
        let info_offset = seek_head(0, 0, 0).len() as u64;
        out.write_all(&encode_fixed_length(0)).map_err(Error::Write)?;
        let tracks_offset = info_offset + element_len(INFO, &info(0.0));
        out.write_all(seek_head(info_offset, tracks_offset, 0).as_slice()).map_err(Error::Write)?;
        out.write_all(head.as_slice()).map_err(Error::Write)?;
        let cluster_offset = info_offset + head.len() as u64;
        Ok(Self {
            out,
            length_offset,
            payload_offset,
            info_offset,
            cluster: Cluster::default(),
            cluster_offset,
            cues: Elements::default(),
        })
    }

    /// Appends every packet that starts before `until_ms`.
    fn push_sound<R: Read>(&mut self, sound: Option<&mut SoundReader<R>>, until_ms: u64) -> Result<(), Error> {
        let Some(sound) = sound else { return Ok(()) };
        while sound.timestamp_ms() < until_ms
            && let Some(packet) = sound.pending.take()
        {
            let timestamp_ms = sound.timestamp_ms();
            sound.samples += samples_in(&packet);
            sound.pending = sound.packets.next_packet()?;
            let is_last = sound.pending.is_none();
            let padding = if is_last { sound.samples.saturating_sub(sound.packets.samples()) } else { 0 };
            if self.cluster.is_full(timestamp_ms) {
                self.end_cluster(timestamp_ms)?;
            }
            self.cluster.push_sound(timestamp_ms, &packet, nanos_of(padding));
        }
        Ok(())
    }

    fn push_frame(&mut self, frame: &EncodedFrame) -> Result<(), Error> {
        let is_keyframe = frame.reference_distance_ms.is_none();
        if is_keyframe || self.cluster.is_full(frame.timestamp_ms) {
            self.end_cluster(frame.timestamp_ms)?;
        }
        if is_keyframe {
            self.push_cue(frame.timestamp_ms);
        }
        self.cluster.push_frame(frame);
        Ok(())
    }

    fn end_cluster(&mut self, next_ms: u64) -> Result<(), Error> {
        if !self.cluster.is_empty() {
            let element = self.cluster.element();
            self.out.write_all(element.as_slice()).map_err(Error::Write)?;
            self.cluster_offset += element.len() as u64;
        }
        self.cluster.restart(next_ms);
        Ok(())
    }

    /// Adds a cue: a keyframe that players can seek to.
    fn push_cue(&mut self, timestamp_ms: u64) {
        let mut positions = Elements::default();
        positions.unsigned(0xF7, VIDEO_TRACK.into()).unsigned(0xF1, self.cluster_offset); // CueTrack, CueClusterPosition
        let mut cue = Elements::default();
        cue.unsigned(0xB3, timestamp_ms).master(0xB7, &positions); // CueTime, CueTrackPositions
        self.cues.master(0xBB, &cue); // CuePoint
    }

    fn finish(mut self, duration_ms: f64) -> Result<(), Error> {
        self.end_cluster(0)?;
        let mut cues = Elements::default();
        cues.master(CUES, &self.cues);
        self.out.write_all(cues.as_slice()).map_err(Error::Write)?;
        let (cues_offset, length) = (self.cluster_offset, self.cluster_offset + cues.len() as u64);
        let mut final_info = Elements::default();
        final_info.master(INFO, &info(duration_ms));
        let tracks_offset = self.info_offset + final_info.len() as u64;
        let mut patch = |offset: u64, bytes: &[u8]| -> std::io::Result<()> {
            self.out.seek(SeekFrom::Start(offset))?;
            self.out.write_all(bytes)
        };
        patch(self.length_offset, &encode_fixed_length(length)).map_err(Error::Write)?;
        patch(self.payload_offset, seek_head(self.info_offset, tracks_offset, cues_offset).as_slice())
            .map_err(Error::Write)?;
        patch(self.payload_offset + self.info_offset, final_info.as_slice()).map_err(Error::Write)?;
        self.out.flush().map_err(Error::Write)
    }
}

fn element_len(id: u32, inner: &Elements) -> u64 {
    let mut element = Elements::default();
    element.master(id, inner);
    element.len() as u64
}

/// The `SeekHead` element. Its length does not depend on the offsets.
fn seek_head(info_offset: u64, tracks_offset: u64, cues_offset: u64) -> Elements {
    let mut entries = Elements::default();
    for (id, offset) in [(INFO, info_offset), (TRACKS, tracks_offset), (CUES, cues_offset)] {
        let mut entry = Elements::default();
        entry.bytes(0x53AB, &[&encode_id(id)]).fixed_unsigned(0x53AC, offset); // SeekID, SeekPosition
        entries.master(0x4DBB, &entry); // Seek
    }
    let mut head = Elements::default();
    head.master(0x114D_9B74, &entries);
    head
}
