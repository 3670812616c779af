//! `clearcut keys`: creates, lists, limits and revokes API keys, whether the server runs or not.

use std::time::Duration;

use clap::{Args, Subcommand};
use clearcut_queue::{KeyId, KeyLimits, Queue, StorageLimits};

use super::{
    beside::{ServerData, open_database, open_migrated_database},
    credentials::create_api_key,
    times::format_time,
};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct KeysOptions {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    server: ServerData,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an API key and print its secret, which is never shown again
    Create {
        /// Name of the API key
        #[arg(long, default_value = "unnamed")]
        name: String,

        #[command(flatten)]
        limits: Limits,
    },
    /// List the API keys, without their secrets
    List,
    /// Change the limits of an API key, effective from its next request; limits that are not given
    /// stay the same
    Limit {
        /// Number of the API key in the list
        id: i64,

        #[command(flatten)]
        limits: Limits,
    },
    /// Revoke an API key
    Revoke {
        /// Number of the API key in the list
        id: i64,
    },
}

/// Limits of one API key that differ from the server's settings.
#[derive(Debug, Args)]
struct Limits {
    /// Running jobs of this API key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_running: Option<u32>,

    /// Waiting jobs of this API key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_waiting: Option<u32>,

    /// Submits per minute of this API key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    submits_per_minute: Option<u32>,

    /// Other requests per minute of this API key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,

    /// Storage quota of this API key for clips, uploads and outputs
    #[arg(long, value_name = "MIB")]
    quota_mib: Option<u64>,

    /// Maximum retention after the end of a job; the server's retention applies if it is shorter
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..))]
    max_retention_hours: Option<u64>,
}

impl Limits {
    /// These limits, with those of `before` where none is given.
    fn merged_with(&self, before: KeyLimits) -> KeyLimits {
        KeyLimits {
            max_running: self.max_running.or(before.max_running),
            max_waiting: self.max_waiting.or(before.max_waiting),
            submits_per_minute: self.submits_per_minute.or(before.submits_per_minute),
            requests_per_minute: self.requests_per_minute.or(before.requests_per_minute),
        }
    }

    /// These storage limits, with those of `before` where none is given.
    fn storage_merged_with(&self, before: StorageLimits) -> StorageLimits {
        let max_retention = self.max_retention_hours.map(|hours| Duration::from_secs(hours.saturating_mul(3600)));
        StorageLimits {
            max_retention: max_retention.or(before.max_retention),
            quota_bytes: self.quota_mib.map(|mib| mib.saturating_mul(1 << 20)).or(before.quota_bytes),
        }
    }
}

pub(crate) async fn run(options: &KeysOptions) -> Result<(), Failure> {
    let settings = options.server.settings(None)?;
    let jobs = match options.action {
        // The first one may be made before a server starts.
        Action::Create { .. } => open_migrated_database(&settings).await?,
        Action::List | Action::Limit { .. } | Action::Revoke { .. } => open_database(&settings).await?,
    };
    let result = run_action(jobs.queue().as_ref(), &options.action).await;
    jobs.close().await;
    result
}

async fn run_action(queue: &dyn Queue, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Create { name, limits } => {
            let (key, secret) = create_api_key(queue, name).await?;
            queue.limit_key(key.id, limits.merged_with(key.limits)).await?;
            queue.set_storage_limits(key.id, limits.storage_merged_with(StorageLimits::default())).await?;
            println!("{secret}");
        }
        Action::Limit { id, limits } => {
            let found = queue.list_keys().await?.into_iter().find(|key| key.id == KeyId(*id));
            let Some(key) = found else {
                let message = format!("there is no key {id}");
                return Err(Failure::usage(message, "clearcut keys list shows all keys."));
            };
            queue.limit_key(key.id, limits.merged_with(key.limits)).await?;
            let storage = queue.storage_limits(key.id).await?;
            queue.set_storage_limits(key.id, limits.storage_merged_with(storage)).await?;
        }
        Action::List => {
            println!("{:>4}  {:<10} {:<24} {:<21} {:<21} state", "id", "key", "name", "created", "last used");
            for key in queue.list_keys().await? {
                let (created, used) = (format_time(Some(key.created)), format_time(key.last_used));
                let limits = format_limits(key.limits) + &format_storage(queue.storage_limits(key.id).await?);
                let state = if key.revoked.is_some() { "revoked" } else { "open" };
                println!(
                    "{:>4}  {:<10} {:<24} {created:<21} {used:<21} {state}{limits}",
                    key.id.0,
                    key.prefix + "...",
                    key.name
                );
            }
        }
        Action::Revoke { id } => {
            if !queue.revoke_key(KeyId(*id)).await? {
                let message = format!("there is no key {id} that is not revoked");
                return Err(Failure::usage(message, "clearcut keys list shows all keys."));
            }
        }
    }
    Ok(())
}

/// Limits set for this API key alone, as text.
fn format_limits(limits: KeyLimits) -> String {
    let all = [
        ("running", limits.max_running),
        ("waiting", limits.max_waiting),
        ("submits/min", limits.submits_per_minute),
        ("requests/min", limits.requests_per_minute),
    ];
    all.into_iter().filter_map(|(label, limit)| limit.map(|limit| format!(", {limit} {label}"))).collect()
}

fn format_storage(limits: StorageLimits) -> String {
    let quota = limits.quota_bytes.map(|bytes| format!(", {} MiB", bytes >> 20));
    let retention = limits.max_retention.map(|retention| format!(", kept {} h", retention.as_secs() / 3600));
    quota.into_iter().chain(retention).collect()
}
