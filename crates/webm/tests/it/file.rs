//! Tests of whole files: block layout, timestamps, seek positions, sound, and rejected streams.

use std::io::Cursor;

use clearcut_frame::{FrameRate, Size};
use clearcut_webm::{CodePoints, Error, WebmSettings, join_webm, write_webm};

use crate::ebml::{Element, elements};

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const CUES: u32 = 0x1C53_BB6B;
const KEYFRAME: u8 = 0b1000_0000;
const PREDICTED: u8 = 0b1000_0100;

fn settings() -> WebmSettings {
    let color = CodePoints { primaries: 5, transfer: 6, matrix: 7 };
    WebmSettings { size: Size::new(161, 91).unwrap(), frame_rate: FrameRate::new(30_000, 1001).unwrap(), color }
}

/// An IVF stream with one frame per byte of `kinds`: the byte, the frame number, `tail`.
fn ivf(kinds: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut file = b"DKIF\0\0\x20\0VP90".to_vec();
    file.resize(32, 0);
    for (index, kind) in kinds.iter().enumerate() {
        let frame = [&[*kind, index as u8], tail].concat();
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend((index as u64).to_le_bytes());
        file.extend(frame);
    }
    file
}

/// An Ogg stream of 20 ms packets that contain their number. The last has `padding` samples beyond
/// the end.
fn ogg(packets: u8, pre_skip: u16, padding: u64) -> Vec<u8> {
    let head = [b"OpusHead\x01\x02".as_slice(), &pre_skip.to_le_bytes(), &[0; 7]].concat();
    let mut stream = Vec::new();
    let sound = (0..packets).map(|index| vec![0b1111_1100, index]);
    for (index, packet) in [head, b"OpusTags".to_vec()].into_iter().chain(sound).enumerate() {
        let granule = (index as u64).saturating_sub(1) * 960;
        let is_last = index == usize::from(packets) + 1;
        stream.extend(b"OggS\0\0");
        stream.extend((if is_last { granule - padding } else { granule }).to_le_bytes());
        stream.extend([0; 12]);
        stream.extend([1, packet.len() as u8]);
        stream.extend(packet);
    }
    stream
}

fn write(color: &[u8], alpha: &[u8], sound: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let mut out = Cursor::new(Vec::new());
    write_webm(&settings(), color, alpha, sound, &mut out)?;
    Ok(out.into_inner())
}

fn segment(file: &[u8]) -> Element<'_> {
    let top = elements(file);
    assert_eq!(top.len(), 2, "the file is a header and a segment, and nothing else");
    assert_eq!(top[1].id, SEGMENT);
    top[1]
}

/// Track, timestamp in milliseconds and payload of a block in `cluster`.
fn block(cluster: Element, block: &[u8]) -> (u8, u64, Vec<u8>) {
    let start = cluster.descendant(&[0xE7]).number();
    (block[0] & 0x7F, start + u64::from(u16::from_be_bytes([block[1], block[2]])), block[4..].to_vec())
}

#[test]
fn the_alpha_of_a_frame_is_attached_to_its_color_block() {
    let kinds = [KEYFRAME, PREDICTED, PREDICTED];
    let file = write(&ivf(&kinds, b"color"), &ivf(&kinds, b"alpha"), None).unwrap();
    let clusters = segment(&file).all(CLUSTER);
    assert_eq!(clusters.len(), 1);
    for (index, group) in clusters[0].all(0xA0).into_iter().enumerate() {
        let (track, timestamp_ms, color) = block(clusters[0], group.descendant(&[0xA1]).payload);
        assert_eq!((track, timestamp_ms), (1, [0, 33, 67][index]));
        assert_eq!(color, [&[kinds[index], index as u8], b"color".as_slice()].concat());
        let more = group.descendant(&[0x75A1, 0xA6]);
        assert_eq!(more.descendant(&[0xEE]).number(), 1);
        assert_eq!(more.descendant(&[0xA5]).payload, [&[kinds[index], index as u8], b"alpha".as_slice()].concat());
        assert_eq!(group.all(0xFB).len(), usize::from(index > 0), "only predicted frames have a reference");
    }
    let video = segment(&file).descendant(&[0x1654_AE6B, 0xAE]);
    assert_eq!(video.descendant(&[0x55EE]).number(), 1, "the track declares block additions");
    let video = video.descendant(&[0xE0]);
    assert_eq!([0xB0, 0xBA, 0x53C0].map(|id| video.descendant(&[id]).number()), [161, 91, 1]);
    assert_eq!([0x55BB, 0x55BA, 0x55B1, 0x55B9].map(|id| video.descendant(&[0x55B0, id]).number()), [5, 6, 7, 1]);
}

