//! The sample entry of a ProRes track: what editors know of a file before they decode a frame
//! (QuickTime File Format, "Video sample description").

use super::{
    boxes::{boxes, find_box, u16_at, u32_at},
    frame_header::Expected,
};

/// Length of the fixed fields of a video sample entry, after size and name.
const FIXED_BYTES: usize = 78;

/// Compares the content of an `stsd` box with `expected`.
///
/// # Errors
/// The first difference.
pub(super) fn check_sample_entry(stsd: &[u8], expected: &Expected) -> Result<(), String> {
    let entries = stsd.get(8..).unwrap_or_default();
    let Some((name, entry)) = boxes(entries).next().filter(|_| u32_at(stsd, 4) == Some(1)) else {
        return Err("it has not one sample entry".to_owned());
    };
    if name != b"ap4h" {
        return Err(format!("its codec is {}", name.escape_ascii()));
    }
    let size = (expected.size.width(), expected.size.height());
    let [width, height, depth] = [24, 26, 74].map(|at| u16_at(entry, at).unwrap_or(0));
    if (u32::from(width), u32::from(height)) != size {
        return Err(format!("its sample entry says {width}×{height}"));
    }
    // 32 means that there is an alpha channel.
    if depth != 32 {
        return Err(format!("its sample entry says a depth of {depth}"));
    }
    let color = find_box(entry.get(FIXED_BYTES..).unwrap_or_default(), *b"colr");
    let nclc = color.and_then(|color| color.strip_prefix(b"nclc")).ok_or("its sample entry has no color")?;
    let code_points = [0, 2, 4].map(|at| u16_at(nclc, at).unwrap_or(0));
    if code_points != expected.code_points.map(u16::from) {
        return Err(format!("its sample entry says color {code_points:?}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clearcut_frame::Size;

    use super::{super::boxes::boxed, *};

    fn check(name: [u8; 4], [width, height, depth]: [u16; 3], color: &[u8]) -> Result<(), String> {
        let mut entry = vec![0; FIXED_BYTES];
        for (at, value) in [(24, width), (26, height), (74, depth)] {
            entry[at..at + 2].copy_from_slice(&value.to_be_bytes());
        }
        entry.extend(boxed(*b"fiel", &[1, 0]));
        entry.extend(boxed(*b"colr", color));
        let stsd = [&[0, 0, 0, 0, 0, 0, 0, 1], boxed(name, &entry).as_slice()].concat();
        check_sample_entry(&stsd, &Expected { size: Size::new(720, 360).unwrap(), code_points: [6, 1, 6] })
    }

    #[test]
    fn every_wrong_field_of_a_sample_entry_is_found() {
        let color = b"nclc\0\x06\0\x01\0\x06";
        assert_eq!(check(*b"ap4h", [720, 360, 32], color), Ok(()));
        assert!(check(*b"apch", [720, 360, 32], color).unwrap_err().contains("codec"));
        assert!(check(*b"ap4h", [720, 361, 32], color).unwrap_err().contains("720×361"));
        assert!(check(*b"ap4h", [720, 360, 24], color).unwrap_err().contains("depth"));
        assert!(check(*b"ap4h", [720, 360, 32], b"nclc\0\x06\0\x06\0\x06").unwrap_err().contains("color"));
        assert!(check(*b"ap4h", [720, 360, 32], b"nclx\0\x06\0\x01\0\x06").unwrap_err().contains("color"));
        let expected = Expected { size: Size::new(720, 360).unwrap(), code_points: [1, 1, 1] };
        for length in 0..12 {
            assert!(check_sample_entry(&[0; 12][..length], &expected).is_err());
        }
    }
}
