use std::time::{Duration, Instant};

use clearcut_job::Clock;
use clearcut_outbound::{Method, Outbound, OutboundError, Response, header};
use clearcut_queue::{Answer, Attempt, ClaimedDelivery, NoAnswer};
use tokio::time::timeout;

use crate::{
    CourierSettings, DescribeJob,
    payload::body,
    schedule::{Verdict, wished_pause},
    sign::signatures,
};

/// Bytes of a reply that are remembered. What comes after them is never read.
const REPLY_BYTES: usize = 512;

/// Sends a delivery once, and says what came of it.
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
            tracing::debug!(delivery = %delivery.id, ?error, "not delivered");
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
            let wish = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            Verdict::NotNow(wish.and_then(|text| wished_pause(text, clock.now())))
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
    // Read again: what may be reached may have changed since it was kept.
    let target = outbound.policy().target(&delivery.destination.url)?;
    let body = body(&delivery.event, &delivery.destination.link_base, describe);
    let now = clock.now();
    // A secret of ours is always base64; a row that holds another is damaged, and its delivery fails like a bad address.
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

/// The first bytes of the reply as text. The connection ends with this, however much is still to come.
async fn first_bytes(mut response: Response, wait: Duration) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < REPLY_BYTES
            && let Ok(Some(piece)) = response.chunk().await
        {
            bytes.extend_from_slice(&piece[..piece.len().min(REPLY_BYTES - bytes.len())]);
        }
    };
    // What did not come in time is left out: the status has decided already.
    let _ = timeout(wait, read).await;
    String::from_utf8_lossy(&bytes).replace(|letter: char| letter.is_control() && letter != '\n', " ")
}

fn unanswered(why: NoAnswer, began: Instant) -> (Attempt, Verdict) {
    (Attempt { answer: Answer::None(why), latency: began.elapsed() }, Verdict::NotNow(None))
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
