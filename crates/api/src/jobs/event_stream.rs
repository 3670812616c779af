//! The route that streams the changes of a job as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse as _, Response, Sse, sse},
};
use clearcut_job::{JobId, RequestError, error_line};
use clearcut_queue::{JobRecord, JobWatch, KeyId};
use clearcut_store::SigningError;
use futures_util::{Stream, stream};
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    files::read_link_query,
    http::{
        caller::Caller,
        error_responses::{EventsUrlErrors, KeyErrors, NoSuchJob},
        query::parse_whole_number,
        reply::ErrorReply,
    },
    traffic::CountGuard,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Interval of heartbeats on a quiet stream. Proxies end streams that are idle for half a minute.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// Interval at which the job is read without a signal, because another process may have changed it.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The fields of one event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only used for the OpenAPI document; events are written as lines")]
pub(crate) struct JobEvent {
    /// The revision of the job.
    id: String,
    /// The job as JSON text, as reading it returns.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Follow a job.
///
/// Returns a stream of server-sent events. The `data` of each event is the job as reading it
/// returns, without `eventsUrl`, and the `id` is its revision. The first event is sent at once, the others whenever the
/// job changes. The stream ends after the event in which the job has ended. After a disconnect,
/// send the last `id` as `Last-Event-ID` to receive only newer events. Status 204 means that no
/// more events will follow. Instead of an API key in a header, which the `EventSource` of browsers
/// cannot send, the request can have the address in `eventsUrl` of the job, which expires.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}/events", tag = "jobs", operation_id = "followJob", security(("key" = []), ()),
    params(
        ("jobId" = String, Path, description = "The `jobId` that submit returned."),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event received."),
        ("key" = Option<i64>, Query, description = "In `eventsUrl`: the API key that it was made for, as a number."),
        ("expires" = Option<String>, Query, description = "In `eventsUrl`: its expiry, in seconds since 1970."),
        ("signature" = Option<String>, Query, description = "In `eventsUrl`: signature by the server, valid for this address only."),
    ),
    responses(
        (status = 200, description = "The event stream.", body = JobEvent, content_type = "text/event-stream"),
        (status = 204, description = "The job has ended, and the client has received the last event."),
        KeyErrors, EventsUrlErrors, NoSuchJob,
        (status = 400, description = "`Last-Event-ID` is not an event id.", body = ErrorReply),
    )
)]
pub(crate) async fn follow(
    State(api): State<Api>,
    EventsReader(owner): EventsReader,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let last_sent = read_last_event_id(&headers)?;
    let wait_guard = api.reserve_wait(owner)?;
    // Watched before the read, so that a change in between is not missed.
    let watch = api.queue.signals().watch(&id);
    let record = api.queue.read(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
    if record.state.is_final() && record.revision <= last_sent {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower =
        Follower { api, owner, id, headers, watch, last_sent, pending: Some(record), _wait_guard: wait_guard };
    let events =
        Sse::new(follower.events()).keep_alive(sse::KeepAlive::new().interval(HEARTBEAT_INTERVAL).text("heartbeat"));
    // Tells buffering proxies to pass each event on at once.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([unbuffered], events).into_response())
}

/// The API key whose job a request follows: that in its header, or that of a signed address.
pub(crate) struct EventsReader(KeyId);

impl FromRequestParts<Api> for EventsReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let query = parts.uri.query().filter(|query| query.contains("signature="));
        let Some(query) = query else {
            return Caller::from_request_parts(parts, api).await.map(|Caller(owner)| Self(owner));
        };
        let (reader, link) = read_signed_query(query).ok_or(SigningError::Changed)?;
        let link = (link.0.to_owned(), link.1.to_owned());
        let Path(id): Path<String> = Path::from_request_parts(parts, api).await.map_err(|_| SigningError::Changed)?;
        let id: JobId = id.parse().map_err(|_| SigningError::Changed)?;
        api.signer.check_events(&id, reader, (&link.0, &link.1), api.clock.now())?;
        let all = api.queue.list_keys().await?;
        let api_key = all.iter().find(|key| key.id == KeyId(reader)).ok_or(ApiError::KeyInvalid)?;
        Caller::admit(api, api_key, parts).await.map(|Caller(owner)| Self(owner))
    }
}

/// Reads the API key, the expiry and the signature from the query of a signed address.
fn read_signed_query(query: &str) -> Option<(i64, (&str, &str))> {
    let (reader, rest) = query.strip_prefix("key=")?.split_once('&')?;
    let number = reader.parse().ok().filter(|number: &i64| number.to_string() == reader)?;
    Some((number, read_link_query(Some(rest))?))
}

fn read_last_event_id(headers: &HeaderMap) -> Result<u64, RequestError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let text = value.to_str().unwrap_or("not ASCII").trim();
    parse_whole_number(text, 0..=u64::MAX).ok_or_else(|| RequestError::new("Last-Event-ID", text, "the id of an event"))
}

/// One client that follows one job. Dropping the stream, at the end of the job or of the
/// connection, frees everything.
struct Follower {
    api: Api,
    owner: KeyId,
    id: JobId,
    headers: HeaderMap,
    watch: JobWatch,
    /// The last revision sent to the client.
    last_sent: u64,
    /// A record that was read but not yet handled.
    pending: Option<JobRecord>,
    _wait_guard: CountGuard,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
        stream::unfold(Some(self), async |follower| {
            let mut follower = follower?;
            match follower.next_event().await {
                Ok(Some((event, is_last))) => Some((Ok(event), (!is_last).then_some(follower))),
                Ok(None) => None,
                Err(error) => {
                    // The client reconnects with the last id it received.
                    tracing::warn!(error = error_line(&error), "an event stream failed");
                    None
                }
            }
        })
    }

    /// Waits for a newer revision and returns its event, and whether it is the last one. `None` if
    /// the job was deleted or this process is shutting down.
    async fn next_event(&mut self) -> Result<Option<(sse::Event, bool)>, ApiError> {
        loop {
            let read = match self.pending.take() {
                Some(record) => Some(record),
                None => self.api.queue.read(self.owner, &self.id).await?,
            };
            let Some(record) = read else { return Ok(None) };
            let (revision, is_last) = (record.revision, record.state.is_final());
            if revision > self.last_sent {
                self.last_sent = revision;
                // A signed address does not renew itself.
                let job = self.api.job_view(record, &self.headers).await?.with_events_url(None);
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
