use axum::{
    extract::State,
    http::{HeaderMap, Uri},
};
use clearcut_queue::{Listing, Place};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        cursor,
        query::{Params, after_second, state, whole},
        reply::{ErrorReply, Reply},
    },
    jobs::shapes::Job,
};

/// Jobs a page if nobody says.
const PAGE: u64 = 20;

/// Jobs a page at most.
const LARGEST_PAGE: u64 = 100;

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// Jobs as in reading one, newest first.
    jobs: Vec<Job>,
    /// Where the next page begins; null if this is the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List jobs.
///
/// Those of the key, newest first. Jobs that come in between move no page.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs", security(("key" = [])),
    params(
        ("status" = Option<String>, Query, description = "Only jobs in this state: queued, submitted, processing, completed or failed"),
        ("createdAfter" = Option<u64>, Query, description = "Only jobs whose createdAt is above this, in seconds since 1970"),
        ("cursor" = Option<String>, Query, description = "The nextCursor of the page before"),
        ("limit" = Option<u32>, Query, description = "Jobs a page, 1-100; 20 if missing", minimum = 1, maximum = 100),
    ),
    responses(
        (status = 200, description = "A page of jobs", body = Reply<Page>),
        (status = 400, description = "A parameter is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn list(
    State(api): State<Api>,
    Caller(owner): Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Reply<Page>, ApiError> {
    let params = Params::of(&uri)?;
    let limit = params.read("limit", "a whole number from 1 to 100", |text| whole(text, 1..=LARGEST_PAGE))?;
    let limit = limit.unwrap_or(PAGE) as u32;
    let listing = Listing {
        state: params.read("status", "queued, submitted, processing, completed or failed", state)?,
        since: params.read("createdAfter", "whole seconds since 1970", after_second)?,
        after: params.read("cursor", "the nextCursor of a page, unchanged", cursor::read)?,
        // One more than asked tells whether there is another page.
        limit: limit + 1,
    };
    let mut records = api.queue.list(owner, listing).await?;
    let goes_on = records.len() > limit as usize;
    records.truncate(limit as usize);
    let last = records.last().filter(|_| goes_on);
    let next_cursor = last.map(|last| cursor::write(&Place { created: last.created, id: last.id.clone() }));
    Ok(Reply::new(Page { jobs: api.show(owner, &records, &headers).await?, next_cursor }))
}
