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
    /// The primaries of high definition in the matrix of standard definition, as phones and
    /// browsers record.
    pub const BT601_WITH_BT709_PRIMARIES: Self = Self {
        matrix: Matrix::Bt601,
        names: "-colorspace smpte170m -color_primaries bt709 -color_trc bt709",
        code_points: [1, 1, 6],
    };
}

/// Conversion of a clip's colors to BT.709 on decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorConversion {
    /// Code points of the source's primaries, transfer and matrix in ITU-T H.273. Transfers that
    /// share the curve of BT.709 are 1.
    pub code_points: [u8; 3],
    /// Whether the source has full range.
    pub has_full_range: bool,
}

impl ColorConversion {
    /// Whether the source is HDR, which is tone-mapped to standard range.
    #[must_use]
    pub const fn is_hdr(self) -> bool {
        is_hdr(self.code_points[1])
    }

    /// The source's colors for people, such as `BT.2020, PQ`.
    #[must_use]
    pub fn source(self) -> String {
        let [primaries, transfer, matrix] = self.code_points;
        let find = |table: &[Name], code| table.iter().find(|(_, found, _)| *found == code).map_or("", |name| name.2);
        let mut words = Vec::new();
        // A table's own words for what BT.709 shares are empty.
        for word in [find(&PRIMARIES, primaries), find(&TRANSFERS, transfer), find(&MATRICES, matrix)] {
            if !word.is_empty() && !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(", ")
    }

    /// What users are told about the conversion.
    pub(crate) fn message(self) -> String {
        let how = if self.is_hdr() { "tone-mapped to standard range in BT.709" } else { "converted to BT.709" };
        format!("the clip's colors ({}) are {how}", self.source())
    }
}

/// The colors that the headers of a clip state, by ffprobe's names.
pub(crate) struct StatedColors<'a> {
    pub(crate) primaries: &'a str,
    pub(crate) transfer: &'a str,
    pub(crate) matrix: &'a str,
    pub(crate) range: &'a str,
    pub(crate) pixel_format: &'a str,
    pub(crate) codec: &'a str,
    /// Height of the frame, from which an unstated matrix is guessed.
    pub(crate) height: u32,
}

/// ffprobe's name of a color property that is known but cannot be converted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownColors<'a>(pub(crate) &'a str);

impl<'a> StatedColors<'a> {
    /// The tags of the decoded frames, and the conversion to them if the clip needs one. A clip in
    /// BT.709 or BT.601 needs none.
    pub(crate) fn settle(&self) -> Result<(ColorTags, Option<ColorConversion>), UnknownColors<'a>> {
        let is_rgb = ["rgb", "bgr", "gbr", "argb", "abgr", "pal8", "0rgb", "0bgr", "x2rgb", "x2bgr"]
            .iter()
            .any(|name| self.pixel_format.starts_with(name));
        let (primaries, transfer) = (code_of(&PRIMARIES, self.primaries)?, code_of(&TRANSFERS, self.transfer)?);
        let matrix = if is_rgb { Some(RGB) } else { code_of(&MATRICES, self.matrix)?.filter(|matrix| *matrix != RGB) };
        // The gamma of a PNG is that of a screen: players show it as they show BT.709.
        let transfer = transfer.filter(|code| !(matches!(self.codec, "png" | "apng") && *code == GAMMA_22));
        let transfer = transfer.unwrap_or(BT709);
        let is_wide = is_hdr(transfer) || primaries == Some(BT2020) || matrix.is_some_and(is_bt2020_matrix);
        let matrix = matrix.unwrap_or_else(|| match Matrix::guessed_from_height(self.height) {
            _ if is_wide => BT2020,
            Matrix::Bt709 => BT709,
            Matrix::Bt601 => SMPTE170M,
        });
        let tags = match (matrix, primaries) {
            _ if transfer != BT709 || is_wide => None,
            (BT709 | RGB, None | Some(BT709)) => Some(ColorTags::BT709),
            (FCC | BT470BG | SMPTE170M, Some(BT709)) => Some(ColorTags::BT601_WITH_BT709_PRIMARIES),
            (BT470BG, None) | (FCC | BT470BG | SMPTE170M, Some(BT470BG)) => Some(ColorTags::BT601_625),
            (FCC | SMPTE170M, None) | (FCC | BT470BG | SMPTE170M, Some(SMPTE170M | SMPTE240M)) => {
                Some(ColorTags::BT601_525)
            }
            _ => None,
        };
        if let Some(tags) = tags {
            return Ok((tags, None));
        }
        let primaries = primaries.unwrap_or(match matrix {
            _ if is_wide => BT2020,
            FCC | SMPTE170M | SMPTE240M => SMPTE170M,
            BT470BG => BT470BG,
            _ => BT709,
        });
        let has_full_range = is_rgb || self.range == "pc" || self.pixel_format.starts_with("yuvj");
        let conversion = ColorConversion { code_points: [primaries, transfer, matrix], has_full_range };
        Ok((ColorTags::BT709, Some(conversion)))
    }
}

