//! The route of usage: what the jobs of a key cost, by day.

use axum::{extract::State, http::Uri};
use clearcut_job::{RequestError, UtcDay};
use clearcut_queue::DayUsage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        query::Params,
        reply::{ErrorReply, Reply},
    },
};

/// Days if nobody says.
const DAYS: i64 = 30;

/// Days in one answer at most.
const MOST_DAYS: i64 = 366;

/// What the jobs of a key cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The first day, in UTC.
    #[schema(example = "2026-11-01")]
    from: String,
    /// The last day.
    #[schema(example = "2026-11-30")]
    to: String,
    /// All days together.
    total: Cost,
    /// Each day on which a job ended, oldest first.
    days: Vec<Day>,
}

/// What jobs cost that ended on one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Day {
    /// The day, in UTC.
    #[schema(example = "2026-11-23")]
    date: String,
    #[serde(flatten)]
    cost: Cost,
}

/// What jobs cost. Jobs that failed cost nothing.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cost {
    /// Jobs that completed.
    jobs: u64,
    /// Frames written.
    frames: u64,
    /// Bytes of clips.
    input_bytes: u64,
    /// Bytes of outputs.
    output_bytes: u64,
    /// How long the cuts took, in milliseconds.
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

/// From 1970-01-01 to 9999-12-31: before there was nothing, and after it dates have five digits.
const KNOWN_DAYS: std::ops::RangeInclusive<i64> = 0..=2_932_896;

/// Read the usage.
///
/// What the jobs of the key cost, by the day (UTC) on which they ended. Removed jobs are counted too.
#[utoipa::path(
    get, path = "/api/v1/usage", tag = "usage", security(("key" = [])),
    params(
        ("from" = Option<String>, Query, description = "The first day, YYYY-MM-DD; 30 days up to `to` if missing"),
        ("to" = Option<String>, Query, description = "The last day, YYYY-MM-DD; today if missing"),
    ),
    responses(
        (status = 200, description = "The usage", body = Reply<Usage>),
        (status = 400, description = "A parameter is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 429, description = "Too many requests", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database", body = ErrorReply),
    )
)]
pub(crate) async fn read(State(api): State<Api>, Caller(owner): Caller, uri: Uri) -> Result<Reply<Usage>, ApiError> {
    let params = Params::of(&uri)?;
    let date = |name| {
        params.read(name, "a day as YYYY-MM-DD, from 1970 to 9999", |text| {
            text.parse::<UtcDay>().ok().filter(|day| KNOWN_DAYS.contains(&day.0))
        })
    };
    let to = date("to")?.unwrap_or_else(|| UtcDay::of(api.clock.now()));
    let from = date("from")?.unwrap_or(UtcDay((to.0 - (DAYS - 1)).max(0)));
    if !(0..MOST_DAYS).contains(&(to.0 - from.0)) {
        let allowed = "a day not after `to`, and at most 366 days in all";
        return Err(RequestError::new("from", &from.to_string(), allowed).into());
    }
    let days = api.queue.usage(owner, from.begin(), UtcDay(to.0 + 1).begin()).await?;
    let mut total = Cost::default();
    for day in &days {
        total.add(day);
    }
    let show = |day: &DayUsage| {
        let mut cost = Cost::default();
        cost.add(day);
        Day { date: UtcDay(day.day).to_string(), cost }
    };
    let days = days.iter().map(show).collect();
    Ok(Reply::new(Usage { from: from.to_string(), to: to.to_string(), total, days }))
}
