//! Settings of a server: what was given, completed with defaults and checked. A default stands in
//! the crate that uses the setting; those of the process itself are here.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use clearcut_api::{ApiSettings, BodyLimits, ConnectionLimits};
use clearcut_outbound::{AddressPolicy, DownloadLimits, IpNet, Timeouts};
use clearcut_pipeline::Resources;
use clearcut_queue::Policy;
use clearcut_store::MAX_PRESIGNED_TTL;
use clearcut_worker::WorkerSettings;
use url::Url;

use super::{
    config::{GivenSettings, LogFormat, ResultUrls, Role, ServeOptions, invalid_setting},
    services::Services,
};
use crate::failure::Failure;

/// Address to listen on.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// Number of concurrent previews.
const PREVIEWS: NonZeroUsize = NonZeroUsize::MIN;

/// Number of concurrent images.
const IMAGES: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Largest number of slots: more than the cores of any machine that cuts.
const MAX_SLOTS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Memory of all images that are processed at a time, in MiB: that of one image of 100 million
/// pixels.
const IMAGE_MEMORY_MIB: u32 = 1536;

/// Grace period of running jobs when the server stops.
const GRACE: Duration = Duration::from_secs(30);

/// Memory for all loaded neural models together, in MiB.
const MODEL_MEMORY_MIB: u32 = 1024;

/// Log filter.
const LOG: &str = "info";

/// Minimum memory of a cut, and of all images, in MiB. A cut of a clip in 1080p to one format takes
/// up to 200, one of an image of 10 million pixels as many.
const MIN_CUT_MEMORY_MIB: u32 = 256;

/// Minimum lease duration. Heartbeats are sent at a quarter of it.
const MIN_LEASE_TTL: Duration = Duration::from_secs(2);

/// All settings of a server.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    /// Role, database and store.
    pub(super) services: Services,
    pub(crate) listen: SocketAddr,
    /// Address of the metrics; `None` for no metrics.
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: Option<usize>,
    pub(crate) previews: NonZeroUsize,
    pub(crate) images: NonZeroUsize,
    /// Memory of all images that are processed at a time.
    pub(crate) image_memory_mib: u32,
    /// Resources of one cut.
    pub(crate) cut: Resources,
    pub(crate) model_memory_mib: u32,
    pub(crate) grace: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
    pub(crate) queue: Policy,
    pub(crate) worker: WorkerSettings,
    /// Timeouts of requests to addresses of users.
    pub(crate) outbound: Timeouts,
    /// Without what the server finds out when it starts: formats and model.
    pub(crate) api: ApiSettings,
}

impl Settings {
    /// Merges the sources. Flags win over the environment, the environment over the file, the file
    /// over the defaults.
    pub(crate) fn load(options: &ServeOptions) -> Result<Self, Failure> {
        Self::merge(options, options.read_file()?)
    }

