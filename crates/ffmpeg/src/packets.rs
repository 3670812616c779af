//! The packets of an output, as ffmpeg's demuxer reads them, with hashes of their content. Nothing is
//! decoded.

use std::io::{self, BufRead, BufReader, Lines, Read};

/// A listing of packets, which [`crate::Tools::list_packets`] starts: an iterator over the packets of
/// the pictures and of the sound, each in the order of the file.
#[derive(Debug)]
pub struct PacketListing<R> {
    lines: Lines<BufReader<R>>,
    /// The first line after the head.
    first: Option<String>,
    decoder_setup: String,
    /// Seconds per unit of time, of pictures and of sound.
    units: [f64; 2],
}

/// One packet.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedPacket {
    /// Whether it is of the sound.
    pub is_sound: bool,
    /// When its presentation begins and ends, in seconds of the file.
    pub secs: (f64, f64),
    /// Its size and hash, and those of its side data, in which a WebM has its alpha.
    pub content: String,
}

impl<R: Read> PacketListing<R> {
    /// Reads the head of the listing that `pipe` gives.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(pipe: R) -> io::Result<Self> {
        let mut lines = BufReader::new(pipe).lines();
        let (mut decoder_setup, mut units, mut first) = (String::new(), [0.0; 2], None);
        for line in lines.by_ref() {
            let line = line?;
            let Some(head) = line.strip_prefix('#') else {
                first = Some(line);
                break;
            };
            for (stream, unit) in units.iter_mut().enumerate() {
                if let Some(fraction) = head.strip_prefix(&format!("tb {stream}: ")) {
                    *unit = parse_unit(fraction).ok_or_else(unexpected)?;
                }
            }
            if ["codec_id 0:", "dimensions 0:", "extradata 0,"].iter().any(|name| head.starts_with(name)) {
                let words: Vec<&str> = head.split_whitespace().collect();
                decoder_setup += &format!("{}\n", words.join(" "));
            }
        }
        Ok(Self { lines, first, decoder_setup, units })
    }

    /// What a decoder of the pictures is set up by, beside the packets: the codec, the size, and a hash
    /// of the codec's headers that the container keeps.
    #[must_use]
    pub fn decoder_setup(&self) -> &str {
        &self.decoder_setup
    }

    /// The packet of a line `stream, dts, pts, duration, size, hash` and, for each piece of side data,
    /// its size and hash.
    fn packet(&self, line: &str) -> Option<ListedPacket> {
        let mut fields = line.splitn(5, ',').map(str::trim);
        let stream: usize = fields.next()?.parse().ok()?;
        let [_decoded, shown, duration] = [fields.next()?, fields.next()?, fields.next()?];
        let (shown, duration): (i64, i64) = (shown.parse().ok()?, duration.parse().ok()?);
        let unit = self.units.get(stream).filter(|unit| **unit > 0.0)?;
        let words: Vec<&str> = fields.next()?.split_whitespace().collect();
        let secs = |time: i64| time as f64 * unit;
        let content = words.join(" ");
        Some(ListedPacket { is_sound: stream == 1, secs: (secs(shown), secs(shown + duration)), content })
    }
}

impl<R: Read> Iterator for PacketListing<R> {
    type Item = io::Result<ListedPacket>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.first.take().map(Ok).or_else(|| self.lines.next())?;
        Some(line.and_then(|line| self.packet(&line).ok_or_else(unexpected)))
    }
}

fn parse_unit(fraction: &str) -> Option<f64> {
    let (seconds, parts) = fraction.trim().split_once('/')?;
    Some(seconds.parse::<f64>().ok()? / parts.parse::<f64>().ok()?)
}

fn unexpected() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an unexpected line in a listing of packets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_pictures_and_sound_have_their_times_and_contents() {
        let listing = b"#format: frame checksums\n#version: 2\n#hash: murmur3\n\
            #extradata 0,                              46, 83a2\n#software: Lavf59.27.100\n\
            #tb 0: 1/15360\n#media_type 0: video\n#codec_id 0: h264\n#dimensions 0: 640x720\n#sar 0: 0/1\n\
            #tb 1: 1/48000\n#media_type 1: audio\n#codec_id 1: aac\n\
            #stream#, dts,        pts, duration,     size, hash\n\
            0,       -512,          0,      512,     3458, 25fc, S=1,     1665, bb52\n\
            1,      -1024,      -1024,     1024,      390, d104\n";
        let mut packets = PacketListing::open(&listing[..]).unwrap();
        assert_eq!(packets.decoder_setup(), "extradata 0, 46, 83a2\ncodec_id 0: h264\ndimensions 0: 640x720\n");
        let picture = packets.next().unwrap().unwrap();
        assert_eq!((picture.is_sound, picture.content.as_str()), (false, "3458, 25fc, S=1, 1665, bb52"));
        assert_eq!(picture.secs, (0.0, 1.0 / 30.0));
        let sound = packets.next().unwrap().unwrap();
        assert!(sound.is_sound && sound.secs.0 < 0.0 && sound.secs.1 == 0.0, "{sound:?}");
        assert!(packets.next().is_none());
    }

    #[test]
    fn a_line_that_is_none_of_a_packet_is_an_error() {
        for line in ["0, 0, 0, 1", "0, 0, x, 1, 5, 25fc", "2, 0, 0, 1, 5, 25fc", "what"] {
            let listing = format!("#tb 0: 1/25\n{line}\n");
            assert!(PacketListing::open(listing.as_bytes()).unwrap().next().unwrap().is_err(), "{line}");
        }
        assert!(PacketListing::open(&b"#tb 0: 1\n"[..]).is_err());
    }
}
