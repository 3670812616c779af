//! Containers that are recognised by their structure, because they have no signature of their own,
//! or share it with other files.

/// Fewest packets that tell a transport stream from chance.
const MIN_PACKETS: usize = 5;

/// Packet sizes of transport streams: plain, with a time stamp before each packet (M2TS), and with
/// error correction behind it.
const PACKET_BYTES: [usize; 3] = [188, 192, 204];

/// Whether all packets in `head` are those of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2).
/// The first one may be cut off, as in a recording of a broadcast.
pub(super) fn is_transport(head: &[u8]) -> bool {
    let is_packet = |header: &[u8]| {
        // The sync byte, and an adaptation field control that is not the reserved one.
        header[0] == 0x47 && header[3] & 0x30 != 0
    };
    PACKET_BYTES.into_iter().any(|size| {
        (0..size).any(|first| {
            let mut headers = (first..).step_by(size).map_while(|at| head.get(at..at + 4)).peekable();
            headers.peek().is_some_and(|header| is_packet(header)) && {
                let mut packets = 0;
                headers.all(|header| {
                    packets += 1;
                    is_packet(header)
                }) && packets >= MIN_PACKETS
            }
        })
    })
}

/// Whether `head` is a pack header of MPEG-2 (ISO/IEC 13818-1, 2.5.3.3) or MPEG-1 (ISO/IEC
/// 11172-1, 2.4.3.2), with its marker bits.
pub(super) fn is_program(head: &[u8]) -> bool {
    let Some(&[0, 0, 1, 0xBA, clock_start, _, clock_middle, _, clock_end]) = head.get(..9) else { return false };
    let is_mpeg2 = clock_start & 0xC4 == 0x44 && clock_middle & 0x04 != 0 && clock_end & 0x04 != 0;
    let is_mpeg1 = clock_start & 0xF1 == 0x21 && clock_middle & 0x01 != 0 && clock_end & 0x01 != 0;
    is_mpeg2 || is_mpeg1
}

/// Whether `head` starts with a header block and a subcode block of a DV frame (IEC 61834-2).
pub(super) fn is_dv(head: &[u8]) -> bool {
    const BLOCK_BYTES: usize = 80;
    let starts_with = |offset: usize, id: [u8; 3]| head.get(offset..offset + 3) == Some(&id);
    starts_with(0, [0x1F, 0x07, 0x00]) && starts_with(BLOCK_BYTES, [0x3F, 0x07, 0x00])
}

/// Whether `head` is a ZIP archive whose first entry is an image, a folder, a text that belongs to
/// images, or a file that systems hide: documents, programs and other archives start with other
/// names.
pub(super) fn is_image_archive(head: &[u8]) -> bool {
    let endings = [b"/".as_slice(), b".png", b".jpg", b".jpeg", b".webp", b".txt", b".ds_store", b"thumbs.db"];
    first_archived_name(head)
        .is_some_and(|name| name.starts_with(b"__macosx") || endings.iter().any(|ending| name.ends_with(ending)))
}

/// The name of the first entry of the ZIP archive `head` in lower case; `None` if it is no archive,
/// or that of a document or program.
pub(super) fn first_archived_name(head: &[u8]) -> Option<Vec<u8>> {
    // APPNOTE.TXT 4.3.7: the length of the name at 26, the name at 30.
    let &[low, high] = head.get(26..28).filter(|_| head.starts_with(b"PK\x03\x04"))? else { return None };
    let name = head.get(30..30 + usize::from(u16::from_le_bytes([low, high])))?.to_ascii_lowercase();
    let documents = [b"_rels/".as_slice(), b"meta-inf/", b"docprops/"];
    (!documents.iter().any(|document| name.starts_with(document))).then_some(name)
}
