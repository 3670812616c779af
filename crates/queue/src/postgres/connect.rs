//! The first connection to a database, and why it fails.

use std::{
    io,
    time::{Duration, Instant},
};

use clearcut_job::{ErrorCode, error_chain};
use sqlx::{Connection as _, PgConnection};

use super::address::DatabaseAddress;
use crate::QueueError;

/// Longest time until the first connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause before a server that is starting is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Oldest version of PostgreSQL, as `server_version_num`.
const OLDEST_VERSION: i32 = 130_000;

/// Why a database cannot be used, as its user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFault {
    /// No address belongs to the name of the host.
    #[error("the name of the host is unknown")]
    UnknownHost,
    /// Nobody listens, or nobody answers.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The server is starting or stopping, or has no connection to spare.
    #[error("the server takes no connections at the moment")]
    Busy,
    /// Something answers that does not speak the protocol of PostgreSQL, such as a web server.
    #[error("what answers there is no PostgreSQL server")]
    OtherServer,
    /// No TLS, or a certificate that is not accepted.
    #[error("no TLS connection could be made")]
    Tls,
    /// The password is wrong or missing.
    #[error("the password is wrong or missing")]
    WrongPassword,
    /// The server refuses this user, from this address or at all.
    #[error("the server does not let this user in")]
    UnknownUser,
    /// There is no database of this name.
    #[error("there is no database of this name")]
    UnknownDatabase,
    /// The user may not create tables or use them.
    #[error("the user may not create tables in the database, or may not use them")]
    MissingRight,
    /// The server is a standby, or read-only.
    #[error("the server takes no writes: it is a standby, or read-only")]
    ReadOnly,
    /// The server is older than PostgreSQL 13.
    #[error("the server is older than PostgreSQL 13")]
    TooOld,
    /// The database has the migrations or the tables of another program.
    #[error("the database belongs to another program")]
    OtherProgram,
}

impl ConnectFault {
    /// The stable code of this fault.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::UnknownHost | Self::Unreachable | Self::OtherServer | Self::Busy => ErrorCode::DatabaseUnavailable,
            _ => ErrorCode::DatabaseRefused,
        }
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::UnknownHost => "Check the host in CLEARCUT_DATABASE, or PGHOST.",
            Self::Unreachable => {
                "Check host and port in CLEARCUT_DATABASE, that PostgreSQL runs there, and that no firewall is between."
            }
            Self::OtherServer => "Check host and port in CLEARCUT_DATABASE, and the proxies between.",
            Self::Busy => "Wait until it has started, or raise its max_connections.",
            Self::Tls => {
                "Check sslmode (PGSSLMODE) and the certificate of its authority (PGSSLROOTCERT), and whether the server has TLS on."
            }
            Self::WrongPassword => {
                "Set PGPASSWORD, a line in the file of PGPASSFILE, or the password in CLEARCUT_DATABASE."
            }
            Self::UnknownUser => "Check the user, or create it, and allow its address in pg_hba.conf.",
            Self::UnknownDatabase => "Check the name, or create the database: createdb NAME.",
            Self::MissingRight => {
                "Make the user the owner of the database and of its tables, such as by ALTER DATABASE NAME OWNER TO USER."
            }
            Self::ReadOnly => "Give the address of the primary server.",
            Self::TooOld => "Upgrade PostgreSQL.",
            Self::OtherProgram => "Give clearcut a database of its own: createdb NAME.",
        }
    }

    /// The fault that `error` shows, if it is one of these.
    pub(super) fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Tls(_) => Some(Self::Tls),
            sqlx::Error::Protocol(_) => Some(Self::OtherServer),
            sqlx::Error::Io(cause) => Some(Self::of_io(cause)),
            sqlx::Error::PoolTimedOut => Some(Self::Unreachable),
            sqlx::Error::Database(refusal) => {
                let text = refusal.message();
                match refusal.code()?.as_ref() {
                    "28P01" => Some(Self::WrongPassword),
                    "28000" => Some(Self::UnknownUser),
                    "3D000" => Some(Self::UnknownDatabase),
                    "42501" => Some(Self::MissingRight),
                    "25006" => Some(Self::ReadOnly),
                    // Migrations were recorded, but none of them made a table of this program; or a
                    // migration meets a table, or another object, of its name.
                    "42P01" | "42P07" | "42710" => Some(Self::OtherProgram),
                    "53300" | "57P01" | "57P02" | "57P03" => Some(Self::Busy),
                    // PgBouncer has one code for all that it refuses.
                    "08P01" if text.contains("no such database") => Some(Self::UnknownDatabase),
                    "08P01" if text.contains("password") || text.contains("authentication") => {
                        Some(Self::WrongPassword)
                    }
                    "08P01" if text.contains("no such user") => Some(Self::UnknownUser),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn of_io(error: &io::Error) -> Self {
        let says = |words: &str| error_chain(error).any(|cause| cause.to_string().to_lowercase().contains(words));
        if says("certificate") || says("tls") || says("handshake") {
            Self::Tls
        } else if says("lookup address") {
            Self::UnknownHost
        } else {
            Self::Unreachable
        }
    }
}

/// The failure of the database at `address`, with the reason if it is a known one.
pub(super) fn failure(address: &DatabaseAddress, error: sqlx::Error) -> QueueError {
    match ConnectFault::of(&error) {
        Some(fault) => QueueError::Unusable { database: address.to_string(), fault },
        None => error.into(),
    }
}

/// Connects once, and checks that the server can be used. Returns its version, such as `15.10`.
pub(super) async fn check_server(address: &DatabaseAddress) -> Result<String, QueueError> {
    let unusable = |fault| QueueError::Unusable { database: address.to_string(), fault };
    let until = Instant::now() + CONNECT_TIMEOUT;
    let connect = async {
        loop {
            match ask_version(address).await {
                Err(error) if ConnectFault::of(&error) == Some(ConnectFault::Busy) && Instant::now() < until => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    };
    let answer =
        tokio::time::timeout(CONNECT_TIMEOUT, connect).await.map_err(|_| unusable(ConnectFault::Unreachable))?;
    let (number, name) = answer.map_err(|error| failure(address, error))?;
    if number < OLDEST_VERSION {
        return Err(unusable(ConnectFault::TooOld));
    }
    // The rest names the distribution.
    Ok(name.split(' ').next().unwrap_or_default().to_owned())
}

async fn ask_version(address: &DatabaseAddress) -> Result<(i32, String), sqlx::Error> {
    let mut connection = PgConnection::connect_with(&address.options()).await?;
    let query = "SELECT CAST(current_setting('server_version_num') AS INT), current_setting('server_version')";
    // A pooler may give another session after every statement outside of a transaction.
    let mut tx = connection.begin().await?;
    let answer = sqlx::query_as(query).persistent(false).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    connection.close().await?;
    Ok(answer)
}
