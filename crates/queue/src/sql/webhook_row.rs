//! Conversion of rows into webhook endpoints, secrets, deliveries and attempts.

use std::time::Duration;

use clearcut_job::UnixMillis;

use super::Row;
use super::row::{column, count, parsed_column};
use crate::{
    Answer, Attempt, AttemptRecord, DeliveryRecord, DeliveryState, DisabledReason, EndpointRecord, EventKind,
    EventKinds, NoAnswer, QueueError, SigningSecrets, WebhookSecret,
};

fn timestamp(row: &Row, name: &'static str) -> Result<Option<UnixMillis>, QueueError> {
    Ok(column::<Option<i64>>(row, name)?.map(UnixMillis))
}

pub(super) fn endpoint(row: &Row) -> Result<EndpointRecord, QueueError> {
    let events: String = column(row, "events")?;
    let reason: Option<String> = column(row, "disabled_reason")?;
    let reason = reason.map(|text| match text {
        text if text == DisabledReason::Gone.name() => DisabledReason::Gone,
        _ => DisabledReason::Owner,
    });
    Ok(EndpointRecord {
        id: parsed_column(row, "id")?,
        url: column(row, "url")?,
        events: EventKinds::from_stored(&events).ok_or(QueueError::Damaged { what: "events" })?,
        description: column(row, "description")?,
        created: UnixMillis(column(row, "created_ms")?),
        disabled: timestamp(row, "disabled_ms")?.zip(reason),
        rotating_until: timestamp(row, "previous_until_ms")?,
    })
}

pub(super) fn secrets(row: &Row) -> Result<SigningSecrets, QueueError> {
    let previous: Option<String> = column(row, "previous_secret")?;
    Ok(SigningSecrets {
        current: WebhookSecret::from_stored(column(row, "secret")?),
        previous: previous.map(WebhookSecret::from_stored).zip(timestamp(row, "previous_until_ms")?),
    })
}

pub(super) fn kind(row: &Row) -> Result<EventKind, QueueError> {
    parsed_column(row, "kind")
}

pub(super) fn delivery(row: &Row, attempts: Vec<AttemptRecord>) -> Result<DeliveryRecord, QueueError> {
    let state: String = column(row, "state")?;
    let found = DeliveryState::ALL.into_iter().find(|candidate| candidate.name() == state);
    let endpoint: Option<String> = column(row, "endpoint")?;
    Ok(DeliveryRecord {
        id: parsed_column(row, "id")?,
        kind: kind(row)?,
        happened: UnixMillis(column(row, "happened_ms")?),
        endpoint: endpoint.map(|id| id.parse().map_err(|_| QueueError::Damaged { what: "endpoint" })).transpose()?,
        url: column(row, "url")?,
        state: found.ok_or(QueueError::Damaged { what: "state" })?,
        due: timestamp(row, "due_ms")?,
        attempts,
    })
}

pub(super) fn attempt(row: &Row) -> Result<AttemptRecord, QueueError> {
    let status = column::<Option<i64>>(row, "status")?.map(|status| status as u16);
    let no_answer: Option<String> = column(row, "no_answer")?;
    let answer = match (status, no_answer) {
        (Some(status), _) => Answer::Status { status, reply: column(row, "reply")? },
        (None, Some(name)) => {
            let found = NoAnswer::ALL.into_iter().find(|reason| reason.name() == name);
            Answer::None(found.ok_or(QueueError::Damaged { what: "no_answer" })?)
        }
        (None, None) => return Err(QueueError::Damaged { what: "status" }),
    };
    let latency = Duration::from_millis(count(row, "latency_ms")?);
    Ok(AttemptRecord { began: UnixMillis(column(row, "began_ms")?), attempt: Attempt { answer, latency } })
}
