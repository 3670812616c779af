//! Still images in HEIF (AVIF and HEIC): what of them ffmpeg would leave out, from their boxes, and
//! their conversion to PNG by ffmpeg.

use std::{fs::File, io, path::Path, process::Stdio};

use clearcut_job::StillFormat;

use crate::{
    Child, Error, ImageError, KillHandle, MediaError, MediaLimits, Tools, argv,
    auxiliary::names_alpha,
    boxes::{BoxSpan, boxes_in, read_at, u32_at},
    limits::ChildLimits,
    tools::duplicate_as_stdin,
};

/// Limit of boxes to visit within one box.
const MAX_BOXES: usize = 1000;

/// A running ffmpeg that converts an image to PNG, into a file without a name.
#[derive(Debug)]
pub struct ImageConversion {
    format: StillFormat,
    child: Child,
    png: File,
}

impl Tools {
    /// Starts to convert the image in `input` to a PNG in `folder`, if it is one that only ffmpeg
    /// reads. `None` if it needs no conversion.
    ///
    /// # Errors
    /// [`Error::Image`] if the image is of a kind that is not read, [`Error::Io`], [`Error::Spawn`].
    pub fn convert_image(
        &self,
        input: &File,
        folder: &Path,
        limits: &MediaLimits,
    ) -> Result<Option<ImageConversion>, Error> {
        let format = self.still_format(input)?;
        if !matches!(format, StillFormat::Avif | StillFormat::Heic) {
            return Ok(None);
        }
        let failed = |source| Error::from_io("reading the image", source);
        match Content::of(input).map_err(failed)? {
            Content::Whole => {}
            Content::LeftOut(part) => return Err(ImageError::UnreadPart { format, part }.into()),
            Content::Damaged => return Err(ImageError::Damaged.into()),
        }
        let png = tempfile::tempfile_in(folder).map_err(failed)?;
        let out = png.try_clone().map_err(failed)?;
        let mut command = self.sandbox().command(self.ffmpeg_path(), None, ChildLimits::IMAGE);
        command.args(argv::convert_still(limits));
        let child = Child::spawn_into("converting the image", command, duplicate_as_stdin(input)?, Stdio::from(out))?;
        Ok(Some(ImageConversion { format, child, png }))
    }
}

impl ImageConversion {
    /// A handle that kills the process from another thread; [`Self::finish`] then returns an error.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.child.kill_handle()
    }

    /// Waits for the end of the process, and returns the PNG. Blocks.
    ///
    /// # Errors
    /// [`Error::Image`] if the image is at fault.
    pub fn finish(self) -> Result<File, Error> {
        let Self { format, child, png } = self;
        let reason = |error| match error {
            // An ffmpeg that knows no still images looks for the tracks of a clip.
            Error::Failed { stderr_tail, .. } if stderr_tail.contains("moov atom not found") => {
                ImageError::ReaderMissing { format }.into()
            }
            Error::Failed { .. } => ImageError::Damaged.into(),
            Error::Media(MediaError::TooMuchMemory) => ImageError::TooMuchMemory.into(),
            Error::Media(MediaError::TooMuchWork) => ImageError::TooMuchWork.into(),
            other => other,
        };
        child.wait().map_err(reason)?;
        Ok(png)
    }
}

/// How much of an image in HEIF ffmpeg reads.
#[derive(Debug, PartialEq)]
enum Content {
    /// All that belongs to the picture.
    Whole,
    /// All but this part, without which it would look different.
    LeftOut(&'static str),
    /// There is no image.
    Damaged,
}

impl Content {
    fn of(file: &File) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let Some(meta) = boxes_in(file, 0, end, MAX_BOXES)?.into_iter().find(|span| span.name == *b"meta") else {
            return Ok(Self::Damaged);
        };
        let boxes = boxes_in(file, meta.content + VERSION_LEN, meta.end, MAX_BOXES)?;
        let find = |name: &[u8; 4]| boxes.iter().find(|span| span.name == *name);
        let (Some(primary), Some(items)) = (find(b"pitm"), find(b"iinf")) else { return Ok(Self::Damaged) };
        let primary = match version(file, primary)? {
            0 => u32_at(file, primary.content + VERSION_LEN)? >> 16,
            _ => u32_at(file, primary.content + VERSION_LEN)?,
        };
        if !item_kind(file, items, primary)?.is_some_and(|kind| [*b"av01", *b"hvc1"].contains(&kind)) {
            return Ok(Self::LeftOut("tiles that must be put together"));
        }
        let Some(properties) = find(b"iprp") else { return Ok(Self::Damaged) };
        for container in boxes_in(file, properties.content, properties.end, MAX_BOXES)? {
            if container.name == *b"ipco" {
                for property in boxes_in(file, container.content, container.end, MAX_BOXES)? {
                    if let Some(part) = unread_property(file, &property)? {
                        return Ok(Self::LeftOut(part));
                    }
                }
            }
        }
        Ok(Self::Whole)
    }
}

