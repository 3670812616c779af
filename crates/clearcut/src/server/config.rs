//! Settings of `clearcut serve`, read from the command line, the environment and clearcut.toml, in
//! this order.

use std::{
    fs, io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use clearcut_outbound::IpNet;
use serde::Deserialize;

use crate::failure::Failure;

/// Configuration file with every setting commented out.
pub(crate) const COMMENTED_CONFIG: &str = include_str!("config.toml");

/// Flags of `clearcut serve`. Each can be set by an environment variable or in the configuration
/// file instead.
#[derive(Debug, Args)]
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
    overrides: OptionalSettings,
}

/// Settings of one source. `None` leaves a setting to the next source.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OptionalSettings {
    /// Address to listen on [default: 127.0.0.1:8787]
    #[arg(long, value_name = "HOST:PORT", env = "CLEARCUT_LISTEN")]
    listen: Option<SocketAddr>,

    /// Base URL of links [default: the Host header]
    #[arg(long, value_name = "URL", env = "CLEARCUT_PUBLIC_URL")]
    public_url: Option<String>,

    /// Number of concurrent cuts [default: 1]
    #[arg(long, value_name = "N", env = "CLEARCUT_SLOTS")]
    slots: Option<NonZeroUsize>,

    /// Number of concurrent previews [default: 1]
    #[arg(long, value_name = "N", env = "CLEARCUT_PREVIEWS")]
    previews: Option<NonZeroUsize>,

    /// Maximum size of an upload [default: 2048]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_MAX_UPLOAD_MIB")]
    max_upload_mib: Option<u64>,

    /// Lifetime of links to outputs [default: 3600]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_LINK_TTL_SECS")]
    link_ttl_secs: Option<u64>,

    /// Timeout of the synchronous endpoint [default: 170]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_SYNC_WAIT_SECS")]
    sync_wait_secs: Option<u64>,

    /// Lease duration; a job whose worker sends no heartbeat for this long is reassigned [default:
    /// 60]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_LEASE_TTL_SECS")]
    lease_ttl_secs: Option<u64>,

    /// Deadline of one cut [default: 3600]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_DEADLINE_SECS")]
    deadline_secs: Option<u64>,

    /// Retention of clips and outputs after the end of a job [default: 24]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_RETENTION_HOURS")]
    retention_hours: Option<f64>,

    /// Maximum duration of a resumable upload [default: 24]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_UPLOAD_TTL_HOURS")]
    upload_ttl_hours: Option<f64>,

    /// Storage quota of an API key, 0 for no limit [default: 0]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_QUOTA_MIB")]
    quota_mib: Option<u64>,

    /// Private networks that clips may be fetched from and webhooks sent to, such as 10.1.0.0/16
    /// [default: none]
    #[arg(long, value_name = "CIDR", env = "CLEARCUT_ALLOW_PRIVATE_NETWORKS", value_delimiter = ',')]
    allow_private_networks: Option<Vec<String>>,

    /// Deadline for fetching a clip [default: 1800]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_FETCH_DEADLINE_SECS")]
    fetch_deadline_secs: Option<u64>,

    /// Longest time that a host may be silent or too slow [default: 20]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_FETCH_PATIENCE_SECS")]
    fetch_patience_secs: Option<u64>,

    /// Minimum average rate for fetching a clip [default: 16]
    #[arg(long, value_name = "KIB/S", env = "CLEARCUT_FETCH_MIN_KIB_PER_SEC")]
    fetch_min_kib_per_sec: Option<u64>,

    /// Free disk space below which uploads are refused [default: 1024]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_DISK_FLOOR_MIB")]
    disk_floor_mib: Option<u64>,

    /// Running jobs per API key; 0 for as many as there are slots [default: 0]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_RUNNING_PER_KEY")]
    max_running_per_key: Option<u32>,

    /// Waiting jobs per API key [default: 10000]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_WAITING_PER_KEY")]
    max_waiting_per_key: Option<u32>,

    /// Submits per minute and API key [default: 600]
    #[arg(long, value_name = "N", env = "CLEARCUT_SUBMITS_PER_MINUTE")]
    submits_per_minute: Option<NonZeroU32>,

    /// Previews per minute and API key [default: 240]
    #[arg(long, value_name = "N", env = "CLEARCUT_PREVIEWS_PER_MINUTE")]
    previews_per_minute: Option<NonZeroU32>,

    /// Other requests per minute and API key [default: 60000]
    #[arg(long, value_name = "N", env = "CLEARCUT_REQUESTS_PER_MINUTE")]
    requests_per_minute: Option<NonZeroU32>,

    /// Concurrent requests per API key that wait for jobs [default: 1000]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_WAITS_PER_KEY")]
    max_waits_per_key: Option<usize>,

    /// Grace period of running jobs on SIGTERM [default: 30]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_GRACE_SECS")]
    grace_secs: Option<u64>,

    /// Maximum number of connections [default: 2048]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_CONNECTIONS")]
    max_connections: Option<usize>,

    /// Maximum number of connections per address; behind a proxy, set it to --max-connections
    /// [default: three quarters of all]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_CONNECTIONS_PER_ADDRESS")]
    max_connections_per_address: Option<usize>,

    /// Memory for all loaded neural models together [default: 1024]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_MODEL_MEMORY_MIB")]
    model_memory_mib: Option<u32>,

    /// Log format: text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "CLEARCUT_LOG_FORMAT")]
    log_format: Option<LogFormat>,

    /// Log filter: off, error, warn, info or debug [default: info]
    #[arg(long, value_name = "FILTER", env = "CLEARCUT_LOG")]
    log: Option<String>,
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

