//! Configuration of `clearcut serve` as it is given: flags, environment variables and
//! clearcut.toml.

#![allow(clippy::doc_markdown, reason = "the help of the command line is no Markdown")]

use std::{
    fs, io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
};

use clap::{Arg, Args};
use serde::Deserialize;

use crate::failure::Failure;

/// Configuration file with every setting commented out.
pub(crate) const COMMENTED_CONFIG: &str = include_str!("config.toml");

/// Flags of `clearcut serve`. Each can be set by an environment variable or in the configuration
/// file instead.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeOptions {
    /// Folder for the database, uploads and outputs; created if missing
    #[arg(long, value_name = "DIR", env = "CLEARCUT_DATA", default_value = "clearcut-data")]
    pub(crate) data: PathBuf,

    /// Configuration file [default: clearcut.toml in the data folder]
    #[arg(long, value_name = "FILE", env = "CLEARCUT_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// Print a commented configuration file and exit
    #[arg(long)]
    pub(crate) print_config: bool,

    #[command(flatten)]
    pub(super) given: GivenSettings,
}

/// Settings of one source. `None` leaves a setting to the next source. The defaults in the texts
/// are those of [`Settings`](super::settings::Settings).
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GivenSettings {
    /// Address to listen on [default: 127.0.0.1:8787]
    #[arg(long, value_name = "HOST:PORT", env = "CLEARCUT_LISTEN")]
    pub(super) listen: Option<SocketAddr>,

    /// Address of the metrics for Prometheus, at /metrics, without a key; keep it from the public
    /// [default: none, no metrics]
    #[arg(long, value_name = "HOST:PORT", env = "CLEARCUT_METRICS_LISTEN")]
    pub(super) metrics_listen: Option<SocketAddr>,

    /// What this process does: all, api or worker [default: all]
    #[arg(long, value_name = "ROLE", env = "CLEARCUT_ROLE")]
    pub(super) role: Option<Role>,

    /// PostgreSQL database that servers and workers share, such as postgres://user@host/name; the
    /// variables of libpq, such as PGPASSWORD, complete it [default: a file in the data folder]
    #[arg(long, value_name = "URL", env = "CLEARCUT_DATABASE", hide_env_values = true)]
    pub(super) database: Option<String>,

    /// S3-compatible store of clips and outputs, such as s3://bucket/prefix; its credentials come
    /// from the AWS variables [default: the data folder]
    #[arg(long, value_name = "URL", env = "CLEARCUT_STORE")]
    pub(super) store: Option<String>,

    /// Who serves outputs: the store by presigned URLs, or this server as a proxy [default: presigned
    /// if store is set, otherwise proxied]
    #[arg(long, value_name = "BY", env = "CLEARCUT_RESULT_URLS")]
    pub(super) result_urls: Option<ResultUrls>,

    /// Base URL of links [default: the Host header]
    #[arg(long, value_name = "URL", env = "CLEARCUT_PUBLIC_URL")]
    pub(super) public_url: Option<String>,

    /// Number of concurrent cuts [default: 1]
    #[arg(long, value_name = "N", env = "CLEARCUT_SLOTS")]
    pub(super) slots: Option<NonZeroUsize>,

    /// Threads of one cut [default: the cores divided by the slots]
    #[arg(long, value_name = "N", env = "CLEARCUT_CUT_THREADS")]
    pub(super) cut_threads: Option<NonZeroUsize>,

    /// Memory of one cut, as estimated from its frame size and formats [default: 4096]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_CUT_MEMORY_MIB")]
    pub(super) cut_memory_mib: Option<u32>,

    /// Number of concurrent previews [default: 1]
    #[arg(long, value_name = "N", env = "CLEARCUT_PREVIEWS")]
    pub(super) previews: Option<NonZeroUsize>,

    /// Number of concurrent images [default: 2]
    #[arg(long, value_name = "N", env = "CLEARCUT_IMAGES")]
    pub(super) images: Option<NonZeroUsize>,

    /// Memory of all images that are processed at a time [default: 1536]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_IMAGE_MEMORY_MIB")]
    pub(super) image_memory_mib: Option<u32>,

    /// Maximum size of an upload [default: 2048]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_MAX_UPLOAD_MIB")]
    pub(super) max_upload_mib: Option<u64>,

    /// Lifetime of links to outputs [default: 3600]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_LINK_TTL_SECS")]
    pub(super) link_ttl_secs: Option<u64>,

    /// Timeout of the synchronous endpoint [default: 170]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_SYNC_WAIT_SECS")]
    pub(super) sync_wait_secs: Option<u64>,

    /// Lease duration; a job whose worker sends no heartbeat for this long is reassigned [default:
    /// 60]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_LEASE_TTL_SECS")]
    pub(super) lease_ttl_secs: Option<u64>,

    /// Length from which a clip is cut in segments by workers that would otherwise be idle; 0 never
    /// splits a clip [default: 60]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_SPLIT_MIN_SECS")]
    pub(super) split_min_secs: Option<u64>,

    /// Deadline of one cut, over all its segments [default: 3600]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_DEADLINE_SECS")]
    pub(super) deadline_secs: Option<u64>,

    /// Retention of clips and outputs after the end of a job [default: 24]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_RETENTION_HOURS")]
    pub(super) retention_hours: Option<f64>,

    /// Maximum duration of a resumable upload [default: 24]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_UPLOAD_TTL_HOURS")]
    pub(super) upload_ttl_hours: Option<f64>,

    /// Storage quota of an API key, 0 for no limit [default: 0]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_QUOTA_MIB")]
    pub(super) quota_mib: Option<u64>,

    /// Private networks that clips may be fetched from and webhooks sent to, such as 10.1.0.0/16
    /// [default: none]
    #[arg(long, value_name = "CIDR", env = "CLEARCUT_ALLOW_PRIVATE_NETWORKS", value_delimiter = ',')]
    pub(super) allow_private_networks: Option<Vec<String>>,

    /// Deadline for fetching a clip [default: 1800]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_FETCH_DEADLINE_SECS")]
    pub(super) fetch_deadline_secs: Option<u64>,

    /// Longest time that a host may be silent or too slow [default: 20]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_FETCH_PATIENCE_SECS")]
    pub(super) fetch_patience_secs: Option<u64>,

    /// Minimum average rate for fetching a clip [default: 16]
    #[arg(long, value_name = "KIB/S", env = "CLEARCUT_FETCH_MIN_KIB_PER_SEC")]
    pub(super) fetch_min_kib_per_sec: Option<u64>,

    /// Free disk space below which uploads are refused [default: 1024]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_DISK_FLOOR_MIB")]
    pub(super) disk_floor_mib: Option<u64>,

    /// Running jobs per API key; 0 for as many as there are slots [default: 0]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_RUNNING_PER_KEY")]
    pub(super) max_running_per_key: Option<u32>,

    /// Waiting jobs per API key [default: 10000]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_WAITING_PER_KEY")]
    pub(super) max_waiting_per_key: Option<u32>,

    /// Submits and images per minute and API key [default: 600]
    #[arg(long, value_name = "N", env = "CLEARCUT_SUBMITS_PER_MINUTE")]
    pub(super) submits_per_minute: Option<NonZeroU32>,

    /// Previews per minute and API key [default: 240]
    #[arg(long, value_name = "N", env = "CLEARCUT_PREVIEWS_PER_MINUTE")]
    pub(super) previews_per_minute: Option<NonZeroU32>,

    /// Other requests per minute and API key [default: 60000]
    #[arg(long, value_name = "N", env = "CLEARCUT_REQUESTS_PER_MINUTE")]
    pub(super) requests_per_minute: Option<NonZeroU32>,

    /// Concurrent requests per API key that wait for jobs [default: 1000]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_WAITS_PER_KEY")]
    pub(super) max_waits_per_key: Option<usize>,

    /// Grace period of running jobs on SIGTERM [default: 30]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_GRACE_SECS")]
    pub(super) grace_secs: Option<u64>,

    /// Maximum number of connections [default: 2048]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_CONNECTIONS")]
    pub(super) max_connections: Option<usize>,

    /// Maximum number of connections per address; behind a proxy, set it to --max-connections
    /// [default: three quarters of all]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_CONNECTIONS_PER_ADDRESS")]
    pub(super) max_connections_per_address: Option<usize>,

    /// Memory for all loaded neural models together [default: 1024]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_MODEL_MEMORY_MIB")]
    pub(super) model_memory_mib: Option<u32>,

    /// Log format: text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "CLEARCUT_LOG_FORMAT")]
    pub(super) log_format: Option<LogFormat>,

    /// Log filter: off, error, warn, info or debug [default: info]
    #[arg(long, value_name = "FILTER", env = "CLEARCUT_LOG")]
    pub(super) log: Option<String>,
}

