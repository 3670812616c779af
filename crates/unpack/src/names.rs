//! The order of an image sequence, from the names of its files.

use clearcut_job::UnpackFailure;

/// Extensions of the images that are read, in lower case.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// A name that is taken apart: what all images of a sequence have in common, and their number.
#[derive(Debug, PartialEq, Eq)]
struct Numbered<'a> {
    /// Folder and name before the number; name behind it; extension in lower case.
    sequence: (&'a str, &'a str, String),
    /// The last number of the name; `None` if it has none.
    number: Option<u64>,
}

/// The places of the images among `names`, by their numbers. Other files, hidden files and what
/// macOS adds to archives are left out.
///
/// # Errors
/// If the images are not one sequence without gaps.
pub(crate) fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<usize>, UnpackFailure> {
    let mut images: Vec<(Numbered, usize)> =
        names.enumerate().filter_map(|(place, name)| Some((take_apart(name)?, place))).collect();
    let Some((first, _)) = images.first() else { return Err(UnpackFailure::NoImages) };
    if images.len() == 1 {
        return Err(UnpackFailure::OneImage);
    }
    if images.iter().any(|(image, _)| image.number.is_none()) {
        return Err(UnpackFailure::NotNumbered);
    }
    if images.iter().any(|(image, _)| image.sequence != first.sequence) {
        return Err(UnpackFailure::SeveralSequences);
    }
    images.sort_by_key(|(image, _)| image.number);
    let step = |pair: &[(Numbered, usize)]| Some(pair[1].0.number? - pair[0].0.number?);
    let first_step = step(&images[..2]);
    // Every tenth frame is a sequence, too.
    if first_step == Some(0) || images.windows(2).any(|pair| step(pair) != first_step) {
        return Err(UnpackFailure::MissingImages);
    }
    Ok(images.into_iter().map(|(_, place)| place).collect())
}

/// Whether a folder or file of this name is one that systems hide, or add to archives.
pub(crate) fn is_hidden(part: &str) -> bool {
    let added = ["__MACOSX", "Thumbs.db", "desktop.ini"];
    let is_hidden = part.starts_with('.') && !part.trim_matches('.').is_empty();
    is_hidden || added.iter().any(|name| part.eq_ignore_ascii_case(name))
}

/// Takes the name of an image apart; `None` if it is that of another file.
fn take_apart(name: &str) -> Option<Numbered<'_>> {
    if name.split(['/', '\\']).any(is_hidden) {
        return None;
    }
    let (stem, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    if !EXTENSIONS.contains(&extension.as_str()) {
        return None;
    }
    let file = stem.rfind(['/', '\\']).map_or(0, |separator| separator + 1);
    let end = stem[file..].rfind(|c: char| c.is_ascii_digit()).map_or(stem.len(), |last| file + last + 1);
    let start = stem[file..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(file, |last| file + last + stem[file + last..].chars().next().map_or(1, char::len_utf8));
    let sequence = (&stem[..start], &stem[end..], extension);
    Some(Numbered { sequence, number: stem[start..end].parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str]) -> Result<Vec<usize>, UnpackFailure> {
        in_order(names.iter().copied())
    }

    #[test]
    fn images_are_ordered_by_their_numbers_and_other_files_are_left_out() {
        assert_eq!(order(&["f10.png", "f9.png", "f11.png"]), Ok(vec![1, 0, 2]));
        assert_eq!(order(&["shot v2/a.0002.PNG", "shot v2/", "shot v2/a.0001.png"]), Ok(vec![2, 0]));
        assert_eq!(order(&["img (2).jpg", "read.txt", "img (1).jpg", ".DS_Store"]), Ok(vec![2, 0]));
        assert_eq!(order(&["__MACOSX/._a1.png", "a1.png", "a2.png", "a/._a3.png"]), Ok(vec![1, 2]));
        assert_eq!(order(&["00010.webp", "00020.webp", "00030.webp"]), Ok(vec![0, 1, 2]));
        assert_eq!(order(&["bild-\u{fc}1.png", "bild-\u{fc}2.png"]), Ok(vec![0, 1]));
    }

    #[test]
    fn what_is_not_one_sequence_is_refused_by_its_reason() {
        assert_eq!(order(&["a.txt", "b.mp4"]), Err(UnpackFailure::NoImages));
        assert_eq!(order(&["a1.png"]), Err(UnpackFailure::OneImage));
        assert_eq!(order(&["a.png", "b.png"]), Err(UnpackFailure::NotNumbered));
        assert_eq!(order(&["a1.png", "99999999999999999999999.png"]), Err(UnpackFailure::NotNumbered));
        assert_eq!(order(&["a1.png", "a2.png", "b1.png"]), Err(UnpackFailure::SeveralSequences));
        assert_eq!(order(&["a1.png", "a2.jpg"]), Err(UnpackFailure::SeveralSequences));
        assert_eq!(order(&["x/a1.png", "y/a2.png"]), Err(UnpackFailure::SeveralSequences));
        assert_eq!(order(&["a1.png", "a2.png", "a4.png"]), Err(UnpackFailure::MissingImages));
        assert_eq!(order(&["a1.png", "a01.png"]), Err(UnpackFailure::MissingImages));
    }
}
