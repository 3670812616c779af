//! Downloads of files, with limits on size, speed and time, that resume after a broken connection.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Response, StatusCode, header};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    Outbound, OutboundError, Target,
    resume::{RangeResponse, Validator, classify_range_response},
};

/// Limits of a download.
#[derive(Debug, Clone, Copy)]
pub struct DownloadLimits {
    /// Maximum size of the file in bytes, counted while they arrive. Default 2 GiB.
    pub max_bytes: u64,
    /// Minimum average rate of each connection in bytes per second, once [`Self::patience`] has
    /// passed. Default 16 KiB/s.
    pub min_bytes_per_sec: u64,
    /// Grace period in which a connection may be slower than that, and the longest pause between
    /// two arrivals. Default 20 s.
    pub patience: Duration,
    /// Timeout of the whole transfer, including all connections and pauses. Default 30 min.
    pub deadline: Duration,
    /// Maximum number of consecutive redirects. Default 3.
    pub max_redirects: u32,
    /// Maximum number of broken connections. After each, the client requests the rest of the file,
    /// or the whole file if the host cannot resume. Default 5.
    pub max_breaks: u32,
    /// Backoff after the first broken connection; doubled for each further one. Default 500 ms.
    pub pause: Duration,
}

impl Default for DownloadLimits {
    fn default() -> Self {
        Self {
            max_bytes: 2 << 30,
            min_bytes_per_sec: 16 << 10,
            patience: Duration::from_secs(20),
            deadline: Duration::from_mins(30),
            max_redirects: 3,
            max_breaks: 5,
            pause: Duration::from_millis(500),
        }
    }
}

/// The next event of a download.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes.
    Bytes(Bytes),
    /// The file starts over: discard the bytes received so far.
    Restart,
    /// The file is complete.
    End,
}

/// A running download of one file.
#[derive(Debug)]
pub struct Download {
    outbound: Outbound,
    target: Target,
    limits: DownloadLimits,
    deadline: Instant,
    connection: Connection,
    validator: Option<Validator>,
    total: Option<u64>,
    received: u64,
    breaks: u32,
}

/// How a broken transfer was recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovery {
    Resumed,
    Restarted,
}

#[derive(Debug)]
struct Connection {
    response: Response,
    started: Instant,
    bytes: u64,
}

impl Connection {
    fn new(response: Response) -> Self {
        Self { response, started: Instant::now(), bytes: 0 }
    }
}

impl Download {
    /// Requests the file at `target`, follows its redirects, and waits for the response headers.
    ///
    /// # Errors
    /// If there is no file. The first request is not retried; a retry is up to the caller.
    pub async fn begin(outbound: Outbound, target: Target, limits: DownloadLimits) -> Result<Self, OutboundError> {
        let deadline = Instant::now() + limits.deadline;
        let response = request_file(&outbound, &target, &limits, deadline, None).await?;
        let (total, validator) = (response.content_length(), Validator::from_response(&response));
        let connection = Connection::new(response);
        let download =
            Self { outbound, target, limits, deadline, connection, validator, total, received: 0, breaks: 0 };
        download.check_size(total.unwrap_or(0))?;
        Ok(download)
    }