/// What a process of a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// It answers requests, and cuts clips.
    All,
    /// It answers requests. Workers elsewhere cut the clips.
    Api,
    /// It cuts clips.
    Worker,
}

/// Who serves outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ResultUrls {
    /// The store: links to outputs are presigned URLs of it.
    Presigned,
    /// This server: it reads outputs from the store.
    Proxied,
}

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Settings that a worker has no use for: they are about requests. A configuration file that servers
/// and workers share may hold them.
pub(super) const SETTINGS_OF_REQUESTS: [&str; 14] = [
    "result_urls",
    "public_url",
    "previews",
    "images",
    "image_memory_mib",
    "link_ttl_secs",
    "sync_wait_secs",
    "max_waiting_per_key",
    "submits_per_minute",
    "previews_per_minute",
    "requests_per_minute",
    "max_waits_per_key",
    "max_connections",
    "max_connections_per_address",
];

/// Leaves `argument` out of the help of `clearcut work` if it is about requests, or names the role.
pub(crate) fn hide_from_workers(argument: Arg) -> Arg {
    let is_hidden = argument.get_id() == "role" || SETTINGS_OF_REQUESTS.iter().any(|name| argument.get_id() == *name);
    argument.hide(is_hidden)
}

impl ServeOptions {
    /// Options of the server in `data`, for commands that may run while the server does.
    pub(crate) fn beside_a_server(data: PathBuf, config: Option<PathBuf>) -> Self {
        Self { data, config, print_config: false, given: GivenSettings::default() }
    }

