//! Conversion of rows into jobs, uploads, outputs and API keys.

use std::{str::FromStr, time::Duration};

use clearcut_job::{
    ClipName, Failure, FencingToken, JobId, JobKind, JobState, Measured, ObjectName, Outcome, OutputPointer, Progress,
    Stage, StoredObject, UnixMillis,
};
use sqlx::{ColumnIndex, Decode, Row as _, Type};

use super::{Db, Row};

use crate::{ClaimedInput, JobRecord, KeyId, KeyLimits, KeyRecord, Policy, QueueError, SourceAddress, UploadRecord};

/// Reads a column by its name.
pub(super) fn column<'r, T>(row: &'r Row, name: &'static str) -> Result<T, QueueError>
where
    T: Decode<'r, Db> + Type<Db>,
    &'static str: ColumnIndex<Row>,
{
    row.try_get(name).map_err(|_| QueueError::Damaged { what: name })
}

/// Reads a column that is null, or that the query does not have.
pub(super) fn optional_column<'r, T>(row: &'r Row, name: &'static str) -> Result<Option<T>, QueueError>
where
    T: Decode<'r, Db> + Type<Db>,
    &'static str: ColumnIndex<Row>,
{
    match row.try_get(name) {
        Err(sqlx::Error::ColumnNotFound(_)) => Ok(None),
        read => read.map_err(|_| QueueError::Damaged { what: name }),
    }
}

/// Reads a text column and parses it.
pub(super) fn parsed_column<T: FromStr>(row: &Row, name: &'static str) -> Result<T, QueueError> {
    column::<String>(row, name)?.parse().map_err(|_| QueueError::Damaged { what: name })
}

/// Reads a non-negative integer column.
pub(super) fn count(row: &Row, name: &'static str) -> Result<u64, QueueError> {
    u64::try_from(column::<i64>(row, name)?).map_err(|_| QueueError::Damaged { what: name })
}

/// Converts a number to the databases' integer type; saturates at its maximum.
pub(super) fn sql_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Number of the progress of a segment that is begun, and of one that is cut.
pub(super) const SEGMENT_BEGUN: i64 = 2025;
pub(super) const SEGMENT_CUT: i64 = 2085;

/// Encodes progress as one number that grows with the work: 1000 × stage + per cent.
pub(super) fn progress_number(progress: Progress) -> i64 {
    progress.stage() as i64 * 1000 + i64::from(progress.percent())
}

pub(super) fn progress_from_number(number: i64) -> Progress {
    let stage = usize::try_from(number / 1000).ok().and_then(|place| Stage::ALL.get(place)).copied();
    stage.map_or(Progress::NONE, |stage| Progress::stored(stage, (number % 1000) as u8))
}

pub(super) fn job_id(row: &Row) -> Result<JobId, QueueError> {
    parsed_column(row, "id")
}

pub(super) fn job_state(row: &Row) -> Result<JobState, QueueError> {
    parsed_column(row, "state")
}

pub(super) fn token(row: &Row) -> Result<FencingToken, QueueError> {
    count(row, "token").map(FencingToken)
}

pub(super) fn input(row: &Row) -> Result<ClaimedInput, QueueError> {
    if let Some(address) = column(row, "input_url")? {
        return Ok(ClaimedInput::Address(SourceAddress(address)));
    }
    // Damage is no error here: the job is claimed already, and its worker has to end it.
    Ok(stored_object(row, ["input_key", "input_size", "input_sha256"]).map_or(ClaimedInput::Lost, ClaimedInput::Stored))
}

