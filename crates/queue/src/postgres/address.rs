//! The address of a PostgreSQL database, as it is given and as it is shown.

use std::{fmt, str::FromStr};

use sqlx::postgres::PgConnectOptions;

use crate::QueueError;

/// Parameters that an address may have after its `?`.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// Address of a PostgreSQL database, such as `postgres://user@host/name`. What it leaves out comes
/// from the variables of libpq, such as `PGPASSWORD`. Its text never has the password.
#[derive(Clone)]
pub struct DatabaseAddress(PgConnectOptions);

impl DatabaseAddress {
    pub(super) fn options(&self) -> PgConnectOptions {
        // No statement has a name, so there is nothing to cache. A pooler knows few settings of sessions.
        self.0.clone().statement_cache_capacity(0).extra_float_digits(None).application_name("clearcut")
    }

    /// Whether the text of an address holds a password.
    #[must_use]
    pub fn holds_password(text: &str) -> bool {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':')) || parameters(text).any(|name| name == "password")
    }
}

/// Names of the parameters in an address.
fn parameters(text: &str) -> impl Iterator<Item = &str> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).filter(|name| !name.is_empty())
}

impl From<PgConnectOptions> for DatabaseAddress {
    fn from(options: PgConnectOptions) -> Self {
        Self(options)
    }
}

impl FromStr for DatabaseAddress {
    type Err = QueueError;

    fn from_str(text: &str) -> Result<Self, QueueError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(QueueError::Address { what: "it does not begin with postgres://".to_owned() });
        }
        let allowed = PARAMETERS.join(", ");
        if let Some(name) = parameters(text).find(|name| !PARAMETERS.contains(name)) {
            return Err(QueueError::Address { what: format!("its parameter {name} is none of {allowed}") });
        }
        let options = text.parse().map_err(|_| QueueError::Address { what: "it cannot be parsed".to_owned() });
        options.map(Self)
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (options, user) = (&self.0, self.0.get_username());
        // Without a name, the database has that of the user.
        let database = options.get_database().unwrap_or(user);
        match options.get_socket() {
            Some(folder) => write!(f, "database {database} at {}:{}", folder.display(), options.get_port()),
            None => write!(f, "database {database} at {}:{}", options.get_host(), options.get_port()),
        }?;
        write!(f, " as user {user}")
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_shows_its_password() {
        for text in ["postgres://ann:secret@db:5433/cut", "postgresql://ann@db:5433/cut?password=secret"] {
            assert!(DatabaseAddress::holds_password(text), "{text}");
            let address: DatabaseAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), "database cut at db:5433 as user ann");
            assert_eq!(format!("{address:?}"), address.to_string());
        }
        for text in ["postgres://ann@db:5433/cut", "postgres:///cut?host=/run/pg:1&user=a", "postgres://db/a:b@c"] {
            assert!(!DatabaseAddress::holds_password(text), "{text}");
        }
    }

    #[test]
    fn an_address_that_would_be_ignored_in_part_is_refused() {
        for (text, what) in [
            ("mysql://db/cut", "postgres://"),
            ("postgres://db/cut?sslmode=require&connect_timeout=3", "connect_timeout"),
            ("postgres://db/cut?sslmode=verify", "parsed"),
            ("postgres://db:port/cut", "parsed"),
        ] {
            let message = text.parse::<DatabaseAddress>().unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
    }
}
