//! Names of the images of a job: sanitized paths, unique within one archive.

use std::collections::HashSet;

use crate::clip_name::{MAX_CHARS, is_allowed};

/// Most folders that are kept around an image.
const MAX_FOLDERS: usize = 8;

/// Makes paths for the files of an archive: relative, with `/` between plain names, without
/// invisible characters, and each one unique, also where upper and lower case are the same.
#[derive(Debug, Default)]
pub struct ImagePaths {
    taken: HashSet<String>,
    /// The folders of the taken paths.
    folders: HashSet<String>,
}

/// Sanitizes an untrusted path. What leads out of its folder is dropped; `image` if nothing remains.
#[must_use]
pub fn sanitized_path(text: &str) -> String {
    let parts: Vec<String> = text.split(['/', '\\']).filter_map(sanitized_part).collect();
    let kept = &parts[parts.len().saturating_sub(MAX_FOLDERS + 1)..];
    match kept {
        [] => "image".to_owned(),
        // What programs send for a file without a name.
        [name] if name.eq_ignore_ascii_case("blob") => "image".to_owned(),
        kept => kept.join("/"),
    }
}

/// One folder or file of a path; `None` if nothing of it remains.
fn sanitized_part(text: &str) -> Option<String> {
    let visible: String = text.chars().filter(|&c| is_allowed(c)).collect();
    let part = visible.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
    let (stem, extension) = split_extension(part);
    let kept: String = stem.chars().take(MAX_CHARS - extension.chars().count()).collect();
    let part = format!("{}{extension}", kept.trim_end());
    (!part.is_empty()).then_some(part)
}

/// Splits the last part of a path at the dot of its extension, which belongs to the second half.
fn split_extension(path: &str) -> (&str, &str) {
    match path.rfind('.') {
        Some(dot) if dot > 0 && path.len() - dot <= 6 && !path[..dot].ends_with('/') && !path[dot..].contains('/') => {
            path.split_at(dot)
        }
        _ => (path, ""),
    }
}

impl ImagePaths {
    /// The path of a file that is named `path`, sanitized and unique.
    pub fn claim(&mut self, path: &str) -> String {
        let path = sanitized_path(path);
        let (stem, extension) = split_extension(&path);
        self.claim_numbered(stem, extension)
    }

    /// The path of the PNG of the image that is named `path`, sanitized and unique.
    pub fn claim_png(&mut self, path: &str) -> String {
        let path = sanitized_path(path);
        self.claim_numbered(split_extension(&path).0, ".png")
    }

    fn claim_numbered(&mut self, stem: &str, extension: &str) -> String {
        // A file and a folder cannot have the same path; the folders become part of the name.
        let lies_in_file = folders_of(&stem.to_lowercase()).any(|folder| self.taken.contains(folder));
        let stem = if lies_in_file { stem.replace('/', "-") } else { stem.to_owned() };
        let numbered = (2_u32..).map(|number| format!("{stem}-{number}{extension}"));
        let mut candidates = std::iter::once(format!("{stem}{extension}")).chain(numbered);
        // At most as many are taken as files were claimed.
        let is_free = |path: &String| {
            let path = path.to_lowercase();
            !self.folders.contains(&path) && self.taken.insert(path)
        };
        let path = candidates.find(is_free).unwrap_or_default();
        self.folders.extend(folders_of(&path.to_lowercase()).map(str::to_owned));
        path
    }
}

/// The folders that a path lies in: `a` and `a/b` of `a/b/c`.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_the_path_of_a_folder() {
        let mut paths = ImagePaths::default();
        assert_eq!(
            ["a.png", "A.png/b.png", "c/d.png", "c"].map(|path| paths.claim(path)),
            ["a.png", "A.png-b.png", "c/d.png", "c-2"]
        );
    }

    #[test]
    fn a_path_leads_nowhere_else_and_keeps_its_folders() {
        let cases = [
            ("photos/Füße 猫.jpg", "photos/Füße 猫.jpg"),
            ("../../etc/passwd", "etc/passwd"),
            ("/root/.ssh/id.png", "root/ssh/id.png"),
            ("C:\\temp\\a.png", "C/temp/a.png"),
            ("a//./b\r\n.png", "a/b.png"),
            ("gif\u{202e}gnp.exe", "gifgnp.exe"),
            ("..", "image"),
            ("blob", "image"),
            ("", "image"),
        ];
        for (text, path) in cases {
            assert_eq!(sanitized_path(text), path, "{text:?}");
            assert_eq!(sanitized_path(path), path, "{text:?}");
        }
        let long = sanitized_path(&format!("{}.jpeg", "ü".repeat(300)));
        assert!(long.chars().count() == MAX_CHARS && long.ends_with("ü.jpeg"), "{long}");
        assert_eq!(sanitized_path(&"x/".repeat(100)), "x/".repeat(MAX_FOLDERS) + "x");
    }

    #[test]
    fn paths_are_unique_whatever_their_case() {
        let mut paths = ImagePaths::default();
        let claimed = ["a/b.jpg", "a/B.PNG", "a/b-2.gif", "c", "a/b.jpg"].map(|path| paths.claim_png(path));
        assert_eq!(claimed, ["a/b.png", "a/B-2.png", "a/b-2-2.png", "c.png", "a/b-3.png"]);
        let mut paths = ImagePaths::default();
        let claimed = ["b.jpg", "b.png", "B.jpg", "x/b.jpg"].map(|path| paths.claim(path));
        assert_eq!(claimed, ["b.jpg", "b.png", "B-2.jpg", "x/b.jpg"]);
    }
}
