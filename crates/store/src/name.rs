use std::{fmt, str::FromStr};

use clearcut_job::{FencingToken, JobId, OutputFormat, UploadId};
use object_store::path::Path;

/// The name of an object: `uploads/{random}`, `partial/{upload}` or `jobs/{job}/{token}/{format}.{extension}`.
///
/// Outputs lie under the token of the claim that made them, so that two workers which both believe to have a job never
/// write to the same place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName(Path);

/// The text is not the name of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an object")]
pub struct ParseObjectNameError;

impl ObjectName {
    /// The prefix of all uploads.
    pub const UPLOADS: &'static str = "uploads";
    /// The prefix of all uploads that are not whole.
    pub const PARTIAL: &'static str = "partial";
    /// The prefix of all outputs.
    pub const JOBS: &'static str = "jobs";

    /// An upload, named by `random`, which the caller draws from the system's generator.
    #[must_use]
    pub fn upload(random: u128) -> Self {
        Self(Path::from_iter([Self::UPLOADS, &format!("{random:032x}")]))
    }

    /// What there is of `upload` until it is whole.
    #[must_use]
    pub fn partial(upload: &UploadId) -> Self {
        Self(Path::from_iter([Self::PARTIAL, upload.as_str()]))
    }

    /// The output of `job` in `format` that the claim with `token` made.
    #[must_use]
    pub fn output(job: &JobId, token: FencingToken, format: OutputFormat) -> Self {
        let file = format!("{}.{}", format.name(), format.extension());
        Self(Path::from_iter([Self::JOBS, job.as_str(), &token.to_string(), &file]))
    }

    /// The name as text, with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// The job and the claim that an output belongs to; `None` for an upload.
    #[must_use]
    pub fn claim(&self) -> Option<(JobId, FencingToken)> {
        let mut parts = self.as_str().split('/');
        if parts.next() != Some(Self::JOBS) {
            return None;
        }
        let job = parts.next()?.parse().ok()?;
        Some((job, FencingToken(parts.next()?.parse().ok()?)))
    }

    /// The format of an output, as its name tells; `None` for an upload.
    #[must_use]
    pub fn output_format(&self) -> Option<OutputFormat> {
        self.claim()?;
        let file = self.as_str().rsplit('/').next()?;
        file.split_once('.')?.0.parse().ok()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ObjectName {
    type Err = ParseObjectNameError;

    /// Reads a name of one of the three forms; anything else, such as one with `..`, is refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-');
        let parts: Vec<&str> = text.split('/').collect();
        let formed = match parts[..] {
            [Self::UPLOADS, name] => !name.contains('.'),
            [Self::PARTIAL, upload] => upload.parse::<UploadId>().is_ok(),
            [Self::JOBS, job, token, _] => job.parse::<JobId>().is_ok() && token.parse::<u64>().is_ok(),
            _ => false,
        };
        let named = parts.iter().all(|part| !part.is_empty() && !part.starts_with('.'));
        if !formed || !named || !text.bytes().all(plain) {
            return Err(ParseObjectNameError);
        }
        Path::parse(text).map(Self).map_err(|_| ParseObjectNameError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_with_what_they_say() {
        let job = JobId::from_random(7);
        for format in OutputFormat::ALL {
            let name = ObjectName::output(&job, FencingToken(3), format);
            assert_eq!(name.as_str().parse(), Ok(name.clone()));
            assert_eq!(name.claim(), Some((job.clone(), FencingToken(3))));
            assert_eq!(name.output_format(), Some(format));
        }
        let upload = ObjectName::upload(9);
        assert_eq!(upload.as_str().parse(), Ok(upload.clone()));
        assert_eq!(upload.claim(), None);
        let partial = ObjectName::partial(&UploadId::from_random(9));
        assert_eq!(partial.as_str().parse(), Ok(partial.clone()));
        assert_eq!((partial.claim(), partial.output_format()), (None, None));
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_name() {
        for text in [
            "",
            "uploads",
            "uploads/",
            "uploads/..",
            "uploads/a/b",
            "/uploads/a",
            "jobs/../1/a.webm",
            "jobs/jd00000000000000000000/1/..",
            "jobs/jd00000000000000000000/1/a%2e",
            "jobs/jd00000000000000000000/1/a\0b",
            "clearcut.db",
            "partial/../clearcut.db",
            "partial/x",
        ] {
            assert_eq!(text.parse::<ObjectName>(), Err(ParseObjectNameError), "{text:?}");
        }
    }
}
