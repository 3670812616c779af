//! The kinds of files that a receiver accepts, judged by their first bytes.

use crate::{Container, NotImage, NotVideo, StillFormat};

/// Kinds of files that a receiver accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Clips.
    Videos,
    /// Images; of an animated one, the first frame is used.
    Images,
    /// Clips and images.
    VideosAndImages,
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
            Self::VideosAndImages => match Container::sniff(head) {
                Ok(_) => Ok(()),
                Err(NotVideo::StillImage) => Ok(StillFormat::sniff(head).map(drop)?),
                Err(other) => Err(other.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_accepted_where_it_is_expected() {
        let (mp4, jpeg) = (&b"\0\0\0\x20ftypisom\0\0\x02\0"[..], &b"\xFF\xD8\xFF\xE0\0\x10JFIF\0"[..]);
        assert_eq!((Accepted::Videos.check(mp4), Accepted::VideosAndImages.check(mp4)), (Ok(()), Ok(())));
        assert_eq!((Accepted::Images.check(jpeg), Accepted::VideosAndImages.check(jpeg)), (Ok(()), Ok(())));
        assert_eq!(Accepted::Videos.check(jpeg), Err(NotAccepted::Video(NotVideo::StillImage)));
        assert!(matches!(Accepted::Images.check(mp4), Err(NotAccepted::Image(_))));
        for nothing in [&b""[..], b"<html>", b"%PDF-1.7", b"<svg xmlns="] {
            for accepted in [Accepted::Videos, Accepted::Images, Accepted::VideosAndImages] {
                assert!(accepted.check(nothing).is_err(), "{accepted:?} {nothing:?}");
            }
        }
    }
}
