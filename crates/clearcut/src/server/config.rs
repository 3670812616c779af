//! Settings of `clearcut serve`: from the command line, the environment and clearcut.toml, in this order.

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

/// The configuration file with every setting commented out.
pub(crate) const COMMENTED: &str = include_str!("config.toml");

/// Flags of `clearcut serve`; each can be in the environment or in the configuration file instead.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Folder for the database, uploads and outputs; created if missing
    #[arg(long, value_name = "DIR", env = "CLEARCUT_DATA", default_value = "clearcut-data")]
    pub(crate) data: PathBuf,

    /// Configuration file [default: clearcut.toml in the data folder]
    #[arg(long, value_name = "FILE", env = "CLEARCUT_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// Print a commented configuration file and end
    #[arg(long)]
    pub(crate) print_config: bool,

    #[command(flatten)]
    given: Given,
}

/// What can be set; `None` leaves it to the next source.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Given {
    /// Where to listen [default: 127.0.0.1:8787]
    #[arg(long, value_name = "HOST:PORT", env = "CLEARCUT_LISTEN")]
    listen: Option<SocketAddr>,

    /// Address that links begin with [default: the Host header]
    #[arg(long, value_name = "URL", env = "CLEARCUT_PUBLIC_URL")]
    public_url: Option<String>,

    /// Cuts at once [default: 1]
    #[arg(long, value_name = "N", env = "CLEARCUT_SLOTS")]
    slots: Option<NonZeroUsize>,

    /// Previews at once [default: 1]
    #[arg(long, value_name = "N", env = "CLEARCUT_PREVIEWS")]
    previews: Option<NonZeroUsize>,

    /// Largest upload [default: 2048]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_MAX_UPLOAD_MIB")]
    max_upload_mib: Option<u64>,

    /// How long links to outputs open them [default: 3600]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_LINK_TTL_SECS")]
    link_ttl_secs: Option<u64>,

    /// How long the synchronous endpoint waits [default: 170]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_SYNC_WAIT_SECS")]
    sync_wait_secs: Option<u64>,

    /// How long a job holds without a word from its worker [default: 60]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_LEASE_TTL_SECS")]
    lease_ttl_secs: Option<u64>,

    /// Longest that one cut may take [default: 3600]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_DEADLINE_SECS")]
    deadline_secs: Option<u64>,

    /// How long clips and outputs are kept after the end of a job [default: 24]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_RETENTION_HOURS")]
    retention_hours: Option<f64>,

    /// How long an upload in pieces may take [default: 24]
    #[arg(long, value_name = "HOURS", env = "CLEARCUT_UPLOAD_TTL_HOURS")]
    upload_ttl_hours: Option<f64>,

    /// What a key may keep on the disk, 0 for any amount [default: 0]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_QUOTA_MIB")]
    quota_mib: Option<u64>,

    /// Networks beside the Internet that clips may come from and webhooks go to, such as 10.1.0.0/16 [default: none]
    #[arg(long, value_name = "CIDR", env = "CLEARCUT_ALLOW_PRIVATE_NETWORKS", value_delimiter = ',')]
    allow_private_networks: Option<Vec<String>>,

    /// Longest that fetching a clip may take [default: 1800]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_FETCH_DEADLINE_SECS")]
    fetch_deadline_secs: Option<u64>,

    /// Longest that a host may be silent or slow [default: 20]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_FETCH_PATIENCE_SECS")]
    fetch_patience_secs: Option<u64>,

    /// Slowest that a clip may be fetched [default: 16]
    #[arg(long, value_name = "KIB/S", env = "CLEARCUT_FETCH_MIN_KIB_PER_SEC")]
    fetch_min_kib_per_sec: Option<u64>,

    /// Free space below which no upload is taken [default: 1024]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_DISK_FLOOR_MIB")]
    disk_floor_mib: Option<u64>,

    /// Jobs of one key that run at once; 0 for as many as there are slots [default: 0]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_RUNNING_PER_KEY")]
    max_running_per_key: Option<u32>,

    /// Jobs of one key that wait at once [default: 10000]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_WAITING_PER_KEY")]
    max_waiting_per_key: Option<u32>,

    /// Submits a minute of one key [default: 600]
    #[arg(long, value_name = "N", env = "CLEARCUT_SUBMITS_PER_MINUTE")]
    submits_per_minute: Option<NonZeroU32>,

    /// Previews a minute of one key [default: 240]
    #[arg(long, value_name = "N", env = "CLEARCUT_PREVIEWS_PER_MINUTE")]
    previews_per_minute: Option<NonZeroU32>,

    /// Other requests a minute of one key [default: 60000]
    #[arg(long, value_name = "N", env = "CLEARCUT_REQUESTS_PER_MINUTE")]
    requests_per_minute: Option<NonZeroU32>,

    /// Requests of one key that wait for jobs at once [default: 1000]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_WAITS_PER_KEY")]
    max_waits_per_key: Option<usize>,

    /// How long running jobs may take to end on SIGTERM [default: 30]
    #[arg(long, value_name = "SECS", env = "CLEARCUT_GRACE_SECS")]
    grace_secs: Option<u64>,

    /// Connections at once [default: 2048]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_CONNECTIONS")]
    max_connections: Option<usize>,

    /// Connections of one address at once; behind a proxy, as many as there are in all [default: three quarters of all]
    #[arg(long, value_name = "N", env = "CLEARCUT_MAX_CONNECTIONS_PER_ADDRESS")]
    max_connections_per_address: Option<usize>,

    /// Memory that neural networks may take together [default: 1024]
    #[arg(long, value_name = "MIB", env = "CLEARCUT_MODEL_MEMORY_MIB")]
    model_memory_mib: Option<u32>,

    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "CLEARCUT_LOG_FORMAT")]
    log_format: Option<LogFormat>,

    /// What is logged: off, error, warn, info or debug [default: info]
    #[arg(long, value_name = "FILTER", env = "CLEARCUT_LOG")]
    log: Option<String>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