    /// Length of the file, if the host stated it.
    #[must_use]
    pub const fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    /// Waits for the next piece. Reconnects after a broken connection, and resumes the file if the
    /// host supports it and confirms that the file is unchanged.
    ///
    /// # Errors
    /// If the file cannot be completed.
    pub async fn next(&mut self) -> Result<Piece, OutboundError> {
        loop {
            match self.read().await {
                Ok(Some(bytes)) => {
                    self.received += bytes.len() as u64;
                    self.check_size(self.received)?;
                    return Ok(Piece::Bytes(bytes));
                }
                Ok(None) => return Ok(Piece::End),
                Err(error @ (OutboundError::Broken(_) | OutboundError::TimedOut)) => {
                    if self.recover(error).await? == Recovery::Restarted {
                        return Ok(Piece::Restart);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next bytes of this connection; `None` at its regular end.
    async fn read(&mut self) -> Result<Option<Bytes>, OutboundError> {
        let idle = Instant::now() + self.limits.patience;
        let next = timeout_at(idle.min(self.deadline), self.connection.response.chunk()).await;
        let Some(bytes) = next.map_err(|_| OutboundError::TooSlow)?? else { return Ok(None) };
        self.connection.bytes += bytes.len() as u64;
        let elapsed = self.connection.started.elapsed();
        let min_bytes = elapsed.as_secs().saturating_mul(self.limits.min_bytes_per_sec);
        if elapsed > self.limits.patience && self.connection.bytes < min_bytes {
            return Err(OutboundError::TooSlow);
        }
        Ok(Some(bytes))
    }

    /// Reconnects after a broken connection, with backoff.
    async fn recover(&mut self, mut error: OutboundError) -> Result<Recovery, OutboundError> {
        while self.breaks < self.limits.max_breaks {
            sleep(self.limits.pause.saturating_mul(1 << self.breaks.min(16))).await;
            self.breaks += 1;
            let from = self.validator.clone().map(|validator| (self.received, validator));
            let from = from.filter(|(received, _)| *received > 0);
            let response = request_file(&self.outbound, &self.target, &self.limits, self.deadline, from.as_ref()).await;
            match response {
                Ok(response) => return self.accept_response(response, from.is_some()),
                Err(
                    new_error @ (OutboundError::Broken(_) | OutboundError::TimedOut | OutboundError::Unreachable(_)),
                ) => {
                    error = new_error;
                }
                Err(new_error) => return Err(new_error),
            }
        }
        Err(error)
    }

    fn accept_response(&mut self, response: Response, requested_rest: bool) -> Result<Recovery, OutboundError> {
        if requested_rest && let RangeResponse::Rest { total } = classify_range_response(&response, self.received) {
            self.total = total.or(self.total);
            self.check_size(self.total.unwrap_or(0))?;
            self.connection = Connection::new(response);
            return Ok(Recovery::Resumed);
        }
        if response.status() == StatusCode::PARTIAL_CONTENT {
            // Part of a file that was not requested is useless.
            return Err(OutboundError::Denied(response.status().as_u16()));
        }
        (self.total, self.validator, self.received) =
            (response.content_length(), Validator::from_response(&response), 0);
        self.connection = Connection::new(response);
        self.check_size(self.total.unwrap_or(0))?;
        Ok(Recovery::Restarted)
    }

    const fn check_size(&self, bytes: u64) -> Result<(), OutboundError> {
        let max_bytes = self.limits.max_bytes;
        if bytes > max_bytes { Err(OutboundError::TooLarge { max_bytes }) } else { Ok(()) }
    }
}

/// Requests a file, or its rest, and follows its redirects. The response has a success status.
async fn request_file(
    outbound: &Outbound,
    target: &Target,
    limits: &DownloadLimits,
    deadline: Instant,
    from: Option<&(u64, Validator)>,
) -> Result<Response, OutboundError> {
    let mut target = target.clone();
    for _ in 0..=limits.max_redirects {
        let mut request = outbound.request(Method::GET, &target).header(header::ACCEPT_ENCODING, "identity");
        if let Some((received, Validator(validator))) = from {
            request = request.header(header::RANGE, format!("bytes={received}-")).header(header::IF_RANGE, validator);
        }
        let sent = timeout_at(deadline, outbound.send(request)).await;
        let response = sent.map_err(|_| OutboundError::TimedOut)??;
        let status = response.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            target = outbound.policy().redirected(&target, location.ok_or(OutboundError::Redirects)?)?;
            continue;
        }
        return match status {
            StatusCode::OK => Ok(response),
            StatusCode::PARTIAL_CONTENT if from.is_some() => Ok(response),
            // The requested range does not exist, so the file has changed.
            StatusCode::RANGE_NOT_SATISFIABLE if from.is_some() => {
                return Box::pin(request_file(outbound, &target, limits, deadline, None)).await;
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Err(OutboundError::Failing(status.as_u16()))
            }
            status if status.is_server_error() => Err(OutboundError::Failing(status.as_u16())),
            status => Err(OutboundError::Denied(status.as_u16())),
        };
    }
    Err(OutboundError::Redirects)
}
