//! Names of clips, sanitized from untrusted file names.

use std::{fmt, str::FromStr};

use crate::{FileFormat, RequestError};

/// Maximum length of a name in characters: file systems allow 255 bytes, and an extension is added.
pub(crate) const MAX_CHARS: usize = 60;

/// The user's name for a clip, sanitized to a plain file name: no folders, no invisible characters,
/// no line breaks. It is shown to people and names downloads; the server never names its own files
/// by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipName(String);

impl ClipName {
    /// Sanitizes `text` to a file name; `None` if nothing remains, or only a placeholder such as
    /// the `blob` that programs send.
    #[must_use]
    pub fn of_file(text: &str) -> Option<Self> {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let sanitized: String = name.chars().filter(|&c| is_allowed(c)).take(MAX_CHARS).collect();
        let name = sanitized.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
        if name.is_empty() || name.eq_ignore_ascii_case("blob") { None } else { Some(Self(name.to_owned())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file name of an output in `format`: `mascot.webm` for the clip `mascot.mp4`, but never
    /// the clip's own name.
    #[must_use]
    pub fn of_output(&self, format: FileFormat) -> String {
        let stem = match self.0.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && is_extension(extension) => stem,
            _ => &self.0,
        };
        let (suffix, extension) = (format.suffix(), format.extension());
        let name = format!("{stem}{suffix}.{extension}");
        if name.eq_ignore_ascii_case(&self.0) { format!("{stem}-cut{suffix}.{extension}") } else { name }
    }
}

fn is_extension(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a character is visible and allowed in file names. Excludes control characters, direction
/// marks, joiners and characters that file systems reserve.
pub(crate) fn is_allowed(c: char) -> bool {
    let is_hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}');
    !c.is_control() && !is_hidden && !matches!(c, '"' | '*' | ':' | '<' | '>' | '?' | '|')
}

impl FromStr for ClipName {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        Self::of_file(text).ok_or_else(|| RequestError::new("clipName", text, "the name of a file, such as mascot.mp4"))
    }
}

impl fmt::Display for ClipName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputFormat;

    fn sanitize(text: &str) -> Option<String> {
        ClipName::of_file(text).map(|name| name.0)
    }

    #[test]
    fn only_visible_characters_of_the_last_path_component_are_kept() {
        let cases = [
            ("mascot.mp4", Some("mascot.mp4")),
            ("C:\\clips\\mascot.mp4", Some("mascot.mp4")),
            ("../../etc/passwd", Some("passwd")),
            ("a\r\nSet-Cookie: x=1", Some("aSet-Cookie x=1")),
            ("gif\u{202e}4pm.exe", Some("gif4pm.exe")),
            ("say \"cheese\".mov", Some("say cheese.mov")),
            ("Füße 猫.mp4", Some("Füße 猫.mp4")),
            (" .hidden. ", Some("hidden")),
            ("..", None),
            ("blob", None),
            ("clips/", None),
            ("", None),
        ];
        for (text, name) in cases {
            assert_eq!(sanitize(text).as_deref(), name, "{text:?}");
            // Sanitizing is idempotent.
            assert_eq!(name.and_then(sanitize).as_deref(), name, "{text:?}");
        }
        assert_eq!(sanitize(&"ü".repeat(300)).unwrap().chars().count(), MAX_CHARS);
    }

    #[test]
    fn an_output_is_named_after_its_clip_but_never_the_same() {
        let output_name = |clip: &str, format: OutputFormat| ClipName::of_file(clip).unwrap().of_output(format.into());
        assert_eq!(output_name("mascot.mp4", OutputFormat::Webm), "mascot.webm");
        assert_eq!(output_name("mascot.MP4", OutputFormat::StackedAlpha), "mascot-cut.mp4");
        assert_eq!(output_name("take 1.2 final", OutputFormat::Mov), "take 1.2 final.mov");
        assert_eq!(output_name("v1.webm", OutputFormat::Webp), "v1.webp");
        assert_eq!(output_name("mascot.mp4", OutputFormat::Matte), "mascot-matte.mp4");
        assert_eq!(output_name("mascot-matte.mp4", OutputFormat::Matte), "mascot-matte-matte.mp4");
        assert_eq!(ClipName::of_file("photos.zip").unwrap().of_output(FileFormat::Zip), "photos-cut.zip");
        assert_eq!(ClipName::of_file("photo.jpg").unwrap().of_output(FileFormat::Png), "photo.png");
    }
}