/// All settings of a server, with defaults filled in.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) slots: NonZeroUsize,
    pub(crate) previews: NonZeroUsize,
    pub(crate) max_upload_bytes: u64,
    pub(crate) link_ttl: Duration,
    pub(crate) sync_wait: Duration,
    pub(crate) lease_ttl: Duration,
    pub(crate) deadline: Duration,
    pub(crate) retention: Duration,
    pub(crate) upload_ttl: Duration,
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) allowed_networks: Vec<IpNet>,
    pub(crate) fetch_deadline: Duration,
    pub(crate) fetch_patience: Duration,
    pub(crate) fetch_min_bytes_per_sec: u64,
    pub(crate) disk_floor_bytes: u64,
    pub(crate) max_running_per_key: u32,
    pub(crate) max_waiting_per_key: u32,
    pub(crate) submits_per_minute: u32,
    pub(crate) previews_per_minute: u32,
    pub(crate) requests_per_minute: u32,
    pub(crate) max_waits_per_key: usize,
    pub(crate) grace: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: Option<usize>,
    pub(crate) model_memory_mib: u32,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
}

impl ServeOptions {
    /// Options of the server in `data`, for commands that may run while the server does.
    pub(crate) fn for_data_folder(data: PathBuf, config: Option<PathBuf>, retention_hours: Option<f64>) -> Self {
        Self {
            data,
            config,
            print_config: false,
            overrides: OptionalSettings { retention_hours, ..OptionalSettings::default() },
        }
    }
}