#[test]
fn seek_head_and_cues_point_to_the_elements_they_name() {
    let mut kinds = vec![PREDICTED; 240];
    kinds[0] = KEYFRAME;
    kinds.extend(kinds.clone());
    let file = write(&ivf(&kinds, b"c"), &ivf(&kinds, b"a"), None).unwrap();
    let segment = segment(&file);
    let children = segment.children();
    let id_at = |at: u64| children.iter().find(|child| child.offset as u64 == at).unwrap().id;
    for entry in segment.descendant(&[0x114D_9B74]).all(0x4DBB) {
        assert_eq!(u64::from(id_at(entry.descendant(&[0x53AC]).number())), entry.descendant(&[0x53AB]).number());
    }
    let cues = segment.descendant(&[CUES]).all(0xBB);
    assert_eq!(cues.iter().map(|cue| cue.descendant(&[0xB3]).number()).collect::<Vec<_>>(), [0, 8008]);
    for cue in cues {
        let at = cue.descendant(&[0xB7, 0xF1]).number();
        assert_eq!(id_at(at), CLUSTER);
        let cluster = children.iter().find(|child| child.offset as u64 == at).unwrap();
        assert_eq!(
            cluster.descendant(&[0xE7]).number(),
            cue.descendant(&[0xB3]).number(),
            "a keyframe starts its cluster"
        );
    }
    assert!(segment.all(CLUSTER).len() >= 4, "no cluster is longer than five seconds");
    let duration_ms = segment.descendant(&[0x1549_A966, 0x4489]).float();
    assert!((duration_ms - 16_016.0).abs() < 0.1, "{duration_ms}");
}

#[test]
fn a_cue_is_written_only_where_color_and_alpha_are_both_keyframes() {
    let file = write(&ivf(&[KEYFRAME, KEYFRAME], b"c"), &ivf(&[KEYFRAME, PREDICTED], b"a"), None).unwrap();
    assert_eq!(segment(&file).descendant(&[CUES]).all(0xBB).len(), 1);
}

#[test]
fn sound_is_interleaved_by_time_and_its_end_padding_is_discarded() {
    let file =
        write(&ivf(&[KEYFRAME, PREDICTED, PREDICTED], b"c"), &ivf(&[KEYFRAME; 3], b"a"), Some(&ogg(5, 312, 400)))
            .unwrap();
    let segment = segment(&file);
    let cluster = segment.descendant(&[CLUSTER]);
    let blocks: Vec<_> = (cluster.children().into_iter())
        .filter_map(|element| match element.id {
            0xA3 => Some(block(cluster, element.payload)),
            0xA0 => Some(block(cluster, element.descendant(&[0xA1]).payload)),
            _ => None,
        })
        .map(|(track, timestamp_ms, _)| (track, timestamp_ms))
        .collect();
    assert_eq!(blocks, [(1, 0), (2, 0), (2, 20), (1, 33), (2, 40), (2, 60), (1, 67), (2, 80)]);
    let last = cluster.all(0xA0).pop().unwrap();
    assert_eq!(last.descendant(&[0x75A2]).number(), 400 * 1_000_000_000 / 48_000);
    let audio = segment.descendant(&[0x1654_AE6B]).all(0xAE)[1];
    assert_eq!(audio.descendant(&[0x56AA]).number(), 312 * 1_000_000_000 / 48_000);
    let head = audio.descendant(&[0x63A2]);
    assert!(head.payload.starts_with(b"OpusHead"));
}

#[test]
fn streams_in_pieces_give_the_file_of_whole_streams() {
    let kinds = [KEYFRAME, PREDICTED, PREDICTED, KEYFRAME, PREDICTED];
    // Frames carry their number in their stream, so the pieces are cut from the whole.
    let whole = [ivf(&kinds, b"color"), ivf(&kinds, b"alpha")];
    let cut_at = 32 + 3 * (whole[0].len() - 32) / kinds.len();
    let pieces = |stream: &Vec<u8>| [stream[..cut_at].to_vec(), [&stream[..32], &stream[cut_at..]].concat()];
    let join = |color: [Vec<u8>; 2], alpha: [Vec<u8>; 2]| {
        let mut out = Cursor::new(Vec::new());
        let opened = |pieces: [Vec<u8>; 2]| pieces.into_iter().map(|piece| Ok(Cursor::new(piece)));
        join_webm(&settings(), opened(color), opened(alpha), None::<&[u8]>, &mut out).map(|_| out.into_inner())
    };
    let [color, alpha] = whole.each_ref().map(pieces);
    assert_eq!(join(color.clone(), alpha.clone()).unwrap(), write(&whole[0], &whole[1], None).unwrap());
    let [first, second] = color;
    assert!(matches!(join([first.clone(), first.clone()], alpha.clone()), Err(Error::Stream(_))));
    let predicted = [&second[..32], &second[32 + (second.len() - 32) / 2..]].concat();
    assert!(matches!(join([first, predicted], alpha), Err(Error::Stream(_))), "no keyframe at the start of a piece");
}

#[test]
fn mismatched_and_malformed_streams_are_rejected() {
    let is_rejected = |color: &[u8], alpha: &[u8]| matches!(write(color, alpha, None), Err(Error::Stream(_)));
    assert!(is_rejected(&ivf(&[KEYFRAME; 3], b"c"), &ivf(&[KEYFRAME; 2], b"a")));
    assert!(is_rejected(&ivf(&[KEYFRAME; 2], b"c"), &ivf(&[KEYFRAME; 3], b"a")));
    assert!(is_rejected(&[b'x'; 100], &ivf(&[KEYFRAME; 2], b"a")));
    let whole = ivf(&[KEYFRAME; 2], b"c");
    assert!(is_rejected(&whole[..whole.len() - 1], &ivf(&[KEYFRAME; 2], b"a")), "a frame is truncated");
}
