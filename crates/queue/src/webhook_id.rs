//! Ids of webhook endpoints and deliveries.

use std::{fmt, str::FromStr};

use clearcut_job::JobId;
use sha2::{Digest as _, Sha256};

use crate::EventKind;

/// Number of hexadecimal digits in the ids below: 96 bits.
const ID_DIGITS: usize = 24;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Builds an id from the lowest 96 bits of `random`, which the caller draws from the
            /// operating system's random generator.
            #[must_use]
            pub fn from_random(random: u128) -> Self {
                Self(format!(concat!($prefix, "{:024x}"), random & ((1 << 96) - 1)))
            }

            /// The id as on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix($prefix).ok_or(ParseIdError)?;
                let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if is_hex && digits.len() == ID_DIGITS { Ok(Self(text.to_owned())) } else { Err(ParseIdError) }
            }
        }
    )*};
}

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a prefix and 24 hexadecimal digits")]
pub struct ParseIdError;

ids! {
    /// Id of an endpoint: `wh_` and 24 digits.
    EndpointId = "wh_";
    /// Id of a delivery and `webhook-id` on the wire: `msg_` and 24 digits.
    DeliveryId = "msg_";
}

impl DeliveryId {
    /// Derives the id of the delivery of one event to one endpoint. The id is a hash, so the same
    /// delivery cannot be created twice.
    pub(crate) fn derive(job: &JobId, kind: EventKind, endpoint: &EndpointId) -> Self {
        let source = format!("{job} {kind} {endpoint}");
        let digest = hex::encode(Sha256::digest(source.as_bytes()));
        Self(format!("msg_{}", &digest[..ID_DIGITS]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ids_parse() {
        let id = EndpointId::from_random(u128::MAX);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in
            ["", "wh_", "msg_ffffffffffffffffffffffff", "wh_fffffffffffffffffffffffF", "wh_ffffffffffffffffffffffff0"]
        {
            assert_eq!(text.parse::<EndpointId>(), Err(ParseIdError), "{text}");
        }
    }

    #[test]
    fn a_delivery_id_depends_on_job_kind_and_endpoint_alone() {
        let (job, endpoint) = (JobId::from_random(1), EndpointId::from_random(1));
        let id = DeliveryId::derive(&job, EventKind::JobFailed, &endpoint);
        assert_eq!(id, DeliveryId::derive(&job, EventKind::JobFailed, &endpoint));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for other in [
            DeliveryId::derive(&JobId::from_random(2), EventKind::JobFailed, &endpoint),
            DeliveryId::derive(&job, EventKind::JobStarted, &endpoint),
            DeliveryId::derive(&job, EventKind::JobFailed, &EndpointId::from_random(2)),
        ] {
            assert_ne!(id, other);
        }
    }
}