impl Settings {
    /// Merges the sources. Flags win over the environment, the environment over the file, the file
    /// over the defaults.
    pub(crate) fn load(options: &ServeOptions) -> Result<Self, Failure> {
        let file = read_file(options)?;
        let overrides = &options.overrides;
        macro_rules! pick {
            ($name:ident, $default:expr) => {
                overrides.$name.clone().or(file.$name).unwrap_or($default)
            };
        }
        let settings = Self {
            data: options.data.clone(),
            listen: pick!(listen, SocketAddr::from(([127, 0, 0, 1], 8787))),
            public_url: overrides.public_url.clone().or(file.public_url),
            slots: pick!(slots, NonZeroUsize::MIN),
            previews: pick!(previews, NonZeroUsize::MIN),
            max_upload_bytes: pick!(max_upload_mib, 2048) << 20,
            link_ttl: Duration::from_secs(pick!(link_ttl_secs, 3600)),
            sync_wait: Duration::from_secs(pick!(sync_wait_secs, 170)),
            lease_ttl: Duration::from_secs(pick!(lease_ttl_secs, 60)),
            deadline: Duration::from_secs(pick!(deadline_secs, 3600)),
            retention: parse_hours("retention_hours", pick!(retention_hours, 24.0))?,
            upload_ttl: parse_hours("upload_ttl_hours", pick!(upload_ttl_hours, 24.0))?,
            quota_bytes: Some(pick!(quota_mib, 0) << 20).filter(|quota_bytes| *quota_bytes > 0),
            allowed_networks: parse_networks(&pick!(allow_private_networks, Vec::new()))?,
            fetch_deadline: Duration::from_secs(pick!(fetch_deadline_secs, 1800)),
            fetch_patience: Duration::from_secs(pick!(fetch_patience_secs, 20)),
            fetch_min_bytes_per_sec: pick!(fetch_min_kib_per_sec, 16) << 10,
            disk_floor_bytes: pick!(disk_floor_mib, 1024) << 20,
            max_running_per_key: match pick!(max_running_per_key, 0) {
                0 => u32::MAX,
                limit => limit,
            },
            max_waiting_per_key: pick!(max_waiting_per_key, 10_000),
            submits_per_minute: pick!(submits_per_minute, per_minute(600)).get(),
            previews_per_minute: pick!(previews_per_minute, per_minute(240)).get(),
            requests_per_minute: pick!(requests_per_minute, per_minute(60_000)).get(),
            max_waits_per_key: pick!(max_waits_per_key, 1000),
            grace: Duration::from_secs(pick!(grace_secs, 30)),
            max_connections: pick!(max_connections, 2048),
            max_connections_per_address: overrides.max_connections_per_address.or(file.max_connections_per_address),
            model_memory_mib: pick!(model_memory_mib, 1024),
            log_format: pick!(log_format, LogFormat::Text),
            log: pick!(log, "info".to_owned()),
        };
        if settings.lease_ttl < Duration::from_secs(2) {
            return Err(invalid_setting("lease_ttl_secs is below 2: heartbeats would come too late"));
        }
        Ok(settings)
    }
}

/// Duration of a setting in hours. At most a hundred years, so sums of times do not overflow.
fn parse_hours(name: &str, hours: f64) -> Result<Duration, Failure> {
    let span = Duration::try_from_secs_f64(hours * 3600.0).ok().filter(|_| hours > 0.0 && hours <= 876_000.0);
    span.ok_or_else(|| invalid_setting(&format!("{name} is {hours}; it must be more than 0 and at most 876000")))
}

fn parse_networks(texts: &[String]) -> Result<Vec<IpNet>, Failure> {
    let parse = |text: &String| {
        let invalid = || {
            invalid_setting(&format!(
                "allow_private_networks holds {text:?}, which is not a network such as 10.1.0.0/16"
            ))
        };
        text.trim().parse().map_err(|_| invalid())
    };
    texts.iter().filter(|text| !text.trim().is_empty()).map(parse).collect()
}

/// A non-zero number in a constant expression.
const fn per_minute(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number - 1)
}

fn read_file(options: &ServeOptions) -> Result<OptionalSettings, Failure> {
    let in_data = options.data.join("clearcut.toml");
    let path: &Path = options.config.as_deref().unwrap_or(&in_data);
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && options.config.is_none() => {
            return Ok(OptionalSettings::default());
        }
        Err(error) => return Err(invalid_setting(&format!("{} cannot be read: {error}", path.display()))),
        Ok(text) => text,
    };
    toml::from_str(&text).map_err(|error| invalid_setting(&format!("{}: {}", path.display(), error.message())))
}

fn invalid_setting(message: &str) -> Failure {
    Failure::usage(message.to_owned(), "clearcut serve --print-config shows all settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_file_contains_every_setting() {
        let settings =
            COMMENTED_CONFIG.lines().filter_map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")));
        let uncommented = settings.collect::<Vec<_>>().join("\n");
        let settings: OptionalSettings = toml::from_str(&uncommented).unwrap();
        let debug = format!("{settings:?}");
        assert!(!debug.contains("None"), "{debug}");
        assert!(toml::from_str::<OptionalSettings>(COMMENTED_CONFIG).is_ok());
    }

    #[test]
    fn invalid_durations_and_networks_are_refused() {
        assert_eq!(parse_hours("x", 0.5).unwrap(), Duration::from_mins(30));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(parse_hours("x", bad).is_err(), "{bad}");
        }
        assert_eq!(parse_networks(&["10.1.0.0/16".to_owned(), " ::1/128".to_owned()]).unwrap().len(), 2);
        for bad in ["10.1.0.0", "10.1.0.0/33", "example.com"] {
            assert!(parse_networks(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(toml::from_str::<OptionalSettings>("lisen = \"0.0.0.0:1\"").is_err());
    }
}
