//! Webhook signing secrets and their rotation.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clearcut_job::UnixMillis;

/// Secret that signs and verifies deliveries: `whsec_` and base64, as in Standard Webhooks.
///
/// Unlike an API key, the secret is stored in plain text, because signing needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Builds a secret from `random`, which the caller draws from the operating system's random
    /// generator.
    #[must_use]
    pub fn from_random(random: [u8; 24]) -> Self {
        Self(format!("whsec_{}", STANDARD.encode(random)))
    }

    pub(crate) const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The secret in plain text, for signing and for its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    /// Hides the secret, so that it never appears in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// The secrets of one endpoint: two during a rotation, else one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningSecrets {
    /// The current secret.
    pub current: WebhookSecret,
    /// The previous secret, which signs as well until the given time.
    pub previous: Option<(WebhookSecret, UnixMillis)>,
}

impl SigningSecrets {
    /// Iterates over the secrets that sign a delivery at `now`, newest first.
    pub fn active(&self, now: UnixMillis) -> impl Iterator<Item = &WebhookSecret> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.current).chain(previous.map(|(secret, _)| secret))
    }

    /// Makes `fresh` the current secret. The replaced one signs until `until`; an older one is
    /// dropped, so at most two secrets are active.
    #[must_use]
    pub(crate) fn rotated(self, fresh: WebhookSecret, until: UnixMillis) -> Self {
        Self { current: fresh, previous: Some((self.current, until)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_two_secrets_are_active_during_a_rotation() {
        let secret = |byte| WebhookSecret::from_random([byte; 24]);
        let first = SigningSecrets { current: secret(1), previous: None };
        let second = first.rotated(secret(2), UnixMillis(100));
        let active = |secrets: &SigningSecrets, at| secrets.active(UnixMillis(at)).cloned().collect::<Vec<_>>();
        assert_eq!(active(&second, 99), [secret(2), secret(1)]);
        assert_eq!(active(&second, 100), [secret(2)]);
        assert_eq!(active(&second.rotated(secret(3), UnixMillis(200)), 99), [secret(3), secret(2)]);
    }

    #[test]
    fn debug_output_hides_the_secret() {
        let secret = WebhookSecret::from_random([7; 24]);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
    }
}
