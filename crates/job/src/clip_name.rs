use std::{fmt, str::FromStr};

use crate::{OutputFormat, RequestError};

/// The longest name, in characters: file systems take 255 bytes, and an ending comes on top.
const MAX_CHARS: usize = 60;

/// What a stranger calls a clip, as the name of one file: no folder, nothing that does not show, no end of a line. For people, and for
/// naming downloads; nothing of this server is ever named so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipName(String);

impl ClipName {
    /// What is left of `text` as the name of a file; `None` where that is nothing, or says nothing, as the `blob` of programs does.
    #[must_use]
    pub fn of_file(text: &str) -> Option<Self> {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown: String = name.chars().filter(|&c| shows(c)).take(MAX_CHARS).collect();
        let name = shown.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
        if name.is_empty() || name.eq_ignore_ascii_case("blob") { None } else { Some(Self(name.to_owned())) }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an output of the clip in `format` is called: `mascot.webm` for that of `mascot.mp4`, and never as the clip itself.
    #[must_use]
    pub fn of_output(&self, format: OutputFormat) -> String {
        let stem = match self.0.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() && is_ending(ending) => stem,
            _ => &self.0,
        };
        let name = format!("{stem}.{}", format.extension());
        if name.eq_ignore_ascii_case(&self.0) { format!("{stem}-cut.{}", format.extension()) } else { name }
    }
}

fn is_ending(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a character takes a place of its own or belongs to one that does: no controls, no marks of direction, no joiners, nothing that
/// systems keep for themselves.
fn shows(c: char) -> bool {
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

    fn kept(text: &str) -> Option<String> {
        ClipName::of_file(text).map(|name| name.0)
    }

    #[test]
    fn only_what_shows_of_the_last_part_of_a_path_is_kept() {
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
            assert_eq!(kept(text).as_deref(), name, "{text:?}");
            // What was kept is kept again.
            assert_eq!(name.and_then(kept).as_deref(), name, "{text:?}");
        }
        assert_eq!(kept(&"ü".repeat(300)).unwrap().chars().count(), MAX_CHARS);
    }

    #[test]
    fn an_output_is_called_as_its_clip_but_never_the_same() {
        let of = |clip: &str, format| ClipName::of_file(clip).unwrap().of_output(format);
        assert_eq!(of("mascot.mp4", OutputFormat::Webm), "mascot.webm");
        assert_eq!(of("mascot.MP4", OutputFormat::StackedAlpha), "mascot-cut.mp4");
        assert_eq!(of("take 1.2 final", OutputFormat::Mov), "take 1.2 final.mov");
        assert_eq!(of("v1.webm", OutputFormat::Webp), "v1.webp");
    }
}
