//! The kinds of files that a receiver accepts, judged by their first bytes.

use crate::{Container, NotImage, NotVideo, StillFormat};

/// Kinds of files that a receiver accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Clips.
    Videos,
    /// Images; of an animated one, the first frame is used.
    Images,
    /// Images, and ZIP archives, which may hold some.
    ImagesAndArchives,
    /// Clips and images, which may lie behind a clip.
    Backgrounds,
    /// Clips, images and ZIP archives.
    Everything,
}

/// Why a file is of no accepted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// A clip is expected.
    #[error(transparent)]
    Video(#[from] NotVideo),
    /// An image is expected.
    #[error(transparent)]
    Image(#[from] NotImage),
}

impl NotAccepted {
    /// The routes of a server that take the file instead; empty if none does.
    #[must_use]
    pub const fn routes(self) -> &'static [&'static str] {
        match self {
            Self::Video(NotVideo::StillImage) => {
                &["/api/v1/image/remove-background", "/api/v1/jobs/image/remove-background"]
            }
            Self::Image(NotImage::Video) => &["/api/v1/jobs/video/remove-background"],
            Self::Image(NotImage::Archive) => &["/api/v1/jobs/image/remove-background"],
            Self::Video(_) | Self::Image(_) => &[],
        }
    }

    /// The reason with the routes of a server that take the file instead, for the clients of one.
    #[must_use]
    pub fn with_routes(self) -> String {
        match self.routes() {
            [one, several] => format!("{self}; send one image to POST {one}, several to POST {several}"),
            [route] => format!("{self}; send it to POST {route}"),
            _ => self.to_string(),
        }
    }
}

impl Accepted {
    /// Number of leading bytes that [`Self::check`] needs, or the whole file if it is shorter.
    pub const SNIFF_BYTES: usize = Container::SNIFF_BYTES;

    /// Checks that the file that starts with `head` is of an accepted kind.
    ///
    /// # Errors
    /// The reason why it is none.
    pub fn check(self, head: &[u8]) -> Result<(), NotAccepted> {
        match self {
            Self::Videos => Ok(Container::sniff(head).map(drop)?),
            Self::Images => Ok(StillFormat::sniff(head).map(drop)?),
            Self::ImagesAndArchives if Container::is_archive(head) => Ok(()),
            Self::ImagesAndArchives => Self::Images.check(head),
            Self::Backgrounds => match Container::sniff(head) {
                Err(NotVideo::StillImage) => Self::Images.check(head),
                sniffed => Ok(sniffed.map(drop).map_err(NotVideo::or_image)?),
            },
            Self::Everything => match Container::sniff(head) {
                Err(NotVideo::StillImage) => Self::Images.check(head),
                Err(_) if Container::may_hold_images(head) => Ok(()),
                sniffed => Ok(sniffed.map(drop)?),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_other_kind_is_told_where_it_belongs() {
        let image = NotAccepted::from(NotVideo::StillImage).with_routes();
        assert_eq!(
            image,
            "the file is a still image; send one image to POST /api/v1/image/remove-background, several to POST /api/v1/jobs/image/remove-background"
        );
        let video = NotAccepted::from(NotImage::Video).with_routes();
        assert_eq!(
            video,
            "the file is a video, not a still image; send it to POST /api/v1/jobs/video/remove-background"
        );
        assert_eq!(NotAccepted::from(NotVideo::Empty).with_routes(), "the file is empty");
    }

    #[test]
    fn each_kind_is_accepted_where_it_is_expected() {
        let (mp4, jpeg) = (&b"\0\0\0\x20ftypisom\0\0\x02\0"[..], &b"\xFF\xD8\xFF\xE0\0\x10JFIF\0"[..]);
        assert_eq!((Accepted::Videos.check(mp4), Accepted::Everything.check(mp4)), (Ok(()), Ok(())));
        assert_eq!((Accepted::Images.check(jpeg), Accepted::Everything.check(jpeg)), (Ok(()), Ok(())));
        assert_eq!(Accepted::Videos.check(jpeg), Err(NotAccepted::Video(NotVideo::StillImage)));
        assert!(matches!(Accepted::Images.check(mp4), Err(NotAccepted::Image(_))));
        assert_eq!(Accepted::ImagesAndArchives.check(jpeg), Ok(()));
        let archive = b"PK\x03\x04\x14\0\0\0\x08\0aaaabbbbcccccccc\x06\0\0\0a.heic";
        assert_eq!((Accepted::ImagesAndArchives.check(archive), Accepted::Everything.check(archive)), (Ok(()), Ok(())));
        assert!(Accepted::Images.check(archive).is_err() && Accepted::Videos.check(archive).is_err());
        assert_eq!((Accepted::Backgrounds.check(mp4), Accepted::Backgrounds.check(jpeg)), (Ok(()), Ok(())));
        assert!(Accepted::Backgrounds.check(archive).is_err());
        assert_eq!(Accepted::Backgrounds.check(b"a list of things"), Err(NotVideo::NorImage.into()));
        for nothing in [&b""[..], b"<html>", b"%PDF-1.7", b"<svg xmlns="] {
            let all = [
                Accepted::Videos,
                Accepted::Images,
                Accepted::ImagesAndArchives,
                Accepted::Backgrounds,
                Accepted::Everything,
            ];
            for accepted in all {
                assert!(accepted.check(nothing).is_err(), "{accepted:?} {nothing:?}");
            }
        }
    }
}
