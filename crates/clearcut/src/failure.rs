//! Failures of the program: stable code, message, hint and exit code, and how they are printed.

use std::{path::Path, process::ExitCode};

use clearcut_job::{ErrorCode, error_line};
use serde_json::json;

use crate::console::{escape_line, print_err, print_out};

/// Exit codes and their meaning, for `--help` and the manual.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    this machine is at fault: ffmpeg is missing, a disk is full, a tool failed
  2    the command line is at fault
  3    the clip is at fault: damaged, unsupported, too large, no flat background
  4    the output is at fault: it exists already, or its folder cannot be written
  130  interrupted";

/// Reason why the program ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    /// Path of the clip that failed.
    input: Option<String>,
    /// Whether it was printed already.
    is_printed: bool,
}

impl Failure {
    /// Failure with a code, what went wrong, and what to do.
    pub(crate) fn new(code: ErrorCode, message: String, hint: Option<String>) -> Self {
        Self { code, message, hint, input: None, is_printed: false }
    }

    /// Failure: the clip cannot be opened.
    pub(crate) fn input(path: &Path, error: &std::io::Error) -> Self {
        let hint = Some("Check the name and that the file may be read.".to_owned());
        let message = format!("the clip cannot be opened: {}", os_message(error));
        Self::new(ErrorCode::InputUnreadable, message, hint).for_clip(path)
    }

    /// Failure: the clip is not a regular file.
    pub(crate) fn not_a_file(path: &Path) -> Self {
        let hint = Some("Give a file, not a folder or a device.".to_owned());
        Self::new(ErrorCode::InputUnreadable, "the clip is not a file".to_owned(), hint).for_clip(path)
    }

    /// Failure: the output cannot be written.
    pub(crate) fn output(code: ErrorCode, message: String, hint: &str) -> Self {
        Self::new(code, message, Some(hint.to_owned()))
    }

    /// Failure: this machine is at fault.
    pub(crate) fn host(code: ErrorCode, message: String, hint: Option<&str>) -> Self {
        Self::new(code, message, hint.map(str::to_owned))
    }

    /// Failure: this machine is at fault, as `error` and its sources say.
    pub(crate) fn host_error(code: ErrorCode, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::host(code, error_line(error), None)
    }

    /// Failure: the command line is invalid.
    pub(crate) fn usage(message: String, hint: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, message, Some(hint.to_owned()))
    }

    /// The same failure with the path of its clip.
    pub(crate) fn for_clip(self, input: &Path) -> Self {
        Self { input: Some(input.display().to_string()), ..self }
    }

    /// What went wrong, without the path of the clip.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the user interrupted the program.
    pub(crate) const fn is_interruption(&self) -> bool {
        matches!(self.code, ErrorCode::Cancelled)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code.exit().max(1))
    }

    /// The same failure after it was printed, so that it is not printed again when the program ends.
    pub(crate) fn printed(self, as_json: bool) -> Self {
        self.print(as_json);
        Self { is_printed: true, ..self }
    }

    /// Prints the failure to standard error as text, or to standard output as a JSON line.
    pub(crate) fn print(&self, as_json: bool) {
        if self.is_printed {
            return;
        }
        if as_json {
            let (code, message, hint, input) = (self.code, &self.message, &self.hint, &self.input);
            print_out(json!({"event": "error", "input": input, "code": code, "message": message, "hint": hint}));
            return;
        }
        let prefix = self.input.as_ref().map(|input| format!("{}: ", escape_line(input))).unwrap_or_default();
        print_err(format_args!("error: {prefix}{} ({})", self.message, self.code));
        if let Some(hint) = &self.hint {
            print_err(format_args!("  {hint}"));
        }
    }
}

impl From<clearcut_pipeline::Error> for Failure {
    fn from(error: clearcut_pipeline::Error) -> Self {
        let (code, hint) = (error.code(), error.hint().map(str::to_owned));
        Self::new(code, with_sources(&error), hint)
    }
}

impl From<clearcut_model::Error> for Failure {
    fn from(error: clearcut_model::Error) -> Self {
        Self::new(error.code(), error_line(&error), error.hint())
    }
}

impl From<clearcut_store::SettingError> for Failure {
    fn from(error: clearcut_store::SettingError) -> Self {
        Self::usage(error.to_string(), error.hint())
    }
}

impl From<clearcut_store::StoreError> for Failure {
    fn from(error: clearcut_store::StoreError) -> Self {
        match error {
            clearcut_store::StoreError::Setting(error) => error.into(),
            error => Self::host_error(error.code(), &error),
        }
    }
}

impl From<clearcut_ffmpeg::Error> for Failure {
    fn from(error: clearcut_ffmpeg::Error) -> Self {
        clearcut_pipeline::Error::Tool(error).into()
    }
}

impl From<clearcut_mcp::Failure> for Failure {
    fn from(failure: clearcut_mcp::Failure) -> Self {
        Self::new(failure.code, failure.message, failure.hint)
    }
}

impl From<Failure> for clearcut_mcp::Failure {
    fn from(failure: Failure) -> Self {
        let reply = Self::new(failure.code, failure.message);
        match failure.hint {
            Some(hint) => reply.with_hint(in_words_of_tools(&hint)),
            None => reply,
        }
    }
}

/// A hint that names the arguments of a tool instead of the options of the command line.
fn in_words_of_tools(hint: &str) -> String {
    let words = [
        ("--key '#00FF00' (`chromaKey` of the API)", "chromaKey #00FF00"),
        ("--key '#00FF00'", "chromaKey #00FF00"),
        ("leave --method out", "leave method out"),
        ("Use --force", "Use force"),
        (" with --size", " with size"),
        (" with -o", " with output"),
    ];
    words.iter().fold(hint.to_owned(), |text, (option, argument)| text.replace(option, argument))
}

/// Message with its sources and, for a failed tool, the last line that the tool printed.
fn with_sources(error: &clearcut_pipeline::Error) -> String {
    let mut message = error_line(error);
    if let clearcut_pipeline::Error::Tool(clearcut_ffmpeg::Error::Failed { stderr_tail, .. }) = error
        && let Some(last) = stderr_tail.lines().rev().find(|line| !line.trim().is_empty())
    {
        message = format!("{message}: {last}");
    }
    message
}

/// Message of the operating system without the error number, in lower case.
pub(crate) fn os_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Rgb8, Size};
    use clearcut_job::OutputFormat;
    use clearcut_pipeline::{BackgroundFinding, Error};

    use super::*;

    #[test]
    fn hints_for_assistants_name_arguments_instead_of_options() {
        let (format, size) = (OutputFormat::Webm, Size::new(64, 48).unwrap());
        let finding = BackgroundFinding::Unsure { color: Rgb8::new(0, 255, 0), share: 0.5 };
        let errors = [
            Error::NoFlatBackground { finding, could_use_model: true },
            Error::NoFlatBackground { finding, could_use_model: false },
            Error::NoFlatBackground { finding: BackgroundFinding::Checkerboard, could_use_model: true },
            Error::NoFlatBackground { finding: BackgroundFinding::Checkerboard, could_use_model: false },
            Error::TooLargeFor { format, size, max_side: 32 },
        ];
        for error in errors {
            let hint = clearcut_mcp::Failure::from(Failure::from(error)).hint.unwrap();
            assert!(!hint.contains(" -"), "{hint}");
        }
    }
}
