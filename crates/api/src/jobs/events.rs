use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response, Sse, sse},
};
use clearcut_job::{JobId, RequestError};
use clearcut_queue::{JobRecord, JobWatch, KeyId};
use futures_util::{Stream, stream};
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{caller::Caller, query::whole, reply::ErrorReply},
    traffic::UnderWay,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How often a quiet stream says that it is there: proxies end streams that stand still for half a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long to wait before looking at the job again when no call came: another process may have changed it.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// One event, field by field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the document alone; events are written as lines")]
pub(crate) struct JobEvent {
    /// The revision of the job.
    id: String,
    /// The job as reading it answers, as JSON text.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Follow a job.
///
/// A stream of server-sent events. Each is the job as reading it answers, in `data`, with its revision as `id`; the first
/// comes at once, the others when something about the job changes, and the stream ends after the one with the end. A client
/// that was cut off sends the last id it got as `Last-Event-ID` and is told what is newer; 204 says that there is nothing
/// more to come.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}/events", tag = "jobs", security(("key" = [])),
    params(
        ("jobId" = String, Path, description = "The name that submit gave"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received"),
    ),
    responses(
        (status = 200, description = "The events", body = JobEvent, content_type = "text/event-stream"),
        (status = 204, description = "The job has ended, and that event was received"),
        (status = 400, description = "Last-Event-ID is no id of an event", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "No such job for this key", body = ErrorReply),
        (status = 429, description = "Too many requests, or too many that wait at once", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn follow(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let told = read_last_event_id(&headers)?;
    let held = api.hold_wait(owner)?;
    // Watched before it is read, so that a change in between is not missed.
    let watch = api.queue.signals().watch(&id);
    let record = api.queue.read(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
    if record.state.is_final() && record.revision <= told {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower = Follower { api, owner, id, headers, watch, told, next: Some(record), _held: held };
    let events = Sse::new(follower.events()).keep_alive(sse::KeepAlive::new().interval(HEARTBEAT).text("heartbeat"));
    // Proxies that gather replies before they pass them on would hold the events back.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([unbuffered], events).into_response())
}

fn read_last_event_id(headers: &HeaderMap) -> Result<u64, RequestError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let text = value.to_str().unwrap_or("not ASCII").trim();
    whole(text, 0..=u64::MAX).ok_or_else(|| RequestError::new("Last-Event-ID", text, "the id of an event"))
}

/// One client that follows one job. All it holds goes when the stream is dropped: with the end of the job, or with the
/// connection.
struct Follower {
    api: Api,
    owner: KeyId,
    id: JobId,
    headers: HeaderMap,
    watch: JobWatch,
    /// The newest revision that the client knows.
    told: u64,
    /// The job as it was read last, not looked at yet.
    next: Option<JobRecord>,
    _held: UnderWay,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
        stream::unfold(Some(self), async |follower| {
            let mut follower = follower?;
            match follower.next_event().await {
                Ok(Some((event, is_last))) => Some((Ok(event), (!is_last).then_some(follower))),
                Ok(None) => None,
                Err(error) => {
                    // The client comes back with the last id it got.
                    tracing::warn!(?error, "a stream of events is cut off");
                    None
                }
            }
        })
    }

    /// Waits for something newer than what was told; whether it is the end comes with it. `None` if the job was removed, or
    /// this process is about to end.
    async fn next_event(&mut self) -> Result<Option<(sse::Event, bool)>, ApiError> {
        loop {
            let read = match self.next.take() {
                Some(record) => Some(record),
                None => self.api.queue.read(self.owner, &self.id).await?,
            };
            let Some(record) = read else { return Ok(None) };
            let (revision, is_last) = (record.revision, record.state.is_final());
            if revision > self.told {
                self.told = revision;
                let job = self.api.show_one(record, &self.headers).await?;
                let event = sse::Event::default().id(revision.to_string()).json_data(job);
                return Ok(Some((event.map_err(|_| ApiError::Internal)?, is_last)));
            }
            if is_last || self.watch.is_closed() {
                return Ok(None);
            }
            self.watch.changed(POLL_INTERVAL).await;
        }
    }
}
