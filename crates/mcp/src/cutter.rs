//! The boundary to the code that does the work of the tools on local files.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::Rgb8;
use clearcut_job::{CutImage, CutRequest, CutStep, ErrorCode, ImageInfo, PreviewFrame};
use clearcut_pipeline::{CutReport, Stop};

use crate::Failure;

/// Does the work of the tools. All methods block; the paths are inside of the allowed folders.
pub trait Cutter: Send + Sync + 'static {
    /// Checks without work that the clip can be opened and that no file is in the way.
    ///
    /// # Errors
    /// The failure that [`Self::cut`] would end with.
    fn check(&self, order: &CutOrder) -> Result<(), Failure>;

    /// Cuts a clip and leaves the checked files under their final names. A cut that fails leaves
    /// nothing.
    ///
    /// # Errors
    /// Why there are no files.
    fn cut(&self, order: &CutOrder, stop: &Stop, progress: &mut dyn FnMut(CutStep)) -> Result<FinishedCut, Failure>;

    /// Checks an image as [`Self::check`] does a clip, cuts it, and leaves a PNG under its final name.
    ///
    /// # Errors
    /// Why there is no file.
    fn cut_image(&self, order: &ImageOrder, stop: &Stop) -> Result<FinishedImage, Failure>;

    /// Cuts the frame that a clip shows at `at`, or an image, scaled down to the size of the
    /// request.
    ///
    /// # Errors
    /// Why there is no frame.
    fn preview(&self, input: &Path, request: &CutRequest, at: Duration, stop: &Stop) -> Result<PreviewFrame, Failure>;

    /// Measures the background of a clip or an image.
    ///
    /// # Errors
    /// Why it could not be measured.
    fn measure_background(&self, input: &Path, stop: &Stop) -> Result<MeasuredBackground, Failure>;

    /// Reads the properties of a clip or an image.
    ///
    /// # Errors
    /// Why they could not be read.
    fn probe(&self, input: &Path, stop: &Stop) -> Result<Probed, Failure>;
}

/// A cut of one clip.
#[derive(Debug, Clone)]
pub struct CutOrder {
    /// The clip.
    pub clip: PathBuf,
    /// Output file, whose extension is replaced by that of each format, or folder, which is made if it
    /// ends with a slash; `None` for files beside the clip.
    pub output: Option<PathBuf>,
    /// The file of the new background, if the settings have one that is an image or a video.
    pub background: Option<PathBuf>,
    /// The settings.
    pub request: CutRequest,
    /// Whether files that exist are replaced.
    pub overwrites: bool,
}

impl CutOrder {
    /// Checks that the paths still lead to where they led when they were resolved: a cut waits for
    /// those before it, and a link that was put there meanwhile may lead out of the allowed folders.
    ///
    /// # Errors
    /// [`ErrorCode::InputUnreadable`], [`ErrorCode::OutputUnwritable`].
    pub(crate) fn check_unmoved(&self) -> Result<(), Failure> {
        let is_unmoved = |path: &Path| path.canonicalize().is_ok_and(|resolved| resolved == path);
        if !is_unmoved(&self.clip) {
            let message = format!("{} was moved or replaced while the cut waited", self.clip.display());
            return Err(Failure::new(ErrorCode::InputUnreadable, message).in_field("input", "a file that stays"));
        }
        if self.background.as_deref().is_some_and(|path| !is_unmoved(path)) {
            let message = "the background was moved or replaced while the cut waited";
            return Err(Failure::new(ErrorCode::InvalidBackground, message).in_field("background", "a file that stays"));
        }
        let folder =
            self.output.as_deref().and_then(|output| if output.is_dir() { Some(output) } else { output.parent() });
        if folder.is_some_and(|folder| !is_unmoved(folder)) {
            let message = "the output folder was moved or replaced while the cut waited";
            return Err(Failure::new(ErrorCode::OutputUnwritable, message).in_field("output", "a folder that stays"));
        }
        Ok(())
    }
}

/// A cut of one image.
#[derive(Debug, Clone)]
pub struct ImageOrder {
    /// The image.
    pub image: PathBuf,
    /// Output file or folder, which is made if it ends with a slash; `None` for a file beside the image.
    pub output: Option<PathBuf>,
    /// The settings. Those of time and of video are not used.
    pub request: CutRequest,
    /// Whether pixels at the edge of the subject are translucent.
    pub has_soft_edges: bool,
    /// Whether a file that exists is replaced.
    pub overwrites: bool,
}

/// A finished cut of an image.
#[derive(Debug)]
pub struct FinishedImage {
    /// The image and what was measured.
    pub image: CutImage,
    /// Final path.
    pub path: PathBuf,
    /// Duration of the cut.
    pub took: Duration,
}

/// A finished cut.
#[derive(Debug)]
pub struct FinishedCut {
    /// What was measured and written.
    pub report: CutReport,
    /// Final paths, in the order of the report's outputs.
    pub paths: Vec<PathBuf>,
    /// Duration of the cut.
    pub took: Duration,
}

/// The properties of a clip or an image.
#[derive(Debug)]
pub enum Probed {
    /// Of a clip.
    Clip(Box<MediaInfo>),
    /// Of an image.
    Image(Box<ProbedImage>),
}

/// The properties of an image.
#[derive(Debug)]
pub struct ProbedImage {
    /// What the file says.
    pub info: ImageInfo,
    /// What its border shows.
    pub background: MeasuredBackground,
}

/// What the border of a clip or an image shows.
#[derive(Debug, Clone)]
pub enum MeasuredBackground {
    /// A background that is keyed without being asked.
    Flat {
        /// Its color.
        color: Rgb8,
        /// Share of the border that has the color, over the whole clip: 0.0..=1.0.
        confidence: f64,
    },
    /// A border that is transparent already.
    Transparent,
    /// No background that is keyed without being asked.
    None {
        /// What was found instead, as a sentence for people.
        finding: String,
        /// The most common color and its share of the border, if one stands out.
        candidate: Option<(Rgb8, f64)>,
    },
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use clearcut_job::OutputFormat;

    use super::*;

    #[test]
    fn a_path_that_became_a_link_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap();
        let (clip, out, secret) = (root.join("clip.mp4"), root.join("out"), root.join("secret"));
        fs::write(&clip, "clip").unwrap();
        fs::create_dir(&out).unwrap();
        fs::create_dir(&secret).unwrap();
        let order = |output: &Path| CutOrder {
            clip: clip.clone(),
            output: Some(output.to_owned()),
            background: None,
            request: CutRequest::new(OutputFormat::Webm),
            overwrites: false,
        };
        for output in [out.clone(), out.join("a.webm")] {
            assert!(order(&output).check_unmoved().is_ok());
        }
        fs::remove_dir(&out).unwrap();
        symlink(&secret, &out).unwrap();
        for output in [out.clone(), out.join("a.webm")] {
            let refused = order(&output).check_unmoved().unwrap_err();
            assert_eq!(refused.code, ErrorCode::OutputUnwritable);
        }
        fs::remove_file(&clip).unwrap();
        symlink(secret.join("clip.mp4"), &clip).unwrap();
        assert_eq!(order(&root).check_unmoved().unwrap_err().code, ErrorCode::InputUnreadable);
    }
}
