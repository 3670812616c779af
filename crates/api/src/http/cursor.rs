//! Cursors of paginated lists.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use clearcut_job::UnixMillis;
use clearcut_queue::Place;

/// Encodes the position after which the next page starts, as opaque text. It contains only the id
/// and the creation time of the last job listed, and nothing about jobs of other API keys.
pub(crate) fn write(place: &Place) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{}:{}", place.created.0, place.id))
}

/// Decodes a cursor made by [`write`].
pub(crate) fn read(text: &str) -> Option<Place> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (created, id) = text.split_once(':')?;
    Some(Place { created: UnixMillis(created.parse().ok()?), id: id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use clearcut_job::JobId;

    use super::*;

    #[test]
    fn a_cursor_reads_back_and_other_text_is_refused() {
        let place = Place { created: UnixMillis(1_710_000_000_500), id: JobId::from_random(7) };
        assert_eq!(read(&write(&place)), Some(place));
        for text in ["", "x", "AAAA", &BASE64_URL_SAFE_NO_PAD.encode("1:jd"), &BASE64_URL_SAFE_NO_PAD.encode("x:y")] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
