//! The colors of a clip: how its frames are tagged, and what is converted on decoding.

use clearcut_frame::Matrix;

/// The color space of a frame. The range is always limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorTags {
    /// The matrix of the pixels.
    pub matrix: Matrix,
    /// ffmpeg's options that tag an output with these colors.
    pub(crate) names: &'static str,
    /// Code points of primaries, transfer and matrix in ITU-T H.273.
    pub code_points: [u8; 3],
}

impl ColorTags {
    /// High definition.
    pub const BT709: Self = Self {
        matrix: Matrix::Bt709,
        names: "-colorspace bt709 -color_primaries bt709 -color_trc bt709",
        code_points: [1, 1, 1],
    };
    /// Standard definition, 525 lines.
    pub const BT601_525: Self = Self {
        matrix: Matrix::Bt601,
        names: "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m",
        code_points: [6, 6, 6],
    };
    /// Standard definition, 625 lines.
    pub const BT601_625: Self = Self {
        matrix: Matrix::Bt601,
        names: "-colorspace bt470bg -color_primaries bt470bg -color_trc smpte170m",
        code_points: [5, 6, 5],
    };

    /// The same colors as ProRes and QuickTime state them. Of the code points with one meaning
    /// (ITU-T H.273: transfers 1 and 6, matrices 5 and 6), they know the transfer 1 and the matrix
    /// 6 alone (SMPTE RDD 36, tables 5 and 6).
    #[must_use]
    pub fn in_prores(self) -> Self {
        let names = match self.code_points {
            [5, 6, 5] => "-colorspace smpte170m -color_primaries bt470bg -color_trc bt709",
            [6, 6, 6] => "-colorspace smpte170m -color_primaries smpte170m -color_trc bt709",
            _ => return self,
        };
        Self { names, code_points: [self.code_points[0], 1, 6], ..self }
    }
}

/// Source colors of a clip that is converted to BT.709 on decoding. Unstated properties are taken
/// as BT.2020.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToneMap {
    /// The transfer characteristic of the source.
    pub transfer: SourceTransfer,
    /// Whether the clip states its primaries.
    pub has_primaries: bool,
    /// Whether the clip states its matrix.
    pub has_matrix: bool,
}

/// Transfer characteristic of a clip that is converted to BT.709.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceTransfer {
    /// PQ (SMPTE 2084) or HLG, as stated: tone-mapped to standard range.
    HighDynamicRange,
    /// A standard-range transfer, as stated: only primaries and matrix are converted.
    Standard,
    /// No transfer is stated: taken as standard-range BT.2020.
    Unstated,
}