/// Reads an object from the columns with its name, size and hash.
pub(super) fn stored_object(row: &Row, [name, size, sha256]: [&'static str; 3]) -> Result<StoredObject, QueueError> {
    Ok(StoredObject {
        name: parsed_column(row, name)?,
        size_bytes: count(row, size)?,
        sha256: parsed_column(row, sha256)?,
    })
}

/// Reads the name of the object that a row points to no longer. An invalid name counts as none, so
/// that a damaged row can be deleted and expires like any other.
pub(super) fn released_object(row: &Row, name: &'static str) -> Result<Option<ObjectName>, QueueError> {
    let Some(text) = column::<Option<String>>(row, name)? else { return Ok(None) };
    let parsed = text.parse().ok();
    if parsed.is_none() {
        tracing::error!(column = name, text, "the database holds an invalid object name");
    }
    Ok(parsed)
}

pub(super) fn upload(row: &Row) -> Result<UploadRecord, QueueError> {
    let received = count(row, "received")?;
    let object = match column::<Option<String>>(row, "object_key")? {
        Some(_) => Some(stored_object(row, ["object_key", "received", "sha256"])?),
        None => None,
    };
    Ok(UploadRecord {
        id: parsed_column(row, "id")?,
        owner: KeyId(column(row, "owner")?),
        length: optional_count(row, "length")?,
        received,
        metadata: column(row, "metadata")?,
        object,
        expires: UnixMillis(column(row, "expires_ms")?),
    })
}

/// Reads a nullable, non-negative integer column.
pub(super) fn optional_count(row: &Row, name: &'static str) -> Result<Option<u64>, QueueError> {
    column::<Option<i64>>(row, name)?.map(|_| count(row, name)).transpose()
}

pub(super) fn output(row: &Row) -> Result<OutputPointer, QueueError> {
    Ok(OutputPointer {
        format: parsed_column(row, "format")?,
        object_name: parsed_column(row, "object_key")?,
        size_bytes: count(row, "size")?,
        sha256: parsed_column(row, "sha256")?,
    })
}

/// What the running claims of a job have reached together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// Progress; 0 if nothing is claimed and the job is not split.
    pub(super) progress: i64,
    /// Number of visible changes.
    pub(super) revision: i64,
}

impl Reached {
    pub(super) fn read(row: &Row) -> Result<Self, QueueError> {
        let number = |name| Ok::<_, QueueError>(column::<Option<i64>>(row, name)?.unwrap_or(0));
        let progress = number("lease_progress")?.max(number("segments_progress")?);
        Ok(Self { progress, revision: number("lease_revision")? })
    }
}

/// Builds the job of `row`; `outputs` are those of a completed job.
pub(super) fn job(row: &Row, outputs: Vec<OutputPointer>, policy: &Policy) -> Result<JobRecord, QueueError> {
    let reached = Reached::read(row)?;
    let progress = column::<i64>(row, "progress")?.max(reached.progress);
    let timestamp = |name| Ok::<_, QueueError>(column::<Option<i64>>(row, name)?.map(UnixMillis));
    let ended = timestamp("ended_ms")?;
    let max_retention = optional_count(row, "retention_ms")?.map(Duration::from_millis);
    Ok(JobRecord {
        id: job_id(row)?,
        owner: KeyId(column(row, "owner")?),
        kind: JobKind::of_stored(column(row, "request")?),
        state: job_state(row)?,
        progress: progress_from_number(progress),
        created: UnixMillis(column(row, "created_ms")?),
        started: timestamp("started_ms")?,
        ended,
        expires: ended.map(|ended| policy.expiry(ended, max_retention)),
        attempts: count(row, "attempts")? as u32,
        crashes: count(row, "crashes")? as u32,
        token: token(row)?,
        failure: json::<Failure>(row, "failure")?,
        outcome: match json::<Measured>(row, "measured")? {
            Some(measured) => Some(Outcome { measured, processing_ms: count(row, "processing_ms")?, outputs }),
            None => None,
        },
        revision: count(row, "revision")? + reached.revision.unsigned_abs(),
        retry_of: match column::<Option<String>>(row, "retry_of")? {
            Some(id) => Some(id.parse().map_err(|_| QueueError::Damaged { what: "retry_of" })?),
            None => None,
        },
        clip_name: column::<Option<String>>(row, "clip_name")?.and_then(|name| ClipName::of_file(&name)),
    })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, name: &'static str) -> Result<Option<T>, QueueError> {
    let text: Option<String> = column(row, name)?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| QueueError::Damaged { what: name })).transpose()
}

pub(super) fn key(row: &Row) -> Result<KeyRecord, QueueError> {
    let limit = |name| Ok::<_, QueueError>(optional_count(row, name)?.map(|limit| limit as u32));
    let timestamp = |name| Ok::<_, QueueError>(column::<Option<i64>>(row, name)?.map(UnixMillis));
    Ok(KeyRecord {
        id: KeyId(column(row, "id")?),
        name: column(row, "name")?,
        prefix: column(row, "prefix")?,
        created: UnixMillis(column(row, "created_ms")?),
        last_used: timestamp("last_used_ms")?,
        revoked: timestamp("revoked_ms")?,
        limits: KeyLimits {
            max_running: limit("max_running")?,
            max_waiting: limit("max_waiting")?,
            submits_per_minute: limit("submits_per_minute")?,
            requests_per_minute: limit("requests_per_minute")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_segments_are_those_of_their_stage() {
        let cutting = |fraction| progress_number(Progress::within(Stage::Cutting, fraction));
        assert_eq!((cutting(0.0), cutting(1.0)), (SEGMENT_BEGUN, SEGMENT_CUT));
    }
}
