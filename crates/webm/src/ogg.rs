//! A reader for Opus packets in Ogg (RFC 3533, RFC 7845).

use std::io::{ErrorKind, Read};

use crate::Error;

/// Samples per second. Opus always counts at 48 kHz, whatever the input rate was.
pub(crate) const SAMPLE_RATE: u64 = 48_000;

/// Reads the packets of one logical stream.
#[derive(Debug)]
pub(crate) struct PacketReader<R> {
    file: R,
    /// Lengths of the unread segments of the current page, in reverse order.
    segments: Vec<u8>,
    /// Number of samples up to the end of the current page, including the pre-skip.
    granule: u64,
}

impl<R: Read> PacketReader<R> {
    pub(crate) fn open(file: R) -> Self {
        Self { file, segments: Vec::new(), granule: 0 }
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Stream`] if this is not Ogg.
    pub(crate) fn next_packet(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut packet = Vec::new();
        loop {
            let Some(length) = self.segments.pop() else {
                if self.next_page()? {
                    continue;
                }
                return if packet.is_empty() { Ok(None) } else { Err(Error::Stream("a packet is truncated")) };
            };
            let start = packet.len();
            packet.resize(start + usize::from(length), 0);
            self.file.read_exact(&mut packet[start..]).map_err(Error::Read)?;
            if length < 255 {
                return Ok(Some(packet));
            }
        }
    }

    /// Number of samples up to the end of the page that was read last, including the pre-skip.
    pub(crate) const fn samples(&self) -> u64 {
        self.granule
    }

    fn next_page(&mut self) -> Result<bool, Error> {
        let mut header = [0; 27];
        match self.file.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(Error::Read(error)),
        }
        if &header[..4] != b"OggS" {
            return Err(Error::Stream("no Ogg page header"));
        }
        let granule: [u8; 8] = std::array::from_fn(|index| header[6 + index]);
        // All ones if no packet ends on this page.
        self.granule = Some(u64::from_le_bytes(granule)).filter(|&granule| granule != u64::MAX).unwrap_or(self.granule);
        self.segments = vec![0; usize::from(header[26])];
        self.file.read_exact(&mut self.segments).map_err(Error::Read)?;
        self.segments.reverse();
        Ok(true)
    }
}

/// The `OpusHead` packet and the fields that the muxer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpusHead {
    pub(crate) bytes: Vec<u8>,
    pub(crate) channels: u8,
    /// Samples that the decoder discards at the start.
    pub(crate) pre_skip: u16,
}

impl OpusHead {
    pub(crate) fn parse(bytes: Vec<u8>) -> Option<Self> {
        if bytes.len() < 19 || !bytes.starts_with(b"OpusHead") {
            return None;
        }
        let (channels, pre_skip) = (bytes[9], u16::from_le_bytes([bytes[10], bytes[11]]));
        Some(Self { bytes, channels, pre_skip })
    }
}

/// Number of samples in an Opus packet, from its first two bytes (RFC 6716, §3.1 and §3.2).
pub(crate) fn samples_in(packet: &[u8]) -> u64 {
    let Some(&toc) = packet.first() else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config % 4)],
        config @ 12..16 => [480, 960][usize::from(config % 2)],
        config => [120, 240, 480, 960][usize::from(config % 4)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1).copied().unwrap_or(0) & 0x3F),
    };
    frame * frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An Ogg page with these segment lengths and this body.
    fn page(granule: u64, segments: &[u8], body: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0\0".to_vec();
        page.extend(granule.to_le_bytes());
        page.extend([0; 12]);
        page.push(segments.len() as u8);
        page.extend(segments);
        page.extend(body);
        page
    }

    #[test]
    fn a_packet_continues_across_segments_and_pages() {
        let mut stream = page(u64::MAX, &[2, 255], &[7; 257]);
        stream.extend(page(960, &[3], &[8; 3]));
        let mut packets = PacketReader::open(&stream[..]);
        assert_eq!(packets.next_packet().unwrap().unwrap(), [7, 7]);
        let long = packets.next_packet().unwrap().unwrap();
        assert_eq!((long.len(), long[254], long[255]), (258, 7, 8));
        assert_eq!(packets.samples(), 960);
        assert!(packets.next_packet().unwrap().is_none());
    }

    #[test]
    fn a_damaged_stream_is_an_error_and_never_a_panic() {
        let whole = page(960, &[255, 3], &[8; 258]);
        for length in 1..whole.len() {
            let mut packets = PacketReader::open(&whole[..length]);
            assert!(!matches!(packets.next_packet(), Ok(Some(_))), "{length} bytes gave a packet");
        }
        assert!(PacketReader::open(&[0; 100][..]).next_packet().is_err());
    }

    #[test]
    fn the_length_of_a_packet_is_read_from_its_first_two_bytes() {
        assert_eq!(samples_in(&[0b1111_1100]), 960, "CELT, 20 ms, one frame");
        assert_eq!(samples_in(&[0b0000_1001]), 1920, "SILK, 20 ms, two frames");
        assert_eq!(samples_in(&[0b0110_0011, 3]), 1440, "hybrid, 10 ms, three frames");
        assert_eq!(samples_in(&[]), 0);
    }
}
