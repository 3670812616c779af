//! Times as the commands print them.

use clearcut_job::UnixMillis;

/// Time in UTC, such as `2026-11-23T12:26:13Z`; `never` for none.
pub(super) fn format_time(moment: Option<UnixMillis>) -> String {
    let Some(moment) = moment else { return "never".to_owned() };
    let text = moment.to_rfc3339();
    text.split_once('.').map_or(String::new(), |(secs, _)| secs.to_owned() + "Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_in_utc() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
        ] {
            assert_eq!(format_time(Some(UnixMillis(secs * 1000))), text);
        }
        assert_eq!(format_time(None), "never");
    }
}
