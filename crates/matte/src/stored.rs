//! The stored form of a measured background, for a plan that other processes cut by: what the types
//! themselves cannot say of it.

use clearcut_frame::{Matrix, Rgb8};
use serde::{Deserialize, Serialize};

/// The stored form of a color.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Rgb8")]
pub(crate) struct Rgb8Form {
    r: u8,
    g: u8,
    b: u8,
}

/// The stored form of a matrix.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Matrix")]
pub(crate) enum MatrixForm {
    Bt601,
    Bt709,
}

/// The stored form of a field, whose nodes may not fill its grid.
#[derive(Serialize, Deserialize)]
pub(crate) struct FieldForm {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) nodes: Vec<[f32; 3]>,
}

/// The stored form of the shares of a part, one per pixel: runs of equal ones, each after its
/// length.
pub(crate) mod runs {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(shares: &[[u8; 2]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(shares.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 2]>, D::Error> {
        let runs = Vec::<(usize, [u8; 2])>::deserialize(deserializer)?;
        Ok(runs.into_iter().flat_map(|(length, share)| std::iter::repeat_n(share, length)).collect())
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Frame, FrameFormat, Size, Subsampling};

    use crate::{
        Background,
        plate::{Part, Tones},
    };

    /// A grey clip, darker to the right, with noise of every size.
    fn background() -> Background {
        let size = Size::new(96, 64).unwrap();
        let format = FrameFormat {
            size,
            subsampling: Subsampling::Half,
            has_alpha: false,
            matrix: clearcut_frame::Matrix::Bt601,
        };
        let draw = |seed: usize| {
            let mut frame = Frame::new(format);
            let [y, cb, cr, _] = frame.planes_mut();
            for (at, value) in y.iter_mut().enumerate() {
                *value = (150 - at % 96 / 3 + (at * 7919 + seed * 31) % 5) as u8;
            }
            cb.fill(120);
            cr.fill(131);
            frame
        };
        Background::estimate(&[draw(0), draw(1), draw(2)], None).unwrap()
    }

    #[test]
    fn a_background_is_read_as_it_was_stored() {
        let mut background = background();
        let Tones { first, second } = &mut background.plates[0].tones;
        let share = (0..96 * 64).map(|at| if at < 4000 { [0, 255] } else { [(at % 3) as u8, 7] }).collect();
        *second = Some(Part { tone: first.clone(), share });
        let stored = serde_json::to_string(&background).unwrap();
        let read: Background = serde_json::from_str(&stored).unwrap();
        // `Debug` of a float tells each from all others.
        assert_eq!(format!("{read:?}"), format!("{background:?}"));
    }

    #[test]
    fn a_field_whose_nodes_do_not_fill_its_grid_is_refused() {
        let stored = serde_json::to_string(&background()).unwrap();
        let (before, after) = stored.split_once("\"columns\":").unwrap();
        let (_, after) = after.split_once(',').unwrap();
        let broken = format!("{before}\"columns\":7,{after}");
        let error = serde_json::from_str::<Background>(&broken).unwrap_err().to_string();
        assert!(error.contains("do not fill its grid"), "{error}");
    }
}
