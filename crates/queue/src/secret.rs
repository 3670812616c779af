use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clearcut_job::UnixMillis;

/// What signs deliveries and verifies them: `whsec_` and base64, as Standard Webhooks writes it.
///
/// Unlike an API key it is kept as it is, since signing needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// The secret of these bytes, which the caller draws from the system's generator.
    #[must_use]
    pub fn from_random(random: [u8; 24]) -> Self {
        Self(format!("whsec_{}", STANDARD.encode(random)))
    }

    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text that its owner needs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    /// Says nothing: secrets stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// The secrets of one endpoint: two while it rotates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningSecrets {
    /// The one that stays.
    pub current: WebhookSecret,
    /// The one before, which signs as well until then.
    pub previous: Option<(WebhookSecret, UnixMillis)>,
}

impl SigningSecrets {
    /// Those with which a delivery at `now` is signed, the newest first.
    pub fn active(&self, now: UnixMillis) -> impl Iterator<Item = &WebhookSecret> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.current).chain(previous.map(|(secret, _)| secret))
    }

    /// Puts `fresh` in the place of the current one, which goes on signing until `until`. The one before that is dropped:
    /// never more than two are active.
    #[must_use]
    pub(crate) fn rotated(self, fresh: WebhookSecret, until: UnixMillis) -> Self {
        Self { current: fresh, previous: Some((self.current, until)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_are_active_while_rotating_and_never_three() {
        let secret = |byte| WebhookSecret::from_random([byte; 24]);
        let first = SigningSecrets { current: secret(1), previous: None };
        let second = first.rotated(secret(2), UnixMillis(100));
        let active = |secrets: &SigningSecrets, at| secrets.active(UnixMillis(at)).cloned().collect::<Vec<_>>();
        assert_eq!(active(&second, 99), [secret(2), secret(1)]);
        assert_eq!(active(&second, 100), [secret(2)]);
        assert_eq!(active(&second.rotated(secret(3), UnixMillis(200)), 99), [secret(3), secret(2)]);
    }

    #[test]
    fn a_secret_is_not_said_by_debug() {
        let secret = WebhookSecret::from_random([7; 24]);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
    }
}
