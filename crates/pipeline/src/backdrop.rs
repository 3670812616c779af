//! The new background of the outputs: opened before the first frame, and put behind every frame that
//! was matted.

use clearcut_ffmpeg::{Error as ToolError, MediaError};
use clearcut_frame::{Frame, FrameFormat, Size};
use clearcut_job::{Backdrop, Fault, NotVideo, Note, NoteCode};

use crate::{CutJob, Error, Stop, plan::Plan};

mod blur;
mod compose;
mod edges;
mod film;
mod picture;

use blur::blurred;
use compose::{put_behind, solid};
pub(crate) use edges::mix_edges;
use film::Film;
use picture::read_picture;

/// The pictures of a new background, one for each frame of the outputs.
pub(crate) struct Pictures<'a> {
    source: Source<'a>,
    /// What the report says about them.
    pub(crate) notes: Vec<Note>,
}

enum Source<'a> {
    /// The same picture behind every frame.
    Still(Frame),
    Film(Box<Film<'a>>),
    /// The source of each frame itself.
    Blur,
}

impl<'a> Pictures<'a> {
    /// Opens the background that the request of `job` names; `None` if it names none. Blocks until its
    /// file was probed, or decoded if it is an image.
    ///
    /// # Errors
    /// [`Error::InvalidBackground`] if its file is at fault; [`Error::NothingToBlur`]; a failure of the
    /// machine.
    pub(crate) fn open(
        job: &'a CutJob,
        plan: &Plan,
        clip_has_alpha: bool,
        stop: &'a Stop,
    ) -> Result<Option<Self>, Error> {
        let Some(backdrop) = &job.request.background else { return Ok(None) };
        let format = plan.frame.without_alpha();
        let (source, notes) = match backdrop {
            Backdrop::Color(color) => (Source::Still(solid(*color, format)), Vec::new()),
            Backdrop::Blur if clip_has_alpha => return Err(Error::NothingToBlur),
            Backdrop::Blur => (Source::Blur, Vec::new()),
            Backdrop::File(_) => open_file((job, plan, format), stop).map_err(of_background)?,
        };
        Ok(Some(Self { source, notes }))
    }

    /// Puts the next picture behind `frame`, whose source has the color planes `source_planes`. The
    /// result is solid everywhere.
    ///
    /// # Errors
    /// [`Error::InvalidBackground`], or a failure of its decoder.
    pub(crate) fn put_behind(&mut self, frame: &mut Frame, source_planes: &[u8]) -> Result<(), Error> {
        match &mut self.source {
            Source::Still(picture) => put_behind(frame, picture),
            Source::Film(film) => put_behind(frame, film.next_picture().map_err(of_background)?),
            Source::Blur => put_behind(frame, &blurred(frame, source_planes)?),
        }
        Ok(())
    }
}

/// Opens the file of a background: a video, or else an image.
fn open_file<'a>(
    (job, plan, format): (&'a CutJob, &Plan, FrameFormat),
    stop: &'a Stop,
) -> Result<(Source<'a>, Vec<Note>), Error> {
    let file = job.background.ok_or_else(missing)?;
    match Film::open((job, file), plan, format, stop) {
        Err(Error::Tool(ToolError::Media(MediaError::NotVideo(NotVideo::StillImage)))) => {
            let (picture, notes) = read_picture((job, file), format, stop)?;
            Ok((Source::Still(picture), notes))
        }
        film => film.map(|(film, notes)| (Source::Film(film.into()), notes)),
    }
}

/// The error of a request that names a file which nobody opened.
fn missing() -> Error {
    Error::Io { doing: "opening the background", source: std::io::ErrorKind::NotFound.into() }
}

/// An error of the background's file, told apart from one of the clip.
fn of_background(error: Error) -> Error {
    match error {
        Error::Tool(ToolError::Media(MediaError::NotVideo(reason))) => {
            Error::InvalidBackground { finding: MediaError::NotVideo(reason.or_image()).into() }
        }
        Error::Tool(finding) if finding.fault() == Fault::Input => Error::InvalidBackground { finding },
        other => other,
    }
}

/// The note that a background of another size was fitted.
fn fitted(found: Size, to: Size) -> Option<Note> {
    let message = format!(
        "the background is {found} and covers the frame of {to}: it is scaled, and cropped if its shape differs"
    );
    (found != to).then(|| Note::new(NoteCode::BackgroundFitted, message))
}
