//! The media type of a clip, an image or an archive, from its first bytes.

use clearcut_job::{Container, StillFormat};

/// The media type of the file that starts with `head`; `application/octet-stream` if it is neither a
/// video, an image nor a ZIP archive. No type is one that a browser runs.
pub(crate) fn media_type(head: &[u8]) -> &'static str {
    match (Container::sniff(head), StillFormat::sniff(head)) {
        (Ok(container), _) => of_container(container),
        (_, Ok(still)) => of_image(still),
        _ if Container::is_archive(head) => "application/zip",
        _ => "application/octet-stream",
    }
}

const fn of_container(container: Container) -> &'static str {
    match container {
        Container::Mov => "video/mp4",
        Container::Matroska => "video/webm",
        Container::Avi => "video/x-msvideo",
        Container::Gif => "image/gif",
        Container::Apng => "image/apng",
        Container::Webp => "image/webp",
        Container::MpegTs => "video/mp2t",
        Container::MpegPs => "video/mpeg",
        Container::Flv => "video/x-flv",
        Container::Asf => "video/x-ms-wmv",
        Container::Mxf => "application/mxf",
        Container::Ogg => "video/ogg",
        Container::Ivf | Container::Dv | Container::Y4m => "application/octet-stream",
        Container::Zip => "application/zip",
    }
}

const fn of_image(still: StillFormat) -> &'static str {
    match still {
        StillFormat::Jpeg => "image/jpeg",
        StillFormat::Png => "image/png",
        StillFormat::Webp => "image/webp",
        StillFormat::Gif => "image/gif",
        StillFormat::Avif => "image/avif",
        StillFormat::Heic => "image/heic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_images_and_archives_have_types_and_nothing_else_has_one_that_a_browser_runs() {
        let cases: [(&[u8], &str); 6] = [
            (b"\0\0\0\x20ftypisom\0\0\x02\0", "video/mp4"),
            (b"\x1A\x45\xDF\xA3", "video/webm"),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF\0", "image/jpeg"),
            (b"PK\x03\x04\x14\0\0\0\x08\0aaaabbbbcccccccc\x06\0\0\0a.heic", "application/zip"),
            (b"<!doctype html><script>", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ];
        for (head, expected) in cases {
            assert_eq!(media_type(head), expected, "{head:?}");
        }
    }
}
