//! HTTP itself: the accept loop, limits on connections and bodies, authentication, and the envelope
//! of replies and errors.

pub(crate) mod admission;
pub(crate) mod body_limits;
pub(crate) mod caller;
pub(crate) mod connection_limits;
pub(crate) mod cursor;
pub(crate) mod error;
pub(crate) mod error_responses;
mod error_sources;
pub(crate) mod field_warning;
pub(crate) mod json_body;
pub(crate) mod metrics;
pub(crate) mod multipart_overhead;
pub(crate) mod query;
pub(crate) mod range;
pub(crate) mod rate_limit;
mod refused_file;
pub(crate) mod reply;
pub(crate) mod request_headers;
pub(crate) mod request_log;
pub(crate) mod serve;
pub(crate) mod token_bucket;
pub(crate) mod vocabulary;
pub(crate) mod write_timeout;
