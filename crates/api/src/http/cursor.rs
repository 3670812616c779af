use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use clearcut_job::UnixMillis;
use clearcut_queue::Place;

/// The place after which a page begins, as text that says nothing to clients. It holds what they know already, the job's
/// name and time, and nothing of others' jobs.
pub(crate) fn write(place: &Place) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{}:{}", place.created.0, place.id))
}

/// Reads what [`write`] wrote.
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
    fn a_place_reads_back_and_nothing_else_does() {
        let place = Place { created: UnixMillis(1_710_000_000_500), id: JobId::from_random(7) };
        assert_eq!(read(&write(&place)), Some(place));
        for text in ["", "x", "AAAA", &BASE64_URL_SAFE_NO_PAD.encode("1:jd"), &BASE64_URL_SAFE_NO_PAD.encode("x:y")] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
