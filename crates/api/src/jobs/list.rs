//! The route that lists jobs, page by page.

use std::time::Duration;

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
        error_responses::{KeyErrors, ParameterErrors},
        query::{MOMENT_ALLOWED, Params, parse_second, parse_state, parse_whole_number},
        reply::Reply,
        vocabulary::JobStatus,
    },
    jobs::shapes::Job,
};

const SECOND: Duration = Duration::from_secs(1);

/// Default number of jobs per page.
const DEFAULT_PAGE_SIZE: u64 = 20;

/// Maximum number of jobs per page.
const MAX_PAGE_SIZE: u64 = 100;

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// The jobs, as reading them returns but without `images`, newest first.
    jobs: Vec<Job>,
    /// Cursor of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List jobs.
///
/// Lists the jobs of the API key, newest first. New jobs do not shift later pages.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs", operation_id = "listJobs", security(("key" = [])),
    params(
        ("status" = Option<JobStatus>, Query, description = "Only jobs with this status."),
        ("createdAfter" = Option<String>, Query, description = "Only jobs whose `createdAt` is after this: seconds since 1970, or a date and time of ISO 8601, such as `2026-11-30` or `2026-11-30T08:00:00Z`; in UTC unless it has an offset."),
        ("createdBefore" = Option<String>, Query, description = "Only jobs whose `createdAt` is before this, given as in `createdAfter`."),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the previous page."),
        ("limit" = Option<u32>, Query, description = "Jobs per page, 1-100. Default: 20.", minimum = 1, maximum = 100),
    ),
    responses(
        (status = 200, description = "A page of jobs.", body = Reply<Page>),
        KeyErrors, ParameterErrors,
    )
)]
pub(crate) async fn list(
    State(api): State<Api>,
    Caller(owner): Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Reply<Page>, ApiError> {
    let params = Params::of(&uri)?;
    let limit =
        params.read("limit", "a whole number from 1 to 100", |text| parse_whole_number(text, 1..=MAX_PAGE_SIZE))?;
    let limit = limit.unwrap_or(DEFAULT_PAGE_SIZE) as u32;
    let listing = Listing {
        state: params.read("status", "queued, submitted, processing, completed or failed", parse_state)?,
        // `createdAt` is in whole seconds: jobs of the given second are neither after nor before
        // it.
        since: params.read("createdAfter", MOMENT_ALLOWED, parse_second)?.map(|second| second.after(SECOND)),
        until: params.read("createdBefore", MOMENT_ALLOWED, parse_second)?,
        after: params.read("cursor", "the nextCursor of a page, unchanged", cursor::read)?,
        // One extra record shows whether there is another page.
        limit: limit + 1,
    };
    let mut records = api.queue.list(owner, listing).await?;
    let has_more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let last = records.last().filter(|_| has_more);
    let next_cursor = last.map(|last| cursor::write(&Place { created: last.created, id: last.id.clone() }));
    let jobs = api.job_views(owner, &records, &headers).await?;
    Ok(Reply::new(Page { jobs: jobs.into_iter().map(Job::without_images).collect(), next_cursor }))
}