    fn merge(options: &ServeOptions, file: GivenSettings) -> Result<Self, Failure> {
        macro_rules! given {
            ($name:ident) => {
                options.given.$name.clone().or(file.$name)
            };
        }
        let (policy, worker, download) = (Policy::default(), WorkerSettings::default(), DownloadLimits::default());
        let (api, connections) = (ApiSettings::default(), ConnectionLimits::default());

        let slots = given!(slots).unwrap_or(worker.slots);
        if slots > MAX_SLOTS {
            return Err(invalid_setting(&format!("slots is {slots}; it must be 1 to {MAX_SLOTS}")));
        }
        let max_bytes = given!(max_upload_mib).map_or(download.max_bytes, |mib| mib << 20);
        let disk_floor_bytes = given!(disk_floor_mib).map_or(worker.disk_floor_bytes, |mib| mib << 20);
        let lease_ttl = given!(lease_ttl_secs).map_or(policy.lease_ttl, Duration::from_secs);
        let retention = hours("retention_hours", given!(retention_hours))?.unwrap_or(policy.retention);
        let upload_ttl = hours("upload_ttl_hours", given!(upload_ttl_hours))?.unwrap_or(policy.upload_ttl);
        let patience = given!(fetch_patience_secs).map_or(download.patience, Duration::from_secs);
        let allowed_networks = networks(&given!(allow_private_networks).unwrap_or_default())?;
        let (role, database, store) = (given!(role).unwrap_or(Role::All), given!(database), given!(store));
        // Workers of other processes need a database and a store that they reach.
        let has_peers = database.is_some() && store.is_some();
        let link_ttl = given!(link_ttl_secs).map_or(api.link_ttl, Duration::from_secs);
        let presigned_results = presigned_results(given!(result_urls), store.as_deref(), link_ttl)?;
        if lease_ttl < MIN_LEASE_TTL {
            return Err(invalid_setting("lease_ttl_secs is below 2: heartbeats would come too late"));
        }
        Ok(Self {
            data: options.data.clone(),
            services: Services::new(role, database.as_deref(), store.as_deref())?,
            listen: given!(listen).unwrap_or(LISTEN),
            metrics_listen: given!(metrics_listen),
            max_connections: given!(max_connections).unwrap_or(connections.max_connections),
            max_connections_per_address: given!(max_connections_per_address),
            previews: given!(previews).unwrap_or(PREVIEWS),
            images: given!(images).unwrap_or(IMAGES),
            image_memory_mib: image_memory(given!(image_memory_mib))?,
            cut: cut_resources(given!(cut_threads), given!(cut_memory_mib), slots)?,
            model_memory_mib: given!(model_memory_mib).unwrap_or(MODEL_MEMORY_MIB),
            grace: given!(grace_secs).map_or(GRACE, Duration::from_secs),
            log_format: given!(log_format).unwrap_or(LogFormat::Text),
            log: given!(log).unwrap_or_else(|| LOG.to_owned()),
            queue: Policy {
                lease_ttl,
                retention,
                upload_ttl,
                quota_bytes: given!(quota_mib).map_or(policy.quota_bytes, |mib| limit(mib << 20)),
                max_running: given!(max_running_per_key).map_or(policy.max_running, |n| limit(n).unwrap_or(u32::MAX)),
                max_waiting: given!(max_waiting_per_key).unwrap_or(policy.max_waiting),
                ..policy
            },
            outbound: Timeouts { idle: patience, ..Timeouts::default() },
            api: ApiSettings {
                public_url: given!(public_url).map(public_url).transpose()?,
                body: BodyLimits { max_bytes, ..api.body },
                presigned_results,
                link_ttl,
                sync_wait: given!(sync_wait_secs).map_or(api.sync_wait, Duration::from_secs),
                address_policy: AddressPolicy::new(allowed_networks),
                disk_floor_bytes,
                slots,
                submits_per_minute: given!(submits_per_minute).map_or(api.submits_per_minute, NonZeroU32::get),
                previews_per_minute: given!(previews_per_minute).map_or(api.previews_per_minute, NonZeroU32::get),
                requests_per_minute: given!(requests_per_minute).map_or(api.requests_per_minute, NonZeroU32::get),
                max_waits: given!(max_waits_per_key).unwrap_or(api.max_waits),
                ..api
            },
            worker: WorkerSettings {
                slots,
                lease_ttl,
                split_min: given!(split_min_secs).map_or(worker.split_min, Duration::from_secs),
                has_peers,
                deadline: given!(deadline_secs).map_or(worker.deadline, Duration::from_secs),
                download: DownloadLimits {
                    max_bytes,
                    min_bytes_per_sec: given!(fetch_min_kib_per_sec)
                        .map_or(download.min_bytes_per_sec, |kib| kib << 10),
                    patience,
                    deadline: given!(fetch_deadline_secs).map_or(download.deadline, Duration::from_secs),
                    ..download
                },
                disk_floor_bytes,
                sweep_interval: sweep_interval(worker.sweep_interval, retention.min(upload_ttl)),
                ..worker
            },
        })
    }
}

/// Base URL of links, which may have a path.
fn public_url(text: String) -> Result<String, Failure> {
    let is_base = |url: &Url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        matches!(url.scheme(), "http" | "https") && !has_user && url.query().is_none() && url.fragment().is_none()
    };
    match Url::parse(&text) {
        Ok(url) if is_base(&url) => Ok(text),
        _ => Err(invalid_setting("public_url must be an address like https://cut.example.com, without ? and #")),
    }
}

/// Whether outputs are read from the store by presigned URLs.
fn presigned_results(given: Option<ResultUrls>, store: Option<&str>, link_ttl: Duration) -> Result<bool, Failure> {
    match (given, store) {
        (Some(ResultUrls::Proxied), _) | (None, None) => Ok(false),
        (Some(ResultUrls::Presigned), None) => {
            Err(invalid_setting("result_urls is presigned, but there is no store; set store, or leave result_urls out"))
        }
        _ if link_ttl > MAX_PRESIGNED_TTL => Err(invalid_setting(
            "link_ttl_secs is above 604800, the longest of presigned URLs; set result_urls to proxied",
        )),
        _ => Ok(true),
    }
}

/// Resources of one cut. By default, the cuts of all slots share the cores.
fn cut_resources(
    threads: Option<NonZeroUsize>,
    memory_mib: Option<u32>,
    slots: NonZeroUsize,
) -> Result<Resources, Failure> {
    let default = Resources::default();
    if memory_mib.is_some_and(|mib| mib < MIN_CUT_MEMORY_MIB) {
        let message = format!("cut_memory_mib is below {MIN_CUT_MEMORY_MIB}: hardly a clip would be cut");
        return Err(invalid_setting(&message));
    }
    Ok(Resources {
        threads: threads.unwrap_or_else(|| share(default.threads, slots)),
        max_bytes: memory_mib.map_or(default.max_bytes, |mib| u64::from(mib) << 20),
        ..default
    })
}