/// All settings of a server, with defaults for what nobody set.
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
    /// The settings of the server in `data`, for commands that work beside it.
    pub(crate) fn beside(data: PathBuf, config: Option<PathBuf>, retention_hours: Option<f64>) -> Self {
        Self { data, config, print_config: false, given: Given { retention_hours, ..Given::default() } }
    }
}

impl Settings {
    /// Flags, then the environment, then the file, then the defaults.
    pub(crate) fn gather(options: &ServeOptions) -> Result<Self, Failure> {
        let file = read_file(options)?;
        let given = &options.given;
        macro_rules! pick {
            ($name:ident, $default:expr) => {
                given.$name.clone().or(file.$name).unwrap_or($default)
            };
        }
        let settings = Self {
            data: options.data.clone(),
            listen: pick!(listen, SocketAddr::from(([127, 0, 0, 1], 8787))),
            public_url: given.public_url.clone().or(file.public_url),
            slots: pick!(slots, NonZeroUsize::MIN),
            previews: pick!(previews, NonZeroUsize::MIN),
            max_upload_bytes: pick!(max_upload_mib, 2048) << 20,
            link_ttl: Duration::from_secs(pick!(link_ttl_secs, 3600)),
            sync_wait: Duration::from_secs(pick!(sync_wait_secs, 170)),
            lease_ttl: Duration::from_secs(pick!(lease_ttl_secs, 60)),
            deadline: Duration::from_secs(pick!(deadline_secs, 3600)),
            retention: hours("retention_hours", pick!(retention_hours, 24.0))?,
            upload_ttl: hours("upload_ttl_hours", pick!(upload_ttl_hours, 24.0))?,
            quota_bytes: Some(pick!(quota_mib, 0) << 20).filter(|quota_bytes| *quota_bytes > 0),
            allowed_networks: networks(&pick!(allow_private_networks, Vec::new()))?,
            fetch_deadline: Duration::from_secs(pick!(fetch_deadline_secs, 1800)),
            fetch_patience: Duration::from_secs(pick!(fetch_patience_secs, 20)),
            fetch_min_bytes_per_sec: pick!(fetch_min_kib_per_sec, 16) << 10,
            disk_floor_bytes: pick!(disk_floor_mib, 1024) << 20,
            max_running_per_key: match pick!(max_running_per_key, 0) {
                0 => u32::MAX,
                most => most,
            },
            max_waiting_per_key: pick!(max_waiting_per_key, 10_000),
            submits_per_minute: pick!(submits_per_minute, per_minute(600)).get(),
            previews_per_minute: pick!(previews_per_minute, per_minute(240)).get(),
            requests_per_minute: pick!(requests_per_minute, per_minute(60_000)).get(),
            max_waits_per_key: pick!(max_waits_per_key, 1000),
            grace: Duration::from_secs(pick!(grace_secs, 30)),
            max_connections: pick!(max_connections, 2048),
            max_connections_per_address: given.max_connections_per_address.or(file.max_connections_per_address),
            model_memory_mib: pick!(model_memory_mib, 1024),
            log_format: pick!(log_format, LogFormat::Text),
            log: pick!(log, "info".to_owned()),
        };
        if settings.lease_ttl < Duration::from_secs(2) {
            return Err(bad_setting("lease_ttl_secs is below 2: heartbeats could not keep up"));
        }
        Ok(settings)
    }
}

