//! Capabilities of the installed ffmpeg: its version, its encoders and decoders, and HDR support.

use std::collections::HashSet;

use clearcut_job::OutputFormat;

/// The capabilities of one ffmpeg, parsed from `ffmpeg -codecs` and its banner.
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    version: String,
    encoders: HashSet<String>,
    decoders: HashSet<String>,
    has_zscale: bool,
}

/// Oldest supported ffmpeg version.
const OLDEST_VERSION: (u32, u32) = (5, 1);

impl Capabilities {
    /// Parses the banner (which ffmpeg writes to standard error) and the list of `ffmpeg -codecs`.
    pub(crate) fn parse(banner: &str, codecs: &str) -> Self {
        let version = banner.lines().find_map(|line| line.strip_prefix("ffmpeg version ")).unwrap_or_default();
        let mut found = Self {
            version: version.split_whitespace().next().unwrap_or_default().to_owned(),
            has_zscale: banner.contains("--enable-libzimg"),
            ..Self::default()
        };
        // ` DEV.L. vp9   Google VP9 (decoders: vp9 libvpx-vp9) (encoders: libvpx-vp9)`
        for line in codecs.lines() {
            let Some((flags, rest)) = line.trim_start().split_once(' ') else { continue };
            let Some(name) = rest.split_whitespace().next() else { continue };
            if flags.len() != 6 {
                continue;
            }
            if flags.starts_with('D') {
                found.decoders.extend(parse_names(rest, "(decoders: ", name));
            }
            if flags.as_bytes()[1] == b'E' {
                found.encoders.extend(parse_names(rest, "(encoders: ", name));
            }
        }
        found
    }

    /// The version string of ffmpeg, such as `5.1.9-0+deb12u1` or `N-112345-gabcdef`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the version is at least 5.1. A git snapshot (`N-…`) counts as new enough.
    #[must_use]
    pub fn is_new_enough(&self) -> bool {
        let text = self.version.trim_start_matches('n');
        if text.starts_with("N-") {
            return true;
        }
        let mut parts = text.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
        let mut next = || parts.next().and_then(Result::ok);
        next().is_some_and(|major| (major, next().unwrap_or(0)) >= OLDEST_VERSION)
    }

    /// Whether this ffmpeg can convert HDR to SDR.
    #[must_use]
    pub const fn has_zscale(&self) -> bool {
        self.has_zscale
    }

    /// Whether this ffmpeg has the decoder of this name.
    #[must_use]
    pub fn decodes(&self, decoder: &str) -> bool {
        self.decoders.contains(decoder)
    }

    /// The first encoder that `format` needs and this ffmpeg lacks by its lists; `None` if it has all.
    /// [`Tools::missing_for`](crate::Tools::missing_for) tries what lists do not tell.
    #[must_use]
    pub(crate) fn missing_encoder(&self, format: OutputFormat) -> Option<&'static str> {
        let lacks = |encoder: &&&'static str| !self.encoders.contains(**encoder);
        encoders_for(format).iter().find(lacks).copied()
    }
}

/// The encoders that `format` needs, the video encoder first.
const fn encoders_for(format: OutputFormat) -> &'static [&'static str] {
    match format {
        OutputFormat::Webm => &["libvpx-vp9", "libopus"],
        OutputFormat::StackedAlpha | OutputFormat::Mp4 => &["libx264", "aac"],
        // Encoded in this process, without ffmpeg; HEVC maybe by another one.
        OutputFormat::Webp
        | OutputFormat::Apng
        | OutputFormat::Gif
        | OutputFormat::PngSequence
        | OutputFormat::SpriteSheet
        | OutputFormat::HevcAlpha
        | OutputFormat::Poster => &[],
        OutputFormat::Matte | OutputFormat::Foreground => &["libx264"],
        OutputFormat::Mov => &["prores_ks", "pcm_s24le"],
    }
}

/// The names in the parentheses that `opening` starts, or the codec's own name without them.
fn parse_names<'a>(line: &'a str, opening: &str, name: &'a str) -> Vec<String> {
    let inside = line.split_once(opening).and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
    inside.unwrap_or(name).split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODECS: &str = "\
Codecs:
 D..... = Decoding supported
 -------
 DEV.L. vp9                  Google VP9 (decoders: vp9 libvpx-vp9 ) (encoders: libvpx-vp9 vp9_vaapi )
 DEVIL. prores               Apple ProRes (iCodec Pro) (encoders: prores prores_ks )
 D.V.L. hevc                 H.265
 DEA.L. opus                 Opus (decoders: opus libopus ) (encoders: opus libopus )
";

    fn capabilities_of_version(version: &str) -> Capabilities {
        Capabilities::parse(&format!("ffmpeg version {version} Copyright\nconfiguration: --enable-libzimg"), CODECS)
    }

    #[test]
    fn codecs_are_parsed_from_the_codec_list() {
        let found = capabilities_of_version("5.1.9-0+deb12u1");
        assert_eq!(found.version(), "5.1.9-0+deb12u1");
        assert!(found.decodes("libvpx-vp9") && found.decodes("hevc") && found.decodes("prores"));
        assert!(found.has_zscale());
        assert_eq!(found.missing_encoder(OutputFormat::Webm), None);
        assert_eq!(found.missing_encoder(OutputFormat::Apng), None);
        assert_eq!(found.missing_encoder(OutputFormat::StackedAlpha), Some("libx264"));
        assert_eq!(found.missing_encoder(OutputFormat::Webp), None, "WebP needs no ffmpeg encoder");
    }

    #[test]
    fn versions_before_5_1_are_too_old() {
        for (version, new_enough) in [
            ("5.1", true),
            ("5.0.3", false),
            ("4.4.2-0ubuntu", false),
            ("n7.1", true),
            ("N-1234-gab", true),
            ("6", true),
            ("", false),
        ] {
            assert_eq!(capabilities_of_version(version).is_new_enough(), new_enough, "{version}");
        }
    }
}
