//! The output of a job of images: one PNG, or a ZIP archive of several, and the list of the images.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use clearcut_job::{
    CutImage, Failure, FileFormat, ImagePaths, ImageResult, MeasuredCut, MeasuredImage, MeasuredImages,
};
use zip::ZipWriter;

use crate::{
    CutFile, CutOutcome,
    failure::local_failure,
    zip_options::{io_error, stored},
};

/// The output of a job of images, to which they are added one by one.
pub(crate) struct Bundle {
    path: PathBuf,
    file: Output,
    images: Vec<MeasuredImage>,
}

enum Output {
    /// Of a job of one image.
    Png,
    /// PNGs are compressed already, so they are only stored.
    Zip(Box<ZipWriter<BufWriter<File>>>, ImagePaths),
}

impl Bundle {
    /// Begins the output of a job of `total` images in the folder `scratch`.
    pub(crate) fn begin(scratch: &Path, total: usize) -> Result<Self, Failure> {
        let path = scratch.join("output");
        let file = if total == 1 {
            Output::Png
        } else {
            let file = File::create_new(&path).map_err(|error| local_failure(&error))?;
            Output::Zip(Box::new(ZipWriter::new(BufWriter::new(file))), ImagePaths::default())
        };
        Ok(Self { path, file, images: Vec::with_capacity(total) })
    }

    /// Adds the next image, with its sanitized name in the input.
    pub(crate) fn add(&mut self, name: Option<String>, cut: Result<CutImage, Failure>) -> Result<(), Failure> {
        let result = match cut {
            Err(failure) => ImageResult::Failed(failure),
            Ok(CutImage { png, size, method, reason, model, key_color: background, report }) => {
                let (width, height) = (size.width(), size.height());
                let file = self.write(name.as_deref(), &png).map_err(|error| local_failure(&error))?;
                ImageResult::Cut(Box::new(MeasuredCut {
                    file,
                    width,
                    height,
                    method,
                    reason,
                    model,
                    background,
                    report,
                }))
            }
        };
        self.images.push(MeasuredImage { name, result });
        Ok(())
    }

    /// Writes the PNG of an image, and returns its path in the archive.
    fn write(&mut self, name: Option<&str>, png: &[u8]) -> io::Result<Option<String>> {
        match &mut self.file {
            Output::Png => fs::write(&self.path, png).map(|()| None),
            Output::Zip(archive, paths) => {
                let path = paths.claim_png(name.unwrap_or_default());
                archive.start_file(&path, stored()).map_err(io_error)?;
                archive.write_all(png)?;
                Ok(Some(path))
            }
        }
    }

    /// Completes the output.
    ///
    /// # Errors
    /// If none of the images could be cut: the failure of the first.
    pub(crate) fn finish(self) -> Result<CutOutcome, Failure> {
        let Self { path, file, images } = self;
        let measured = MeasuredImages { images };
        if measured.cuts().next().is_none() {
            return Err(failure_of_all(&measured.images));
        }
        let format = match file {
            Output::Png => FileFormat::Png,
            Output::Zip(archive, _) => {
                let ended = archive.finish().map_err(io_error).and_then(|mut file| file.flush());
                ended.map_err(|error| local_failure(&error))?;
                FileFormat::Zip
            }
        };
        Ok(CutOutcome { measured: measured.into(), files: vec![CutFile { format, path }] })
    }
}

/// The failure of a job of which no image could be cut.
fn failure_of_all(images: &[MeasuredImage]) -> Failure {
    let mut failures = images.iter().filter_map(|image| match &image.result {
        ImageResult::Failed(failure) => Some((image.name.as_deref().unwrap_or("the image"), failure)),
        ImageResult::Cut(_) => None,
    });
    match (failures.next(), images.len()) {
        (Some((_, failure)), 1) => failure.clone(),
        (Some((name, failure)), count) => {
            let message = format!("none of the {count} images could be cut; the first, {name}: {}", failure.message);
            Failure::new(failure.code, message)
        }
        (None, _) => Failure::new(clearcut_job::FailureCode::InvalidImage, "there are no images"),
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::Size;
    use clearcut_job::{CutMethod, FailureCode, MatteReport, Measured, MethodReason};

    use super::*;

    fn image(png: &[u8]) -> CutImage {
        CutImage {
            png: png.to_vec(),
            size: Size::new(3, 2).unwrap(),
            method: CutMethod::Ai,
            reason: MethodReason::Asked,
            model: None,
            key_color: None,
            report: MatteReport { removed_share: 0.5, ..MatteReport::default() },
        }
    }

    fn damaged() -> Failure {
        Failure::new(FailureCode::InvalidImage, "the image is damaged or cut off")
    }

    #[test]
    fn several_images_become_an_archive_and_a_list() {
        let scratch = tempfile::tempdir().unwrap();
        let mut bundle = Bundle::begin(scratch.path(), 3).unwrap();
        bundle.add(Some("a/b.jpg".into()), Ok(image(b"one"))).unwrap();
        bundle.add(Some("broken.jpg".into()), Err(damaged())).unwrap();
        bundle.add(Some("a/b.png".into()), Ok(image(b"two"))).unwrap();
        let outcome = bundle.finish().unwrap();
        let Measured::Images(measured) = &outcome.measured else { panic!("{outcome:?}") };
        let files: Vec<_> = measured.cuts().map(|cut| cut.file.as_deref().unwrap()).collect();
        assert_eq!((files, measured.images.len()), (vec!["a/b.png", "a/b-2.png"], 3));
        assert_eq!(outcome.files[0].format, FileFormat::Zip);
        let mut archive = zip::ZipArchive::new(File::open(&outcome.files[0].path).unwrap()).unwrap();
        let text = io::read_to_string(archive.by_name("a/b-2.png").unwrap()).unwrap();
        assert_eq!((text.as_str(), archive.len()), ("two", 2));
    }

    #[test]
    fn one_image_becomes_a_png() {
        let scratch = tempfile::tempdir().unwrap();
        let mut bundle = Bundle::begin(scratch.path(), 1).unwrap();
        bundle.add(None, Ok(image(b"one"))).unwrap();
        let outcome = bundle.finish().unwrap();
        assert_eq!((outcome.files[0].format, outcome.measured.frames()), (FileFormat::Png, 1));
        assert_eq!(fs::read(&outcome.files[0].path).unwrap(), b"one");
    }

    #[test]
    fn without_any_cut_the_job_fails_as_the_first_image_did() {
        let failure = |names: &[&str]| {
            let scratch = tempfile::tempdir().unwrap();
            let mut bundle = Bundle::begin(scratch.path(), names.len()).unwrap();
            for name in names {
                bundle.add(Some((*name).into()), Err(damaged())).unwrap();
            }
            bundle.finish().unwrap_err()
        };
        assert_eq!(failure(&["a.jpg"]), damaged());
        let message = "none of the 2 images could be cut; the first, a.jpg: the image is damaged or cut off";
        assert_eq!(failure(&["a.jpg", "b.jpg"]), Failure::new(FailureCode::InvalidImage, message));
    }
}
