//! One delivery attempt: builds and signs the request, posts it, and classifies the answer.

use std::time::{Duration, Instant};

use clearcut_job::{Clock, error_line};
use clearcut_outbound::{Method, Outbound, OutboundError, Response, header};
use clearcut_queue::{Answer, Attempt, ClaimedDelivery, NoAnswer};
use tokio::time::timeout;

use crate::{
    CourierSettings, DescribeJob,
    payload::body,
    retry_schedule::{Verdict, parse_retry_after},
    sign::signatures,
};

/// Number of bytes of a reply's body that are recorded. The rest is never read.
const REPLY_BYTES: usize = 512;

/// Makes one attempt. Returns its record and its meaning for further attempts.
pub(crate) async fn send(
    delivery: &ClaimedDelivery,
    outbound: &Outbound,
    describe: &dyn DescribeJob,
    clock: &dyn Clock,
    settings: &CourierSettings,
) -> (Attempt, Verdict) {
    let began = Instant::now();
    let posted = timeout(settings.attempt_deadline, post(delivery, outbound, describe, clock));
    let response = match posted.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::debug!(delivery = %delivery.id, error = error_line(&error), "not delivered");
            return unanswered(no_answer(&error), began);
        }
        Err(_) => return unanswered(NoAnswer::TooSlow, began),
    };
    let status = response.status();
    let latency = began.elapsed();
    let verdict = match status.as_u16() {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        _ => {
            let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            Verdict::Retry(retry_after.and_then(|text| parse_retry_after(text, clock.now())))
        }
    };
    let reply = first_bytes(response, settings.reply_wait).await;
    (Attempt { answer: Answer::Status { status: status.as_u16(), reply }, latency }, verdict)
}

async fn post(
    delivery: &ClaimedDelivery,
    outbound: &Outbound,
    describe: &dyn DescribeJob,
    clock: &dyn Clock,
) -> Result<Response, OutboundError> {
    // Checked again: the allowed addresses may have changed since the URL was stored.
    let target = outbound.policy().target(&delivery.destination.url)?;
    let body = body(&delivery.event, &delivery.destination.link_base, describe).await;
    let now = clock.now();
    // Stored secrets are always base64. If one is not, the database row is damaged, and the
    // delivery fails like one with a malformed address.
    let signatures = signatures(&delivery.id, now, &body, &delivery.secrets).map_err(|error| {
        tracing::error!(delivery = %delivery.id, %error, "a delivery could not be signed");
        OutboundError::Malformed
    })?;
    let request = outbound
        .request(Method::POST, &target)
        .header(header::CONTENT_TYPE, "application/json")
        .header(standardwebhooks::HEADER_WEBHOOK_ID, delivery.id.as_str())
        .header(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, now.whole_secs())
        .header(standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signatures)
        .body(body);
    outbound.send(request).await
}

/// First [`REPLY_BYTES`] of the reply's body as text. Then the connection is closed, even if more
/// is to come.
async fn first_bytes(mut response: Response, wait: Duration) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < REPLY_BYTES
            && let Ok(Some(piece)) = response.chunk().await
        {
            bytes.extend_from_slice(&piece[..piece.len().min(REPLY_BYTES - bytes.len())]);
        }
    };
    // Bytes that come too late are omitted: the status alone decides.
    let _ = timeout(wait, read).await;
    String::from_utf8_lossy(&bytes).replace(|letter: char| letter.is_control() && letter != '\n', " ")
}

fn unanswered(reason: NoAnswer, began: Instant) -> (Attempt, Verdict) {
    (Attempt { answer: Answer::None(reason), latency: began.elapsed() }, Verdict::Retry(None))
}

const fn no_answer(error: &OutboundError) -> NoAnswer {
    match error {
        OutboundError::Malformed | OutboundError::Scheme | OutboundError::Credentials | OutboundError::Refused => {
            NoAnswer::AddressRefused
        }
        OutboundError::Unresolved => NoAnswer::NameUnknown,
        OutboundError::TimedOut => NoAnswer::TooSlow,
        OutboundError::Unreachable(_) | OutboundError::Client(_) | OutboundError::Tls(_) => NoAnswer::Unreachable,
        _ => NoAnswer::BrokenOff,
    }
}
