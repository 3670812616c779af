use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Response, StatusCode, header};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    Outbound, OutboundError, Target,
    resume::{Part, Validator, part},
};

/// How much, how long and how often.
#[derive(Debug, Clone, Copy)]
pub struct DownloadLimits {
    /// Bytes of the file at most, counted while they come. Default 2 GiB.
    pub max_bytes: u64,
    /// Bytes a second on average at least, over each connection, once [`Self::patience`] has passed. Default 16 KiB/s.
    pub min_bytes_per_sec: u64,
    /// How long a connection may be slower than that. Default 20 s.
    pub patience: Duration,
    /// The whole transfer at most, all its connections and pauses included. Default 30 min.
    pub deadline: Duration,
    /// Redirects in a row. Default 3.
    pub max_redirects: u32,
    /// Broken connections at most; each time the rest is asked for, or all where that cannot be. Default 5.
    pub max_breaks: u32,
    /// The pause after the first break; doubled for each further one. Default 500 ms.
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

/// What came next of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes.
    Bytes(Bytes),
    /// The file begins anew: throw away what came before.
    Restart,
    /// That was all.
    End,
}

/// A file on its way from an address.
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

/// How a broken transfer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mended {
    GoesOn,
    Anew,
}

#[derive(Debug)]
struct Connection {
    response: Response,
    began: Instant,
    bytes: u64,
}

impl Connection {
    fn new(response: Response) -> Self {
        Self { response, began: Instant::now(), bytes: 0 }
    }
}

impl Download {
    /// Asks for the file at `target`, along its redirects, and waits for the head of the answer.
    ///
    /// # Errors
    /// Why there is no file. Nothing is tried again here: what fails at its beginning is left to the caller's patience.
    pub async fn begin(outbound: Outbound, target: Target, limits: DownloadLimits) -> Result<Self, OutboundError> {
        let deadline = Instant::now() + limits.deadline;
        let response = ask(&outbound, &target, &limits, deadline, None).await?;
        let (total, validator) = (response.content_length(), Validator::of(&response));
        let connection = Connection::new(response);
        let download =
            Self { outbound, target, limits, deadline, connection, validator, total, received: 0, breaks: 0 };
        download.check_size(total.unwrap_or(0))?;
        Ok(download)
    }

    /// The length of the file, if its host told.
    #[must_use]
    pub const fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    /// Waits for what comes next. A connection that breaks is made again, and the file goes on where it was if its host
    /// can do that and says that it is still the same file.
    ///
    /// # Errors
    /// Why there will be no more.
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
                    if self.mend(error).await? == Mended::Anew {
                        return Ok(Piece::Restart);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next bytes of this connection; `None` at its orderly end.
    async fn read(&mut self) -> Result<Option<Bytes>, OutboundError> {
        let idle = Instant::now() + self.limits.patience;
        let next = timeout_at(idle.min(self.deadline), self.connection.response.chunk()).await;
        let Some(bytes) = next.map_err(|_| OutboundError::TooSlow)?? else { return Ok(None) };
        self.connection.bytes += bytes.len() as u64;
        let elapsed = self.connection.began.elapsed();
        let least = elapsed.as_secs().saturating_mul(self.limits.min_bytes_per_sec);
        if elapsed > self.limits.patience && self.connection.bytes < least {
            return Err(OutboundError::TooSlow);
        }
        Ok(Some(bytes))
    }

    /// Goes on after a break.
    async fn mend(&mut self, mut error: OutboundError) -> Result<Mended, OutboundError> {
        while self.breaks < self.limits.max_breaks {
            sleep(self.limits.pause.saturating_mul(1 << self.breaks.min(16))).await;
            self.breaks += 1;
            let from = self.validator.clone().map(|validator| (self.received, validator));
            let from = from.filter(|(received, _)| *received > 0);
            let asked = ask(&self.outbound, &self.target, &self.limits, self.deadline, from.as_ref()).await;
            match asked {
                Ok(response) => return self.go_on(response, from.is_some()),
                Err(failed @ (OutboundError::Broken(_) | OutboundError::TimedOut | OutboundError::Unreachable(_))) => {
                    error = failed;
                }
                Err(failed) => return Err(failed),
            }
        }
        Err(error)
    }

    fn go_on(&mut self, response: Response, asked_for_rest: bool) -> Result<Mended, OutboundError> {
        if asked_for_rest && let Part::Rest { total } = part(&response, self.received) {
            self.total = total.or(self.total);
            self.check_size(self.total.unwrap_or(0))?;
            self.connection = Connection::new(response);
            return Ok(Mended::GoesOn);
        }
        if response.status() == StatusCode::PARTIAL_CONTENT {
            // A part that nobody asked for is no file.
            return Err(OutboundError::Denied(response.status().as_u16()));
        }
        (self.total, self.validator, self.received) = (response.content_length(), Validator::of(&response), 0);
        self.connection = Connection::new(response);
        self.check_size(self.total.unwrap_or(0))?;
        Ok(Mended::Anew)
    }

    const fn check_size(&self, bytes: u64) -> Result<(), OutboundError> {
        let max_bytes = self.limits.max_bytes;
        if bytes > max_bytes { Err(OutboundError::TooLarge { max_bytes }) } else { Ok(()) }
    }
}

/// Asks for a file, or for its rest, along its redirects. The answer has the status of success.
async fn ask(
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
            // The file has no such rest: it is another one by now.
            StatusCode::RANGE_NOT_SATISFIABLE if from.is_some() => {
                return Box::pin(ask(outbound, &target, limits, deadline, None)).await;
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
