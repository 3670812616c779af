//! The variables of the AWS tools: which values a client is made from, and which are refused.

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

use crate::{SettingError, address::web_address};

/// Variables of the AWS tools that the client knows, with their names.
#[derive(Debug, Clone)]
pub(crate) struct Variables(Vec<(String, Key, String)>);

impl Variables {
    /// Takes the variables that the client knows, and checks the addresses and names that it would
    /// use unchecked.
    pub(crate) fn new(all: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingError> {
        let known = |(name, value): (String, String)| {
            let key = name.to_ascii_lowercase().parse().ok()?;
            Some((name, key, value))
        };
        let variables = Self(all.into_iter().filter_map(known).collect());
        for (name, key, value) in &variables.0 {
            check(name, *key, value)?;
        }
        variables.check_key()?;
        Ok(variables)
    }

    /// `builder` with these variables.
    pub(crate) fn apply(&self, builder: AmazonS3Builder) -> AmazonS3Builder {
        self.0.iter().fold(builder, |builder, (_, key, value)| builder.with_config(*key, value))
    }

    /// The variable that makes a client of `bucket` impossible.
    pub(crate) fn fault(&self, bucket: &str) -> Option<SettingError> {
        let is_refused = |key: Key, value: &str| {
            AmazonS3Builder::new().with_bucket_name(bucket).with_config(key, value).build().is_err()
        };
        // Half a key alone makes no client.
        let mut others = self.0.iter().filter(|(_, key, _)| !matches!(key, Key::AccessKeyId | Key::SecretAccessKey));
        let (name, key, _) = others.find(|(_, key, value)| is_refused(*key, value))?;
        let allowed = if is_refused(*key, "true") { "a value that its documentation names" } else { "true or false" };
        Some(SettingError::Variable { name: name.clone(), allowed })
    }

    fn check_key(&self) -> Result<(), SettingError> {
        let has = |wanted: Key| self.0.iter().any(|(_, key, _)| *key == wanted);
        let missing = match (has(Key::AccessKeyId), has(Key::SecretAccessKey)) {
            (true, false) => "AWS_SECRET_ACCESS_KEY",
            (false, true) => "AWS_ACCESS_KEY_ID",
            _ => return Ok(()),
        };
        Err(SettingError::Variable { name: missing.to_owned(), allowed: "set, because the other half of the key is" })
    }
}

/// Checks what the client uses unchecked: it would panic, or send requests elsewhere.
fn check(name: &str, key: Key, value: &str) -> Result<(), SettingError> {
    let refused = |allowed| Err(SettingError::Variable { name: name.to_owned(), allowed });
    match key {
        Key::Endpoint | Key::S3Endpoint | Key::StsEndpoint | Key::MetadataEndpoint if web_address(value).is_none() => {
            refused("an address like https://s3.example.com or http://127.0.0.1:8333, without user, path or query")
        }
        Key::Region | Key::DefaultRegion
            if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) =>
        {
            refused("the name of a region, such as eu-central-1")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(variables: &[(&str, &str)]) -> Option<String> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        match Variables::new(owned) {
            Ok(variables) => variables.fault("bucket").map(|fault| fault.to_string()),
            Err(fault) => Some(fault.to_string()),
        }
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named_with_what_is_allowed() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for (variables, message) in [
            ([("AWS_ALLOW_HTTP", "maybe"), ("AWS_REGION", "x")], "AWS_ALLOW_HTTP must be true or false"),
            ([("AWS_REGION", "eu central"), ("A", "")], "AWS_REGION must be the name of a region"),
            ([("AWS_SECRET_ACCESS_KEY", "secret-word"), ("A", "")], "AWS_ACCESS_KEY_ID must be set"),
            ([("AWS_ACCESS_KEY_ID", "key"), ("A", "")], "AWS_SECRET_ACCESS_KEY must be set"),
            ([("AWS_CHECKSUM_ALGORITHM", "crc7"), ("A", "")], "AWS_CHECKSUM_ALGORITHM must be a value"),
        ] {
            let found = refusal(&variables).unwrap();
            assert!(found.contains(message) && !found.contains("secret-word"), "{found}");
        }
        for value in [
            "nowhere",
            "s3://bucket",
            "http://",
            "http://ann:secret-word@127.0.0.1:8333",
            "http://127.0.0.1:8333/bucket",
            "http://127.0.0.1:8333/?key=secret-word",
            "http://127.0.0.1:port",
        ] {
            for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3"] {
                let found = refusal(&[(name, value)]).unwrap();
                let is_named = found.starts_with(&format!("{name} must be an address like https://"));
                assert!(is_named && !found.contains("secret-word"), "{found}");
            }
        }
    }

    #[test]
    fn variables_in_order_are_taken() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let variables = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:8333/"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "word"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_PAGER", "less"),
        ];
        assert_eq!(refusal(&variables), None);
    }
}
