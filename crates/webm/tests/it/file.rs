use std::io::Cursor;

use clearcut_frame::{FrameRate, Size};
use clearcut_webm::{CodePoints, Error, WebmSettings, write_webm};

use crate::ebml::{Element, elements};

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const CUES: u32 = 0x1C53_BB6B;
const KEY: u8 = 0b1000_0000;
const PREDICTED: u8 = 0b1000_0100;

fn settings() -> WebmSettings {
    let color = CodePoints { primaries: 5, transfer: 6, matrix: 7 };
    WebmSettings { size: Size::new(161, 91).unwrap(), frame_rate: FrameRate::new(30_000, 1001).unwrap(), color }
}

/// A stream whose frames begin with these bytes and hold their number.
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

/// Packets of 20 ms that hold their number; the last holds `surplus` samples too much.
fn ogg(packets: u8, pre_skip: u16, surplus: u64) -> Vec<u8> {
    let head = [b"OpusHead\x01\x02".as_slice(), &pre_skip.to_le_bytes(), &[0; 7]].concat();
    let mut stream = Vec::new();
    let sound = (0..packets).map(|index| vec![0b1111_1100, index]);
    for (index, packet) in [head, b"OpusTags".to_vec()].into_iter().chain(sound).enumerate() {
        let granule = (index as u64).saturating_sub(1) * 960;
        let is_last = index == usize::from(packets) + 1;
        stream.extend(b"OggS\0\0");
        stream.extend((if is_last { granule - surplus } else { granule }).to_le_bytes());
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
    assert_eq!(top.len(), 2, "a header and a segment, to the last byte");
    assert_eq!(top[1].id, SEGMENT);
    top[1]
}

/// Track, milliseconds and payload of a block in a cluster.
fn block(cluster: Element, block: &[u8]) -> (u8, u64, Vec<u8>) {
    let start = cluster.at(&[0xE7]).number();
    (block[0] & 0x7F, start + u64::from(u16::from_be_bytes([block[1], block[2]])), block[4..].to_vec())
}

#[test]
fn the_matte_rides_on_the_block_of_its_frame() {
    let kinds = [KEY, PREDICTED, PREDICTED];
    let file = write(&ivf(&kinds, b"color"), &ivf(&kinds, b"alpha"), None).unwrap();
    let clusters = segment(&file).all(CLUSTER);
    assert_eq!(clusters.len(), 1);
    for (index, group) in clusters[0].all(0xA0).into_iter().enumerate() {
        let (track, at_ms, color) = block(clusters[0], group.at(&[0xA1]).payload);
        assert_eq!((track, at_ms), (1, [0, 33, 67][index]));
        assert_eq!(color, [&[kinds[index], index as u8], b"color".as_slice()].concat());
        let more = group.at(&[0x75A1, 0xA6]);
        assert_eq!(more.at(&[0xEE]).number(), 1);
        assert_eq!(more.at(&[0xA5]).payload, [&[kinds[index], index as u8], b"alpha".as_slice()].concat());
        assert_eq!(group.all(0xFB).len(), usize::from(index > 0), "only predicted frames have a reference");
    }
    let video = segment(&file).at(&[0x1654_AE6B, 0xAE]);
    assert_eq!(video.at(&[0x55EE]).number(), 1, "the track says that blocks carry more");
    let video = video.at(&[0xE0]);
    assert_eq!([0xB0, 0xBA, 0x53C0].map(|id| video.at(&[id]).number()), [161, 91, 1]);
    assert_eq!([0x55BB, 0x55BA, 0x55B1, 0x55B9].map(|id| video.at(&[0x55B0, id]).number()), [5, 6, 7, 1]);
}

#[test]
fn every_position_in_the_file_points_to_what_it_names() {
    let mut kinds = vec![PREDICTED; 240];
    kinds[0] = KEY;
    kinds.extend(kinds.clone());
    let file = write(&ivf(&kinds, b"c"), &ivf(&kinds, b"a"), None).unwrap();
    let segment = segment(&file);
    let children = segment.children();
    let id_at = |at: u64| children.iter().find(|child| child.at as u64 == at).unwrap().id;
    for entry in segment.at(&[0x114D_9B74]).all(0x4DBB) {
        assert_eq!(u64::from(id_at(entry.at(&[0x53AC]).number())), entry.at(&[0x53AB]).number());
    }
    let cues = segment.at(&[CUES]).all(0xBB);
    assert_eq!(cues.iter().map(|cue| cue.at(&[0xB3]).number()).collect::<Vec<_>>(), [0, 8008]);
    for cue in cues {
        let at = cue.at(&[0xB7, 0xF1]).number();
        assert_eq!(id_at(at), CLUSTER);
        let cluster = children.iter().find(|child| child.at as u64 == at).unwrap();
        assert_eq!(cluster.at(&[0xE7]).number(), cue.at(&[0xB3]).number(), "a key frame begins its cluster");
    }
    assert!(segment.all(CLUSTER).len() >= 4, "no cluster is longer than five seconds");
    let duration_ms = segment.at(&[0x1549_A966, 0x4489]).float();
    assert!((duration_ms - 16_016.0).abs() < 0.1, "{duration_ms}");
}

#[test]
fn no_player_is_sent_to_a_frame_whose_matte_is_predicted() {
    let file = write(&ivf(&[KEY, KEY], b"c"), &ivf(&[KEY, PREDICTED], b"a"), None).unwrap();
    assert_eq!(segment(&file).at(&[CUES]).all(0xBB).len(), 1);
}

#[test]
fn sound_lies_between_the_frames_in_time_order_and_ends_where_it_ends() {
    let file = write(&ivf(&[KEY, PREDICTED, PREDICTED], b"c"), &ivf(&[KEY; 3], b"a"), Some(&ogg(5, 312, 400))).unwrap();
    let segment = segment(&file);
    let cluster = segment.at(&[CLUSTER]);
    let blocks: Vec<_> = (cluster.children().into_iter())
        .filter_map(|element| match element.id {
            0xA3 => Some(block(cluster, element.payload)),
            0xA0 => Some(block(cluster, element.at(&[0xA1]).payload)),
            _ => None,
        })
        .map(|(track, at_ms, _)| (track, at_ms))
        .collect();
    assert_eq!(blocks, [(1, 0), (2, 0), (2, 20), (1, 33), (2, 40), (2, 60), (1, 67), (2, 80)]);
    let last = cluster.all(0xA0).pop().unwrap();
    assert_eq!(last.at(&[0x75A2]).number(), 400 * 1_000_000_000 / 48_000);
    let audio = segment.at(&[0x1654_AE6B]).all(0xAE)[1];
    assert_eq!(audio.at(&[0x56AA]).number(), 312 * 1_000_000_000 / 48_000);
    let head = audio.at(&[0x63A2]);
    assert!(head.payload.starts_with(b"OpusHead"));
}

#[test]
fn streams_that_do_not_belong_together_are_refused() {
    let refused = |color: &[u8], alpha: &[u8]| matches!(write(color, alpha, None), Err(Error::Stream(_)));
    assert!(refused(&ivf(&[KEY; 3], b"c"), &ivf(&[KEY; 2], b"a")));
    assert!(refused(&ivf(&[KEY; 2], b"c"), &ivf(&[KEY; 3], b"a")));
    assert!(refused(&[b'x'; 100], &ivf(&[KEY; 2], b"a")));
    let whole = ivf(&[KEY; 2], b"c");
    assert!(refused(&whole[..whole.len() - 1], &ivf(&[KEY; 2], b"a")), "a frame was cut short");
}