const RGB: u8 = 0;
pub(crate) const BT709: u8 = 1;
const GAMMA_22: u8 = 4;
const FCC: u8 = 4;
const BT470BG: u8 = 5;
const SMPTE170M: u8 = 6;
const SMPTE240M: u8 = 7;
const BT2020: u8 = 9;
/// Matrix of BT.2020 with constant luminance.
pub(crate) const BT2020_CONSTANT: u8 = 10;

/// Transfer of sRGB.
pub(crate) const SRGB_TRANSFER: u8 = 13;
/// Transfer of digital cinema, which zscale does not know.
pub(crate) const SMPTE428_TRANSFER: u8 = 17;

const fn is_hdr(transfer: u8) -> bool {
    matches!(transfer, 16 | 18)
}

/// BT.2020 in its three forms: constant luminance or not, and `ICtCp`.
const fn is_bt2020_matrix(matrix: u8) -> bool {
    matches!(matrix, 9 | 10 | 14)
}

/// ffprobe's name of a color property, its code point in ITU-T H.273, and its name for people.
type Name = (&'static str, u8, &'static str);

const PRIMARIES: [Name; 12] = [
    ("bt709", BT709, ""),
    ("bt470m", 4, "BT.470 M"),
    ("bt470bg", BT470BG, "BT.470 BG"),
    ("smpte170m", SMPTE170M, "SMPTE 170M"),
    ("smpte240m", SMPTE240M, "SMPTE 240M"),
    ("film", 8, "film"),
    ("bt2020", BT2020, "BT.2020"),
    ("smpte428", 10, "CIE XYZ"),
    ("smpte431", 11, "DCI-P3"),
    ("smpte432", 12, "Display P3"),
    // zscale does not know those of computer screens; they are within a percent of SMPTE 170M's.
    ("ebu3213", SMPTE170M, ""),
    ("jedec-p22", SMPTE170M, ""),
];

/// The curve of sRGB counts as that of BT.709: players show both alike, and screen recordings are
/// tagged with either.
const TRANSFERS: [Name; 18] = [
    ("bt709", BT709, ""),
    ("smpte170m", BT709, ""),
    ("smpte240m", BT709, ""),
    ("iec61966-2-1", BT709, ""),
    ("iec61966-2-4", BT709, ""),
    ("bt1361e", BT709, ""),
    ("bt2020-10", BT709, ""),
    ("bt2020-12", BT709, ""),
    ("bt470m", GAMMA_22, "gamma 2.2"),
    ("gamma22", GAMMA_22, "gamma 2.2"),
    ("bt470bg", 5, "gamma 2.8"),
    ("gamma28", 5, "gamma 2.8"),
    ("linear", 8, "linear light"),
    ("log100", 9, "logarithmic"),
    ("log316", 10, "logarithmic"),
    ("smpte2084", 16, "PQ"),
    ("smpte428", SMPTE428_TRANSFER, "gamma 2.6"),
    ("arib-std-b67", 18, "HLG"),
];

const MATRICES: [Name; 12] = [
    ("gbr", RGB, ""),
    ("bt709", BT709, ""),
    ("fcc", FCC, ""),
    ("bt470bg", BT470BG, ""),
    ("smpte170m", SMPTE170M, ""),
    ("smpte240m", SMPTE240M, "SMPTE 240M"),
    ("ycgco", 8, "YCgCo"),
    ("bt2020nc", BT2020, "BT.2020"),
    ("bt2020c", BT2020_CONSTANT, "BT.2020"),
    ("chroma-derived-nc", 12, "a matrix of its primaries"),
    ("chroma-derived-c", 13, "a matrix of its primaries"),
    ("ictcp", 14, "ICtCp"),
];