    /// These options with a database, a store and a retention, where they are given.
    pub(crate) fn with_services(
        self,
        database: Option<String>,
        store: Option<String>,
        retention_hours: Option<f64>,
    ) -> Self {
        // A file may name the role of the server.
        let role = Some(Role::All);
        Self { given: GivenSettings { role, database, store, retention_hours, ..self.given }, ..self }
    }

    /// These options in the role of a worker.
    pub(crate) fn as_worker(&self) -> Result<Self, Failure> {
        if self.given.role.is_some_and(|role| role != Role::Worker) {
            let message = "clearcut work is a worker, and role names another role".to_owned();
            return Err(Failure::usage(message, "Leave role out, or use clearcut serve."));
        }
        Ok(Self { given: GivenSettings { role: Some(Role::Worker), ..self.given.clone() }, ..self.clone() })
    }

    /// Reads the configuration file. A missing one is empty, unless its path was given.
    pub(super) fn read_file(&self) -> Result<GivenSettings, Failure> {
        let in_data = self.data.join("clearcut.toml");
        let path: &Path = self.config.as_deref().unwrap_or(&in_data);
        match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.config.is_none() => {
                Ok(GivenSettings::default())
            }
            Err(error) => Err(invalid_setting(&format!("{} cannot be read: {error}", path.display()))),
            Ok(text) => parse(&text).map_err(|message| invalid_setting(&format!("{}{message}", path.display()))),
        }
    }
}

/// Settings in the text of a configuration file, or what is wrong with which of its lines. The
/// message repeats no value: one of them may hold a password.
fn parse(text: &str) -> Result<GivenSettings, String> {
    toml::from_str(text).map_err(|error| {
        let at_line = error.span().map_or(String::new(), |span| {
            let number = text[..span.start].matches('\n').count();
            match text.lines().nth(number).and_then(|line| line.split_once('=')) {
                Some((name, _)) => format!(", line {} ({})", number + 1, name.trim()),
                None => format!(", line {}", number + 1),
            }
        });
        format!("{at_line}: {}", error.message())
    })
}

/// Failure: a setting is invalid.
pub(super) fn invalid_setting(message: &str) -> Failure {
    Failure::usage(message.to_owned(), "clearcut serve --print-config shows all settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_file_is_refused_with_the_line_and_what_is_allowed() {
        for (text, parts) in [
            ("slots = 2\nlisen = \"0.0.0.0:1\"\n", [", line 2 (lisen)", "unknown field", "`listen`"]),
            ("slots = \"many\"", [", line 1 (slots)", "string \"many\"", "nonzero usize"]),
            ("cut_threads = 0", [", line 1 (cut_threads)", "`0`", "nonzero usize"]),
            ("\nslots = ", [", line 2 (slots)", "", ""]),
            ("databse = \"postgres://u:secret@h/d\"", [", line 1 (databse)", "unknown field", "`database`"]),
            ("database = \"postgres://u:secret@h/d", [", line 1 (database)", "", ""]),
            ("database = postgres://u:secret@h/d", [", line 1 (database)", "", ""]),
            ("postgres://u:secret@h/d", [", line 1", "", ""]),
        ] {
            let message = parse(text).unwrap_err();
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