/// Memory of all images that are processed at a time, in MiB.
fn image_memory(mib: Option<u32>) -> Result<u32, Failure> {
    if mib.is_some_and(|mib| mib < MIN_CUT_MEMORY_MIB) {
        let message = format!("image_memory_mib is below {MIN_CUT_MEMORY_MIB}: images would be cut as small versions");
        return Err(invalid_setting(&message));
    }
    Ok(mib.unwrap_or(IMAGE_MEMORY_MIB))
}

/// Cores of one slot, rounded up.
fn share(cores: NonZeroUsize, slots: NonZeroUsize) -> NonZeroUsize {
    NonZeroUsize::new(cores.get().div_ceil(slots.get())).unwrap_or(NonZeroUsize::MIN)
}

/// Interval between sweeps: `longest`, or half of the shortest lifetime of a file if that is
/// shorter.
fn sweep_interval(longest: Duration, shortest_lifetime: Duration) -> Duration {
    (shortest_lifetime / 2).clamp(Duration::from_secs(1), longest)
}

/// A limit in which 0 means none.
fn limit<N: Default + PartialEq>(number: N) -> Option<N> {
    Some(number).filter(|number| *number != N::default())
}

/// Duration of a setting in hours. At most a hundred years, so sums of times do not overflow.
fn hours(name: &str, given: Option<f64>) -> Result<Option<Duration>, Failure> {
    let Some(hours) = given else { return Ok(None) };
    let span = Duration::try_from_secs_f64(hours * 3600.0).ok().filter(|_| hours > 0.0 && hours <= 876_000.0);
    let invalid = || invalid_setting(&format!("{name} is {hours}; it must be more than 0 and at most 876000"));
    span.map(Some).ok_or_else(invalid)
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::{COMMENTED_CONFIG, SETTINGS_OF_REQUESTS, hide_from_workers};
    use clap::Args as _;

    /// Settings whose default is no value, with the words for it in the reference and in the help.
    const IN_WORDS: [(&str, &str, &str); 8] = [
        ("metrics_listen", "none, no metrics", "none, no metrics"),
        ("database", "a file in the data folder", "a file in the data folder"),
        ("store", "the data folder", "the data folder"),
        ("result_urls", "presigned if store is set, otherwise proxied", "presigned if store is set, otherwise proxied"),
        ("public_url", "the Host header", "the Host header"),
        ("allow_private_networks", "[]", "none"),
        ("cut_threads", "the cores divided by slots", "the cores divided by the slots"),
        ("max_connections_per_address", "three quarters of max_connections", "three quarters of all"),
    ];

    fn settings(config: &str) -> Result<Settings, Failure> {
        let options = ServeOptions::beside_a_server(PathBuf::new(), None);
        Settings::merge(&options, toml::from_str(config).unwrap())
    }

    /// The text of the commented configuration file with all settings uncommented.
    fn uncommented_config() -> String {
        let lines = COMMENTED_CONFIG.lines().filter_map(|line| line.strip_prefix("# "));
        lines.filter(|line| line.contains(" = ")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_commented_file_holds_every_setting_with_its_default() {
        let mut file: GivenSettings = toml::from_str(&uncommented_config()).unwrap();
        let debug = format!("{file:?}");
        assert!(!debug.contains("None"), "{debug}");
        assert_eq!(file.max_connections_per_address, Some(ConnectionLimits::default().max_per_address));
        (file.database, file.store, file.result_urls, file.metrics_listen) = (None, None, None, None);
        (file.public_url, file.max_connections_per_address, file.cut_threads) = (None, None, None);
        let options = ServeOptions::beside_a_server(PathBuf::new(), None);
        let from_file = Settings::merge(&options, file).unwrap();
        assert_eq!(format!("{from_file:?}"), format!("{:?}", settings("").unwrap()));
        assert_eq!(format!("{from_file:?}"), format!("{:?}", settings(COMMENTED_CONFIG).unwrap()));
    }

    #[test]
    fn the_help_of_a_worker_lists_no_settings_of_requests() {
        let mut worker = ServeOptions::augment_args(clap::Command::new("work")).mut_args(hide_from_workers);
        let help = worker.render_long_help().to_string();
        for (name, is_listed) in [("database", true), ("slots", true), ("role", false), ("public-url", false)] {
            assert_eq!(help.contains(&format!("--{name} <")), is_listed, "{name}");
        }
        // A name that is no setting would hide nothing.
        let settings = GivenSettings::augment_args(clap::Command::new("serve"));
        let known = |name: &&&str| settings.get_arguments().any(|argument| argument.get_id() == **name);
        assert_eq!(SETTINGS_OF_REQUESTS.iter().filter(known).count(), SETTINGS_OF_REQUESTS.len());
    }

    #[test]
    fn a_base_url_of_links_is_a_web_address() {
        for good in ["https://cut.example.com", "http://127.0.0.1:8787/", "https://example.com/cut"] {
            assert_eq!(settings(&format!("public_url = {good:?}")).unwrap().api.public_url.as_deref(), Some(good));
        }
        for bad in ["foo", "cut.example.com", "ftp://cut.example.com", "https://a@b", "https://b?c", "https://b#c"] {
            assert!(settings(&format!("public_url = {bad:?}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn reference_and_help_state_the_defaults_of_the_commented_file() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let reference = std::fs::read_to_string(root.join("docs/reference/configuration.md")).unwrap();
        let reference = reference.replace('`', "");
        let help = GivenSettings::augment_args(clap::Command::new("serve"));
        for (name, value) in uncommented_config().parse::<toml::Table>().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let words = IN_WORDS.iter().find(|(setting, ..)| *setting == name);
            let (in_reference, in_help) = words.map_or((&*value, &*value), |(_, reference, help)| (*reference, *help));
            let rows: Vec<_> = reference.lines().filter(|line| line.starts_with(&format!("| {name} |"))).collect();
            let row = format!("| {name} | {in_reference} |");
            assert!(!rows.is_empty() && rows.iter().all(|line| line.starts_with(&row)), "{row} {rows:?}");
            let flag = help.get_arguments().find(|flag| flag.get_id() == name.as_str()).unwrap();
            let text = flag.get_help().unwrap().to_string();
            assert!(text.ends_with(&format!("[default: {in_help}]")), "{name}: {text}");
        }
    }

    #[test]
    fn outputs_are_presigned_by_a_store_unless_they_are_proxied() {
        let store = "database = \"postgres://ann@db/c\"\nstore = \"s3://bucket\"\n";
        let presigned = |more: &str| settings(&format!("{store}{more}")).map(|settings| settings.api.presigned_results);
        assert!(presigned("").unwrap() && presigned("result_urls = \"presigned\"").unwrap());
        assert!(!presigned("result_urls = \"proxied\"\nlink_ttl_secs = 604801").unwrap());
        assert!(presigned("link_ttl_secs = 604801").is_err());
        assert!(!settings("link_ttl_secs = 604801").unwrap().api.presigned_results);
        assert!(settings("result_urls = \"presigned\"").is_err());
    }

    #[test]
    fn more_slots_than_any_machine_can_serve_are_refused() {
        assert!(settings("slots = 256").is_ok());
        assert!(format!("{:?}", settings("slots = 257").unwrap_err()).contains("it must be 1 to 256"));
    }

    #[test]
    fn the_cuts_of_all_slots_share_the_cores() {
        let cores = |count| NonZeroUsize::new(count).unwrap();
        for (all, slots, each) in [(8, 1, 8), (8, 2, 4), (7, 2, 4), (8, 3, 3), (2, 4, 1)] {
            assert_eq!(share(cores(all), cores(slots)), cores(each), "{all} cores, {slots} slots");
        }
        assert_eq!(settings("").unwrap().cut, Resources::default());
        assert_eq!(settings("slots = 2\ncut_threads = 3").unwrap().cut.threads, cores(3));
    }

    #[test]
    fn the_memory_of_a_cut_and_of_images_has_a_minimum() {
        assert_eq!(settings("cut_memory_mib = 256").unwrap().cut.max_bytes, 256 << 20);
        assert!(settings("cut_memory_mib = 255").is_err());
        assert_eq!(settings("image_memory_mib = 256").unwrap().image_memory_mib, 256);
        assert!(settings("image_memory_mib = 255").is_err());
    }

    #[test]
    fn files_are_swept_before_their_lifetime_has_passed_twice() {
        let sweeps = |config| settings(config).unwrap().worker.sweep_interval;
        assert_eq!(sweeps(""), Duration::from_mins(10));
        assert_eq!(sweeps("retention_hours = 0.1"), Duration::from_mins(3));
        assert_eq!(sweeps("upload_ttl_hours = 1e-9"), Duration::from_secs(1));
    }

    #[test]
    fn invalid_durations_and_networks_are_refused() {
        assert_eq!(hours("x", Some(0.5)).unwrap(), Some(Duration::from_mins(30)));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(hours("x", Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(networks(&["10.1.0.0/16".to_owned(), " ::1/128".to_owned()]).unwrap().len(), 2);
        for bad in ["10.1.0.0", "10.1.0.0/33", "example.com"] {
            assert!(networks(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(settings("lease_ttl_secs = 1").is_err() && settings("lease_ttl_secs = 2").is_ok());
    }
}
