//! The address of a PostgreSQL database, as it is given and as it is shown.

use std::{collections::BTreeSet, fmt, net::IpAddr, path::Path, str::FromStr};

use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
use url::{ParseError, Url};

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

/// User of an address that names none, where neither `PGUSER` nor the system does: sqlx takes it.
const NO_USER: &str = "anonymous";

/// Address of a PostgreSQL database, such as `postgres://user@host/name`. What it leaves out comes
/// from the variables of libpq, such as `PGPASSWORD`. Its text never has the password.
#[derive(Clone)]
pub struct DatabaseAddress(PgConnectOptions);

impl DatabaseAddress {
    /// Values of the parameter `sslmode`, and of `PGSSLMODE`.
    pub const TLS_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    pub(super) fn options(&self) -> PgConnectOptions {
        // No statement has a name, so there is nothing to cache. A pooler knows few settings of sessions.
        let options = self.0.clone().statement_cache_capacity(0).extra_float_digits(None);
        if options.get_application_name().is_some() { options } else { options.application_name("clearcut") }
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
        let refused = |what: String| QueueError::Address { what };
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(refused("it does not begin with postgres://".to_owned()));
        }
        if text.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control()) || !has_whole_codes(text) {
            let what = "every %, # and blank in it must be a code such as %25, %23 and %20";
            return Err(refused(what.to_owned()));
        }
        if text.contains("%00") {
            return Err(refused("it must not hold the code %00".to_owned()));
        }
        let url = Url::parse(text).map_err(|error| refused(url_fault(error).to_owned()))?;
        if url.port() == Some(0) {
            return Err(refused(url_fault(ParseError::InvalidPort).to_owned()));
        }
        let mut names = BTreeSet::new();
        for (name, value) in url.query_pairs() {
            check_parameter(&name, &value).map_err(refused)?;
            if !names.insert(name.clone()) {
                return Err(refused(format!("its parameter {name} must be given once")));
            }
        }
        // What is left are codes of bytes that are no text.
        let options = PgConnectOptions::from_url(&url);
        let options = options.map_err(|_| refused("its codes with % must make up UTF-8".to_owned()))?;
        if options.get_username() == NO_USER && url.username().is_empty() && !names.contains("user") {
            return Err(refused(
                "it must name a user, because PGUSER is not set and the process has no name".to_owned(),
            ));
        }
        Ok(Self(options))
    }
}

/// Whether every `%` begins the code of a byte.
fn has_whole_codes(text: &str) -> bool {
    let is_code = |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    text.split('%').skip(1).all(is_code)
}

/// What is wrong with the part before the parameters.
const fn url_fault(error: ParseError) -> &'static str {
    match error {
        ParseError::InvalidPort => {
            "its port must be a number from 1 to 65535, and every / ? @ and : in a password a code such as %2F, %3F, %40 and %3A"
        }
        ParseError::EmptyHost => "its host is missing",
        _ => "its host must be a name or an IP address, an IPv6 address in brackets",
    }
}

/// Checks a parameter that would be ignored, or refused later.
fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    match name {
        "sslmode" if !DatabaseAddress::TLS_MODES.contains(&value) => {
            Err(format!("its parameter sslmode must be one of {}", DatabaseAddress::TLS_MODES.join(", ")))
        }
        "port" if !value.parse::<u16>().is_ok_and(|port| port > 0) => {
            Err("its parameter port must be a number from 1 to 65535".to_owned())
        }
        "sslcert" | "sslkey" | "sslrootcert" if !Path::new(value).is_file() => {
            Err(format!("its parameter {name} must be the name of a file"))
        }
        "hostaddr" if value.parse::<IpAddr>().is_err() => {
            Err("its parameter hostaddr must be an IP address".to_owned())
        }
        _ if PARAMETERS.contains(&name) && value.is_empty() => Err(format!("its parameter {name} must have a value")),
        _ if PARAMETERS.contains(&name) => Ok(()),
        // Not its name, which may be half a password.
        _ => Err(format!("its parameters must be some of {}", PARAMETERS.join(", "))),
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
            ("postgres://db/cut?sslmode=require&connect_timeout=3", "sslrootcert"),
            ("postgres://db/cut?sslmode=verify", "verify-full"),
            ("postgres://db/cut?sslrootcert=/nowhere", "the name of a file"),
            ("postgres://db/cut?port=x", "port must be a number"),
            ("postgres://db/cut?port=0", "port must be a number"),
            ("postgres://db/cut?hostaddr=db", "hostaddr must be an IP address"),
            ("postgres://db:port/cut", "port must be a number"),
            ("postgres://db:99999/cut", "port must be a number"),
            ("postgres://ann:secret/word@db/cut", "port must be a number"),
            ("postgres://ann:secret#word@db/cut", "%23"),
            ("postgres://ann:secret%word@db/cut", "%25"),
            ("postgres://ann:secret word@db/cut", "%20"),
            ("postgres://ann:secret%ffword@db/cut", "UTF-8"),
            ("postgres://ann:secret?word@db/cut", "%3F"),
            ("postgres://[::1/cut", "brackets"),
            ("postgres://ann@/cut", "host is missing"),
            ("postgres://db:0/cut", "port must be a number"),
            ("postgres://db/cut%00", "%00"),
            ("postgres://db/cut?host=", "host must have a value"),
            ("postgres://db/cut?user=ann&user=bob", "user must be given once"),
        ] {
            let message = text.parse::<DatabaseAddress>().unwrap_err().to_string();
            assert!(message.contains(what) && !message.contains("secret"), "{message}");
        }
    }
}
