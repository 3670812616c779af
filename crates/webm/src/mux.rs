use std::io::{Read, Seek, SeekFrom, Write};

use crate::{
    Error, WebmSettings,
    cluster::{Cluster, Frame},
    ebml::{Elements, id_of, length_in_place},
    ivf::{Frames, is_key_frame},
    ogg::{OpusHead, Packets, SAMPLE_RATE, samples_in},
    tracks::{VIDEO_TRACK, file_header, info, nanos_of, tracks},
};

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CUES: u32 = 0x1C53_BB6B;

/// Writes `color` and `alpha` (VP9 in IVF, a frame of each for every frame) and `sound` (Opus in Ogg) as one file, and says how many
/// frames it holds. `out` is written from where it stands.
///
/// # Errors
/// [`Error::Stream`] where the streams are not what they should be or not of one length, [`Error::Read`], [`Error::Write`].
pub fn write_webm(
    settings: &WebmSettings,
    color: impl Read,
    alpha: impl Read,
    sound: Option<impl Read>,
    out: impl Write + Seek,
) -> Result<u64, Error> {
    let (mut color, mut alpha) = (Frames::open(color)?, Frames::open(alpha)?);
    let mut sound = sound.map(Sound::open).transpose()?;
    let mut file = File::begin(out, settings, sound.as_ref().map(|sound| &sound.head))?;
    let start_ms = |index| (settings.frame_rate.start_of(index).as_secs_f64() * 1000.0).round() as u64;
    let mut count = 0;
    loop {
        let (color, alpha) = match (color.next_frame()?, alpha.next_frame()?) {
            (Some(color), Some(alpha)) => (color, alpha),
            (None, None) => break,
            _ => return Err(Error::Stream("there are more frames in one of color and alpha")),
        };
        let at_ms = start_ms(count);
        file.push_sound(sound.as_mut(), at_ms)?;
        let is_key = is_key_frame(&color) && is_key_frame(&alpha);
        let before = (!is_key).then(|| at_ms - start_ms(count.saturating_sub(1)));
        file.push_frame(&Frame { at_ms, color: &color, alpha: &alpha, predicted_from_ms_before: before })?;
        count += 1;
    }
    file.push_sound(sound.as_mut(), u64::MAX)?;
    let frames_ms = settings.frame_rate.start_of(count).as_secs_f64() * 1000.0;
    file.end(frames_ms.max(sound.map_or(0.0, |sound| sound.length_ms())))?;
    Ok(count)
}

/// The packets of sound, of which one waits for its time.
struct Sound<R> {
    head: OpusHead,
    packets: Packets<R>,
    waiting: Option<Vec<u8>>,
    /// Samples before the one that waits.
    samples: u64,
}

impl<R: Read> Sound<R> {
    fn open(file: R) -> Result<Self, Error> {
        let mut packets = Packets::open(file);
        let head = packets.next_packet()?.and_then(OpusHead::parse).ok_or(Error::Stream("the sound is not Opus"))?;
        packets.next_packet()?; // The tags.
        let waiting = packets.next_packet()?;
        Ok(Self { head, packets, waiting, samples: 0 })
    }

    fn at_ms(&self) -> u64 {
        self.samples * 1000 / SAMPLE_RATE
    }

    fn length_ms(&self) -> f64 {
        (self.samples.min(self.packets.samples())).saturating_sub(self.head.pre_skip.into()) as f64 * 1000.0
            / SAMPLE_RATE as f64
    }
}

/// A file that is being written.
struct File<W> {
    out: W,
    /// Where the segment's length lies, and where its payload begins, which positions count from.
    length_at: u64,
    payload_at: u64,
    info_at: u64,
    cluster: Cluster,
    /// Where in the payload the cluster will lie.
    cluster_at: u64,
    cues: Elements,
}

impl<W: Write + Seek> File<W> {
    fn begin(mut out: W, settings: &WebmSettings, sound: Option<&OpusHead>) -> Result<Self, Error> {
        let header = file_header();
        out.write_all(header.as_slice()).map_err(Error::Write)?;
        out.write_all(&id_of(SEGMENT)).map_err(Error::Write)?;
        let length_at = out.stream_position().map_err(Error::Write)?;
        let payload_at = length_at + 8;
        let mut head = Elements::default();
        head.master(INFO, &info(0.0)).master(TRACKS, &tracks(settings, sound));
        let info_at = seek_head(0, 0, 0).len() as u64;
        out.write_all(&length_in_place(0)).map_err(Error::Write)?;
        let tracks_at = info_at + element_len(INFO, &info(0.0));
        out.write_all(seek_head(info_at, tracks_at, 0).as_slice()).map_err(Error::Write)?;
        out.write_all(head.as_slice()).map_err(Error::Write)?;
        let cluster_at = info_at + head.len() as u64;
        Ok(Self {
            out,
            length_at,
            payload_at,
            info_at,
            cluster: Cluster::default(),
            cluster_at,
            cues: Elements::default(),
        })
    }