/// Bytes of version and flags at the start of a full box.
const VERSION_LEN: u64 = 4;

fn version(file: &File, span: &BoxSpan) -> io::Result<u64> {
    Ok(u32_at(file, span.content)? >> 24)
}

/// The kind of the item `id`, such as `av01`.
fn item_kind(file: &File, items: &BoxSpan, id: u64) -> io::Result<Option<[u8; 4]>> {
    let count_len = if version(file, items)? == 0 { 2 } else { 4 };
    for item in boxes_in(file, items.content + VERSION_LEN + count_len, items.end, MAX_BOXES)? {
        let number = u32_at(file, item.content + VERSION_LEN)?;
        let (number, kind) = match version(file, &item)? {
            2 => (number >> 16, item.content + VERSION_LEN + 4),
            _ => (number, item.content + VERSION_LEN + 6),
        };
        if number == id {
            return read_at::<4>(file, kind);
        }
    }
    Ok(None)
}

fn unread_property(file: &File, property: &BoxSpan) -> io::Result<Option<&'static str>> {
    Ok(match &property.name {
        b"irot" if read_at::<1>(file, property.content)?.is_some_and(|[angle]| angle & 3 != 0) => Some("a rotation"),
        b"imir" => Some("a mirroring"),
        b"clap" => Some("a crop"),
        b"auxC" if names_alpha(file, property.content + VERSION_LEN)? => Some("transparency"),
        b"colr" => {
            let is_coded = read_at::<4>(file, property.content)? == Some(*b"nclx");
            let transfer = u32_at(file, property.content + 4)? & 0xFFFF;
            (is_coded && matches!(transfer, PQ | HLG)).then_some("HDR colors")
        }
        _ => None,
    })
}

/// Transfers of HDR (ITU-T H.273).
const PQ: u64 = 16;
const HLG: u64 = 18;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat()
    }

    /// An image whose primary item is the second of two, with this kind and this property.
    fn heif(kind: &[u8; 4], property: &[u8]) -> File {
        let item = |id: u8, kind: &[u8]| boxed(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], kind, b"\0"].concat());
        let items = boxed(b"iinf", &[vec![0, 0, 0, 0, 0, 2], item(1, b"Exif"), item(7, kind)].concat());
        let primary = boxed(b"pitm", &[0, 0, 0, 0, 0, 7]);
        let properties = boxed(b"iprp", &boxed(b"ipco", property));
        let meta = boxed(b"meta", &[vec![0; 4], primary, items, properties].concat());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[boxed(b"ftyp", b"avif\0\0\0\0"), meta].concat()).unwrap();
        file
    }

    #[test]
    fn what_ffmpeg_would_leave_out_is_named() {
        let alpha = boxed(b"auxC", b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0");
        let gain = boxed(b"auxC", b"\0\0\0\0urn:com:apple:photo:2020:aux:hdrgainmap\0");
        let color = |transfer: u8| boxed(b"colr", &[b"nclx\0\x09\0".as_slice(), &[transfer, 0, 9, 0x80]].concat());
        for (kind, property, expected) in [
            (b"av01", boxed(b"irot", &[0]), None),
            (b"hvc1", gain, None),
            (b"av01", color(13), None),
            (b"grid", Vec::new(), Some("tiles that must be put together")),
            (b"av01", boxed(b"irot", &[1]), Some("a rotation")),
            (b"av01", boxed(b"imir", &[0]), Some("a mirroring")),
            (b"av01", boxed(b"clap", &[0; 32]), Some("a crop")),
            (b"av01", alpha, Some("transparency")),
            (b"av01", color(16), Some("HDR colors")),
        ] {
            let expected = expected.map_or(Content::Whole, Content::LeftOut);
            assert_eq!(Content::of(&heif(kind, &property)).unwrap(), expected);
        }
        assert_eq!(Content::of(&tempfile::tempfile().unwrap()).unwrap(), Content::Damaged);
    }
}
