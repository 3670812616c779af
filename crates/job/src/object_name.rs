//! Names of stored objects, parsed strictly so that none can lead outside the store.

use std::{fmt, str::FromStr};

use crate::{FencingToken, FileFormat, JobId, UploadId};

/// The name of an object: `uploads/{random}`, `partial/{upload}`, `jobs/{job}/{token}/plan.json`,
/// `jobs/{job}/{token}/segment.zip` or `jobs/{job}/{token}/{format}.{extension}`.
///
/// What a worker makes is stored under the fencing token of its claim, so that two workers that
/// both believe they hold the job never write to the same object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName(String);

/// The text is not a valid object name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an object")]
pub struct ParseObjectNameError;

impl ObjectName {
    /// Prefix of all complete uploads.
    pub const UPLOADS: &'static str = "uploads";
    /// Prefix of all incomplete uploads.
    pub const PARTIAL: &'static str = "partial";
    /// Prefix of all that workers make: outputs, plans and segments.
    pub const JOBS: &'static str = "jobs";

    /// The name of an upload. The caller draws `random` from the system's random generator.
    #[must_use]
    pub fn upload(random: u128) -> Self {
        Self(format!("{}/{random:032x}", Self::UPLOADS))
    }

    /// The name of `upload` while it is incomplete.
    #[must_use]
    pub fn partial(upload: &UploadId) -> Self {
        Self(format!("{}/{upload}", Self::PARTIAL))
    }

    /// The name of the output of `job` in `format` by the claim with `token`.
    #[must_use]
    pub fn output(job: &JobId, token: FencingToken, format: FileFormat) -> Self {
        Self(format!("{}/{job}/{token}/{format}.{}", Self::JOBS, format.extension()))
    }

    /// The name of the plan that the claim of `job` with `token` made.
    #[must_use]
    pub fn plan(job: &JobId, token: FencingToken) -> Self {
        Self(format!("{}/{job}/{token}/plan.json", Self::JOBS))
    }

    /// The name of the segment that the claim of `job` with `token` cut.
    #[must_use]
    pub fn segment(job: &JobId, token: FencingToken) -> Self {
        Self(format!("{}/{job}/{token}/segment.zip", Self::JOBS))
    }

    /// The name as text, with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the name of an incomplete upload.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.as_str().strip_prefix(Self::PARTIAL).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The job and claim that made the object; `None` for an upload.
    #[must_use]
    pub fn claim(&self) -> Option<(JobId, FencingToken)> {
        let mut parts = self.as_str().split('/');
        if parts.next() != Some(Self::JOBS) {
            return None;
        }
        let job = parts.next()?.parse().ok()?;
        Some((job, FencingToken(parts.next()?.parse().ok()?)))
    }

    /// The format of an output, read from its name; `None` for other objects.
    #[must_use]
    pub fn output_format(&self) -> Option<FileFormat> {
        self.claim()?;
        let file = self.as_str().rsplit('/').next()?;
        file.split_once('.')?.0.parse().ok()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ObjectName {
    type Err = ParseObjectNameError;

    /// Parses a name of one of the three forms; anything else, such as a name with `..`, is
    /// rejected.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-');
        let parts: Vec<&str> = text.split('/').collect();
        let has_known_form = match parts[..] {
            [Self::UPLOADS, name] => !name.contains('.'),
            [Self::PARTIAL, upload] => upload.parse::<UploadId>().is_ok(),
            [Self::JOBS, job, token, _] => job.parse::<JobId>().is_ok() && token.parse::<u64>().is_ok(),
            _ => false,
        };
        let has_valid_parts = parts.iter().all(|part| !part.is_empty() && !part.starts_with('.'));
        if !has_known_form || !has_valid_parts || !text.bytes().all(is_allowed) {
            return Err(ParseObjectNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_with_claim_and_format() {
        let job = JobId::from_random(7);
        for format in FileFormat::ALL {
            let name = ObjectName::output(&job, FencingToken(3), format);
            assert_eq!(name.as_str().parse(), Ok(name.clone()));
            assert_eq!(name.claim(), Some((job.clone(), FencingToken(3))));
            assert_eq!(name.output_format(), Some(format));
        }
        for name in [ObjectName::plan(&job, FencingToken(3)), ObjectName::segment(&job, FencingToken(3))] {
            assert_eq!(name.as_str().parse(), Ok(name.clone()));
            assert_eq!((name.claim(), name.output_format()), (Some((job.clone(), FencingToken(3))), None));
        }
        let upload = ObjectName::upload(9);
        assert_eq!(upload.as_str().parse(), Ok(upload.clone()));
        assert_eq!(upload.claim(), None);
        let partial = ObjectName::partial(&UploadId::from_random(9));
        assert_eq!(partial.as_str().parse(), Ok(partial.clone()));
        assert_eq!((partial.claim(), partial.output_format()), (None, None));
    }

    #[test]
    fn names_that_could_lead_outside_the_store_are_rejected() {
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
