//! Webhook signatures in the format of Standard Webhooks.

use clearcut_job::UnixMillis;
use clearcut_queue::{DeliveryId, SigningSecrets};
use standardwebhooks::{Webhook, WebhookError};

/// Value of the header `webhook-signature`: one signature per secret that is active at `now`, the
/// newest first. A receiver accepts the request if it has one of the secrets.
pub(crate) fn signatures(
    id: &DeliveryId,
    now: UnixMillis,
    body: &[u8],
    secrets: &SigningSecrets,
) -> Result<String, WebhookError> {
    let each =
        secrets.active(now).map(|secret| Webhook::new(secret.reveal())?.sign(id.as_str(), now.whole_secs(), body));
    Ok(each.collect::<Result<Vec<_>, _>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use clearcut_queue::WebhookSecret;

    use super::*;

    #[test]
    fn every_active_secret_signs_and_an_expired_one_does_not() {
        let secret = |byte| WebhookSecret::from_random([byte; 24]);
        let (id, body) = (DeliveryId::from_random(1), b"{}");
        let secrets = SigningSecrets { current: secret(2), previous: Some((secret(1), UnixMillis(5_000))) };
        let alone = |byte, at| {
            signatures(&id, UnixMillis(at), body, &SigningSecrets { current: secret(byte), previous: None }).unwrap()
        };
        let both = signatures(&id, UnixMillis(4_999), body, &secrets).unwrap();
        assert_eq!(both, format!("{} {}", alone(2, 4_999), alone(1, 4_999)));
        assert_eq!(signatures(&id, UnixMillis(5_000), body, &secrets).unwrap(), alone(2, 5_000));
    }

    #[test]
    fn a_signature_covers_the_id_the_time_and_the_body() {
        let secrets = SigningSecrets { current: WebhookSecret::from_random([1; 24]), previous: None };
        let sign = |random, at, body: &[u8]| {
            signatures(&DeliveryId::from_random(random), UnixMillis(at), body, &secrets).unwrap()
        };
        let signed = sign(1, 1000, b"{}");
        assert!(signed.starts_with("v1,"), "{signed}");
        for other in [sign(2, 1000, b"{}"), sign(1, 2000, b"{}"), sign(1, 1000, b"{ }")] {
            assert_ne!(signed, other);
        }
    }
}