    /// Every packet that begins before `until_ms`.
    fn push_sound<R: Read>(&mut self, sound: Option<&mut Sound<R>>, until_ms: u64) -> Result<(), Error> {
        let Some(sound) = sound else { return Ok(()) };
        while sound.at_ms() < until_ms
            && let Some(packet) = sound.waiting.take()
        {
            let at_ms = sound.at_ms();
            sound.samples += samples_in(&packet);
            sound.waiting = sound.packets.next_packet()?;
            let ends = sound.waiting.is_none();
            let surplus = if ends { sound.samples.saturating_sub(sound.packets.samples()) } else { 0 };
            if self.cluster.is_full(at_ms) {
                self.end_cluster(at_ms)?;
            }
            self.cluster.push_sound(at_ms, &packet, nanos_of(surplus));
        }
        Ok(())
    }

    fn push_frame(&mut self, frame: &Frame) -> Result<(), Error> {
        let is_key = frame.predicted_from_ms_before.is_none();
        if is_key || self.cluster.is_full(frame.at_ms) {
            self.end_cluster(frame.at_ms)?;
        }
        if is_key {
            self.point_to(frame.at_ms);
        }
        self.cluster.push_frame(frame);
        Ok(())
    }

    fn end_cluster(&mut self, next_ms: u64) -> Result<(), Error> {
        if !self.cluster.is_empty() {
            let element = self.cluster.element();
            self.out.write_all(element.as_slice()).map_err(Error::Write)?;
            self.cluster_at += element.len() as u64;
        }
        self.cluster.restart(next_ms);
        Ok(())
    }

    /// A place that players can jump to.
    fn point_to(&mut self, at_ms: u64) {
        let mut place = Elements::default();
        place.unsigned(0xF7, VIDEO_TRACK.into()).unsigned(0xF1, self.cluster_at); // CueTrack, CueClusterPosition
        let mut point = Elements::default();
        point.unsigned(0xB3, at_ms).master(0xB7, &place); // CueTime, CueTrackPositions
        self.cues.master(0xBB, &point); // CuePoint
    }

    fn end(mut self, duration_ms: f64) -> Result<(), Error> {
        self.end_cluster(0)?;
        let mut cues = Elements::default();
        cues.master(CUES, &self.cues);
        self.out.write_all(cues.as_slice()).map_err(Error::Write)?;
        let (cues_at, length) = (self.cluster_at, self.cluster_at + cues.len() as u64);
        let mut known = Elements::default();
        known.master(INFO, &info(duration_ms));
        let tracks_at = self.info_at + known.len() as u64;
        let mut patch = |at: u64, bytes: &[u8]| -> std::io::Result<()> {
            self.out.seek(SeekFrom::Start(at))?;
            self.out.write_all(bytes)
        };
        patch(self.length_at, &length_in_place(length)).map_err(Error::Write)?;
        patch(self.payload_at, seek_head(self.info_at, tracks_at, cues_at).as_slice()).map_err(Error::Write)?;
        patch(self.payload_at + self.info_at, known.as_slice()).map_err(Error::Write)?;
        self.out.flush().map_err(Error::Write)
    }
}

fn element_len(id: u32, inner: &Elements) -> u64 {
    let mut element = Elements::default();
    element.master(id, inner);
    element.len() as u64
}

/// `SeekHead`, of the same length whatever the positions are.
fn seek_head(info_at: u64, tracks_at: u64, cues_at: u64) -> Elements {
    let mut entries = Elements::default();
    for (id, at) in [(INFO, info_at), (TRACKS, tracks_at), (CUES, cues_at)] {
        let mut entry = Elements::default();
        entry.bytes(0x53AB, &[&id_of(id)]).unsigned_in_place(0x53AC, at); // SeekID, SeekPosition
        entries.master(0x4DBB, &entry); // Seek
    }
    let mut head = Elements::default();
    head.master(0x114D_9B74, &entries);
    head
}
