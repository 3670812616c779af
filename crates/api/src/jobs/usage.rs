//! The usage route: resources that the jobs of an API key used, by day.

use axum::{extract::State, http::Uri};
use clearcut_job::{RequestError, UtcDay};
use clearcut_queue::DayUsage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{KeyErrors, ParameterErrors},
        query::Params,
        reply::Reply,
    },
};

/// Default number of days in a reply.
const DEFAULT_DAYS: i64 = 30;

/// Maximum number of days in a reply.
const MAX_DAYS: i64 = 366;

/// Resources that the jobs of an API key used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// First day, in UTC.
    #[schema(example = "2026-11-01")]
    from: String,
    /// Last day, in UTC.
    #[schema(example = "2026-11-30")]
    to: String,
    /// Sum over all days.
    total: Cost,
    /// Days on which a job completed, oldest first.
    days: Vec<Day>,
}

/// Resources used by the jobs that completed on one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Day {
    /// The day, in UTC.
    #[schema(example = "2026-11-23")]
    date: String,
    #[serde(flatten)]
    cost: Cost,
}

/// Resources used by jobs. Failed jobs do not count.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cost {
    /// Number of completed jobs.
    jobs: u64,
    /// Number of frames written.
    frames: u64,
    /// Total size of the clips in bytes.
    input_bytes: u64,
    /// Total size of the outputs in bytes.
    output_bytes: u64,
    /// Total processing time in milliseconds.
    processing_time_ms: u64,
}

impl Cost {
    fn add(&mut self, day: &DayUsage) {
        self.jobs += day.jobs;
        self.frames += day.frames;
        self.input_bytes += day.input_bytes;
        self.output_bytes += day.output_bytes;
        self.processing_time_ms += day.processing_ms;
    }
}

/// Valid days, from 1970-01-01 to 9999-12-31. Times start in 1970, and later years have five
/// digits.
const VALID_DAYS: std::ops::RangeInclusive<i64> = 0..=2_932_896;

/// Read usage.
///
/// Returns the resources that the jobs of the API key used, by the day (UTC) on which they
/// completed. Deleted jobs are included.
#[utoipa::path(
    get, path = "/api/v1/usage", tag = "usage", operation_id = "getUsage", security(("key" = [])),
    params(
        ("from" = Option<String>, Query, format = Date, description = "First day, as YYYY-MM-DD. Default: 30 days ending with `to`."),
        ("to" = Option<String>, Query, format = Date, description = "Last day, as YYYY-MM-DD. Default: today."),
    ),
    responses(
        (status = 200, description = "The usage.", body = Reply<Usage>),
        KeyErrors, ParameterErrors,
    )
)]
pub(crate) async fn read(State(api): State<Api>, Caller(owner): Caller, uri: Uri) -> Result<Reply<Usage>, ApiError> {
    let params = Params::of(&uri)?;
    let date = |name| {
        params.read(name, "a day as YYYY-MM-DD, from 1970 to 9999", |text| {
            text.parse::<UtcDay>().ok().filter(|day| VALID_DAYS.contains(&day.0))
        })
    };
    let to = date("to")?.unwrap_or_else(|| UtcDay::of(api.clock.now()));
    let from = date("from")?.unwrap_or(UtcDay((to.0 - (DEFAULT_DAYS - 1)).max(0)));
    if !(0..MAX_DAYS).contains(&(to.0 - from.0)) {
        let allowed = "a day not after `to`, and at most 366 days in all";
        return Err(RequestError::new("from", &from.to_string(), allowed).into());
    }
    let days = api.queue.usage(owner, from.begin(), UtcDay(to.0 + 1).begin()).await?;
    let mut total = Cost::default();
    for day in &days {
        total.add(day);
    }
    let to_day = |day: &DayUsage| {
        let mut cost = Cost::default();
        cost.add(day);
        Day { date: UtcDay(day.day).to_string(), cost }
    };
    let days = days.iter().map(to_day).collect();
    Ok(Reply::new(Usage { from: from.to_string(), to: to.to_string(), total, days }))
}