/// The code point of ffprobe's `name`; `None` if the clip does not state the property.
fn code_of<'a>(table: &[Name], name: &'a str) -> Result<Option<u8>, UnknownColors<'a>> {
    match table.iter().find(|(known, ..)| *known == name) {
        Some((_, code, _)) => Ok(Some(*code)),
        None if matches!(name, "" | "unknown" | "unspecified" | "reserved") => Ok(None),
        None => Err(UnknownColors(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(
        primaries: &str,
        transfer: &str,
        matrix: &str,
        pixel_format: &str,
    ) -> Result<(ColorTags, Option<[u8; 3]>), String> {
        let stated =
            StatedColors { primaries, transfer, matrix, range: "tv", pixel_format, codec: "h264", height: 1080 };
        let (tags, conversion) = stated.settle().map_err(|unknown| unknown.0.to_owned())?;
        Ok((tags, conversion.map(|conversion| conversion.code_points)))
    }

    #[test]
    fn bt709_and_bt601_are_only_tagged() {
        for (primaries, transfer, matrix, pixels, tags) in [
            ("", "", "", "yuv420p", ColorTags::BT709),
            ("bt709", "iec61966-2-1", "bt709", "yuv420p", ColorTags::BT709),
            ("unknown", "unknown", "gbr", "gbrp", ColorTags::BT709),
            ("bt709", "iec61966-2-1", "smpte170m", "bgra", ColorTags::BT709),
            ("smpte170m", "smpte170m", "smpte170m", "yuv420p", ColorTags::BT601_525),
            ("smpte170m", "bt709", "bt470bg", "yuv420p", ColorTags::BT601_525),
            ("bt470bg", "bt709", "smpte170m", "yuv420p", ColorTags::BT601_625),
            ("reserved", "unknown", "bt470bg", "yuv420p", ColorTags::BT601_625),
            ("bt709", "smpte170m", "bt470bg", "yuv420p", ColorTags::BT601_WITH_BT709_PRIMARIES),
        ] {
            assert_eq!(
                settled(primaries, transfer, matrix, pixels),
                Ok((tags, None)),
                "{primaries} {transfer} {matrix}"
            );
        }
    }

    #[test]
    fn all_other_colors_are_converted_and_unstated_ones_follow_the_stated() {
        for (primaries, transfer, matrix, pixels, source) in [
            ("smpte432", "bt709", "bt709", "yuv420p", [12, 1, 1]),
            ("smpte432", "iec61966-2-1", "gbr", "gbrp", [12, 1, 0]),
            ("smpte170m", "bt709", "bt709", "yuv420p", [6, 1, 1]),
            ("bt709", "bt470m", "bt709", "yuv420p", [1, 4, 1]),
            ("", "bt470bg", "bt470bg", "yuv420p", [5, 5, 5]),
            ("bt2020", "bt2020-10", "", "yuv420p10le", [9, 1, 9]),
            ("", "", "bt2020c", "yuv420p10le", [9, 1, 10]),
            ("", "smpte2084", "", "yuv420p10le", [9, 16, 9]),
            ("smpte432", "smpte2084", "bt709", "yuv420p10le", [12, 16, 1]),
            ("", "", "ycgco", "yuv444p", [1, 1, 8]),
            ("smpte240m", "smpte240m", "smpte240m", "yuv420p", [7, 1, 7]),
        ] {
            let converted = Ok((ColorTags::BT709, Some(source)));
            assert_eq!(settled(primaries, transfer, matrix, pixels), converted, "{primaries} {transfer} {matrix}");
        }
        assert_eq!(settled("", "", "ipt-c2", "yuv420p10le"), Err("ipt-c2".to_owned()));
    }

    #[test]
    fn the_gamma_of_a_png_is_that_of_a_screen() {
        let stated = StatedColors {
            primaries: "bt709",
            transfer: "bt470m",
            matrix: "gbr",
            range: "pc",
            pixel_format: "rgb24",
            codec: "apng",
            height: 480,
        };
        assert_eq!(stated.settle(), Ok((ColorTags::BT709, None)));
    }

    #[test]
    fn colors_are_named_for_people_once() {
        let message = |code_points| ColorConversion { code_points, has_full_range: false }.message();
        assert_eq!(message([12, 1, 1]), "the clip's colors (Display P3) are converted to BT.709");
        assert_eq!(message([9, 18, 9]), "the clip's colors (BT.2020, HLG) are tone-mapped to standard range in BT.709");
    }
}
