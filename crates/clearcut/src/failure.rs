use std::{error::Error as _, path::Path, process::ExitCode};

use clearcut_job::Fault;
use serde_json::json;

use crate::{
    show::on_one_line,
    speak::{complain, say},
};

/// What the exit codes mean, for `--help` and the manual.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    this machine is at fault: ffmpeg is missing, a disk is full, a tool failed
  2    the command line is at fault
  3    the clip is at fault: damaged, unsupported, too large, no flat background
  4    the output is at fault: it exists already, or its folder cannot be written
  130  interrupted";

/// Why the program ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    message: String,
    hint: Option<String>,
    exit: u8,
    /// The clip it happened with.
    input: Option<String>,
}

impl Failure {
    /// The clip cannot be opened.
    pub(crate) fn input(path: &Path, error: &std::io::Error) -> Self {
        let hint = Some("Check the name and that the file may be read.".to_owned());
        let message = format!("the clip cannot be opened: {}", plain(error));
        Self { code: "INPUT_UNREADABLE", message, hint, exit: 3, input: None }.about(path)
    }

    /// The clip is no file.
    pub(crate) fn not_a_file(path: &Path) -> Self {
        let hint = Some("Give a file, not a folder or a device.".to_owned());
        Self { code: "INPUT_UNREADABLE", message: "the clip is not a file".to_owned(), hint, exit: 3, input: None }
            .about(path)
    }

    /// The output cannot be made.
    pub(crate) fn output(code: &'static str, message: String, hint: &str) -> Self {
        Self { code, message, hint: Some(hint.to_owned()), exit: 4, input: None }
    }

    /// This machine is at fault.
    pub(crate) fn host(code: &'static str, message: String, hint: Option<&str>) -> Self {
        Self { code, message, hint: hint.map(str::to_owned), exit: 1, input: None }
    }

    /// The words on the command line do not go together.
    pub(crate) fn usage(message: String, hint: &str) -> Self {
        Self { code: "INVALID_REQUEST", message, hint: Some(hint.to_owned()), exit: 2, input: None }
    }

    /// The same failure, said of this clip.
    pub(crate) fn about(self, input: &Path) -> Self {
        Self { input: Some(input.display().to_string()), ..self }
    }

    /// Whether the person interrupted.
    pub(crate) const fn is_interruption(&self) -> bool {
        self.exit == 130
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// To standard error for a person, or to standard output as a JSON line.
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            let (code, message, hint, input) = (self.code, &self.message, &self.hint, &self.input);
            say(json!({"event": "error", "input": input, "code": code, "message": message, "hint": hint}));
            return;
        }
        let subject = self.input.as_ref().map(|input| format!("{}: ", on_one_line(input))).unwrap_or_default();
        complain(format_args!("error: {subject}{} ({})", self.message, self.code));
        if let Some(hint) = &self.hint {
            complain(format_args!("  {hint}"));
        }
    }
}

impl From<clearcut_pipeline::Error> for Failure {
    fn from(error: clearcut_pipeline::Error) -> Self {
        let exit = match (&error, error.fault()) {
            (clearcut_pipeline::Error::Cancelled, _) => 130,
            (_, Fault::Input) => 3,
            (_, Fault::Host | Fault::Upstream) => 1,
        };
        let (code, hint) = (error.code(), error.hint().map(str::to_owned));
        Self { code, message: with_sources(&error), hint, exit, input: None }
    }
}

impl From<clearcut_model::Error> for Failure {
    fn from(error: clearcut_model::Error) -> Self {
        let exit = if error.fault() == Fault::Input { 2 } else { 1 };
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self { code: error.code(), message, hint: error.hint(), exit, input: None }
    }
}

impl From<clearcut_ffmpeg::Error> for Failure {
    fn from(error: clearcut_ffmpeg::Error) -> Self {
        clearcut_pipeline::Error::Tool(error).into()
    }
}

/// The message and, for a person at this machine, what the tool itself said last.
fn with_sources(error: &clearcut_pipeline::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    if let clearcut_pipeline::Error::Tool(clearcut_ffmpeg::Error::Failed { stderr_tail, .. }) = error
        && let Some(last) = stderr_tail.lines().rev().find(|line| !line.trim().is_empty())
    {
        message = format!("{message}: {last}");
    }
    message
}

/// The operating system's words without its number.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