/// At most a hundred years, so that sums of moments stay within what is counted with.
fn hours(name: &str, hours: f64) -> Result<Duration, Failure> {
    let span = Duration::try_from_secs_f64(hours * 3600.0).ok().filter(|_| hours > 0.0 && hours <= 876_000.0);
    span.ok_or_else(|| bad_setting(&format!("{name} is {hours}; it must be more than 0 and at most 876000")))
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, Failure> {
    let network = |text: &String| {
        let bad =
            || bad_setting(&format!("allow_private_networks holds {text:?}, which is no network such as 10.1.0.0/16"));
        text.trim().parse().map_err(|_| bad())
    };
    texts.iter().filter(|text| !text.trim().is_empty()).map(network).collect()
}

const fn per_minute(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number - 1)
}

fn read_file(options: &ServeOptions) -> Result<Given, Failure> {
    let in_data = options.data.join("clearcut.toml");
    let path: &Path = options.config.as_deref().unwrap_or(&in_data);
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && options.config.is_none() => {
            return Ok(Given::default());
        }
        Err(error) => return Err(bad_setting(&format!("{} cannot be read: {error}", path.display()))),
        Ok(text) => text,
    };
    toml::from_str(&text).map_err(|error| bad_setting(&format!("{}: {}", path.display(), error.message())))
}

fn bad_setting(message: &str) -> Failure {
    Failure::usage(message.to_owned(), "clearcut serve --print-config shows all settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_file_holds_every_setting_with_its_default() {
        let settings = COMMENTED.lines().filter_map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")));
        let uncommented = settings.collect::<Vec<_>>().join("\n");
        let given: Given = toml::from_str(&uncommented).unwrap();
        let said = format!("{given:?}");
        assert!(!said.contains("None"), "{said}");
        assert!(toml::from_str::<Given>(COMMENTED).is_ok());
    }

    #[test]
    fn spans_and_networks_that_make_no_sense_are_refused() {
        assert_eq!(hours("x", 0.5).unwrap(), Duration::from_mins(30));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(hours("x", bad).is_err(), "{bad}");
        }
        assert_eq!(networks(&["10.1.0.0/16".to_owned(), " ::1/128".to_owned()]).unwrap().len(), 2);
        for bad in ["10.1.0.0", "10.1.0.0/33", "example.com"] {
            assert!(networks(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_setting_that_is_not_known_is_refused() {
        assert!(toml::from_str::<Given>("lisen = \"0.0.0.0:1\"").is_err());
    }
}
