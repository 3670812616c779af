//! The role of a process, and the database and store that it shares with others. Combinations that
//! cannot work are refused.

use std::path::Path;

use clearcut_queue::DatabaseAddress;
use clearcut_store::StoreAddress;

use super::config::{Role, invalid_setting};
use crate::{environment, failure::Failure};

/// What a process does, and with which services.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) role: Role,
    /// The PostgreSQL database; `None` for a file in the data folder.
    pub(super) database: Option<DatabaseAddress>,
    /// Address of the S3-compatible store; `None` for the data folder.
    pub(super) store: Option<StoreAddress>,
}

impl Services {
    /// Checks that a process in this role can work with these services.
    pub(super) fn new(role: Role, database: Option<&str>, store: Option<&str>) -> Result<Self, Failure> {
        let refused = |message: &str| Err(invalid_setting(message));
        match (database, store) {
            (None, _) if role != Role::All => refused(
                "role is not all, and the database is a file that one process alone uses; set database to a PostgreSQL database, or leave role out",
            ),
            (Some(_), None) if role != Role::All => refused(
                "role is not all, and the store is a folder that one machine alone has; set store to an S3-compatible store, or leave role out",
            ),
            _ => Ok(Self {
                role,
                database: database.map(parse_database).transpose()?,
                store: store.map(str::parse).transpose()?,
            }),
        }
    }
}

fn parse_database(text: &str) -> Result<DatabaseAddress, Failure> {
    if DatabaseAddress::holds_password(text) && environment::is_argument(text) {
        return Err(Failure::usage(
            "--database holds a password, which every user of this machine can read in the list of processes"
                .to_owned(),
            "Leave the password out and set PGPASSWORD or PGPASSFILE, or give the whole address as CLEARCUT_DATABASE.",
        ));
    }
    let modes = DatabaseAddress::TLS_MODES;
    if let Some(mode) = environment::libpq_variable("PGSSLMODE").filter(|mode| !modes.contains(&mode.as_str())) {
        return Err(invalid_setting(&format!("PGSSLMODE is {mode:?}; it must be one of {}", modes.join(", "))));
    }
    if let Some(port) = environment::libpq_variable("PGPORT").filter(|port| port.parse::<u16>().is_err()) {
        return Err(invalid_setting(&format!("PGPORT is {port:?}; it must be the number of a port")));
    }
    for name in ["PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT"] {
        if environment::libpq_variable(name).is_some_and(|file| !Path::new(&file).is_file()) {
            return Err(invalid_setting(&format!("{name} must be the name of a file")));
        }
    }
    text.parse().map_err(|error: clearcut_queue::QueueError| invalid_setting(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: Option<&str> = Some("postgres://ann@db/cut");

    fn services(role: Role, database: Option<&str>, store: Option<&str>) -> Result<Services, Failure> {
        Services::new(role, database, store)
    }

    #[test]
    fn a_process_can_share_what_other_machines_reach() {
        let bucket = Some("s3://bucket/prefix");
        for (role, database, store, is_possible) in [
            (Role::All, None, None, true),
            (Role::All, DATABASE, bucket, true),
            (Role::All, DATABASE, None, true),
            (Role::All, None, bucket, true),
            (Role::Api, DATABASE, bucket, true),
            (Role::Worker, DATABASE, bucket, true),
            (Role::Api, None, bucket, false),
            (Role::Worker, None, None, false),
            (Role::Worker, DATABASE, None, false),
        ] {
            assert_eq!(services(role, database, store).is_ok(), is_possible, "{role:?} {database:?} {store:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(services(Role::All, DATABASE, Some("https://s3.example.com/bucket")).is_err());
        assert!(services(Role::All, Some("clearcut.db"), None).is_err());
    }
}
