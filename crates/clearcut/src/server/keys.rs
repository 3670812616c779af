use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand};
use clearcut_job::{SystemClock, UnixMillis};
use clearcut_queue::{KeyId, KeyLimits, OwnedJobs as _, Policy, Queue as _, SqliteQueue, StorageLimits, Uploads as _};

use super::{first_key::make_key, run::DATABASE};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct KeysOptions {
    #[command(subcommand)]
    action: Action,

    /// Folder of the server
    #[arg(long, global = true, value_name = "DIR", env = "CLEARCUT_DATA", default_value = "clearcut-data")]
    data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it, this once
    Create {
        /// What to call it
        #[arg(long, default_value = "unnamed")]
        name: String,

        #[command(flatten)]
        limits: Limits,
    },
    /// List the keys, without what opens anything
    List,
    /// Change what a key may do, from its next request on; what is not given stays as it is
    Limit {
        /// Its number in the list
        id: i64,

        #[command(flatten)]
        limits: Limits,
    },
    /// Make a key open nothing from now on
    Revoke {
        /// Its number in the list
        id: i64,
    },
}

/// What one key may do, where that differs from the server's settings.
#[derive(Debug, Args)]
struct Limits {
    /// Jobs of this key that run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_running: Option<u32>,

    /// Jobs of this key that wait at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_waiting: Option<u32>,

    /// Submits a minute of this key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    submits_per_minute: Option<u32>,

    /// Other requests a minute of this key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,

    /// Bytes of clips, uploads and outputs that this key may keep
    #[arg(long, value_name = "MIB")]
    quota_mib: Option<u64>,

    /// Longest that they are kept after the end of a job; never longer than the server's settings have it
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..))]
    max_retention_hours: Option<u64>,
}

impl Limits {
    /// These, and those of `before` where nothing is said.
    fn over(&self, before: KeyLimits) -> KeyLimits {
        KeyLimits {
            max_running: self.max_running.or(before.max_running),
            max_waiting: self.max_waiting.or(before.max_waiting),
            submits_per_minute: self.submits_per_minute.or(before.submits_per_minute),
            requests_per_minute: self.requests_per_minute.or(before.requests_per_minute),
        }
    }

    fn storage_over(&self, before: StorageLimits) -> StorageLimits {
        let max_retention = self.max_retention_hours.map(|hours| Duration::from_secs(hours.saturating_mul(3600)));
        StorageLimits {
            max_retention: max_retention.or(before.max_retention),
            quota_bytes: self.quota_mib.map(|mib| mib.saturating_mul(1 << 20)).or(before.quota_bytes),
        }
    }
}

pub(crate) async fn run(options: &KeysOptions) -> Result<(), Failure> {
    let database = options.data.join(DATABASE);
    if !database.exists() {
        let message = format!("there is no server in {}", options.data.display());
        return Err(Failure::usage(message, "Give its folder with --data, or start it once with clearcut serve."));
    }
    let queue = SqliteQueue::open(&database, Arc::new(SystemClock), Policy::default()).await.map_err(Failure::from)?;
    let done = act(&queue, &options.action).await;
    queue.close().await;
    done
}

async fn act(queue: &SqliteQueue, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Create { name, limits } => {
            let (key, secret) = make_key(queue, name).await?;
            queue.limit_key(key.id, limits.over(key.limits)).await?;
            queue.set_storage_limits(key.id, limits.storage_over(StorageLimits::default())).await?;
            println!("{secret}");
        }
        Action::Limit { id, limits } => {
            let found = queue.list_keys().await?.into_iter().find(|key| key.id == KeyId(*id));
            let Some(key) = found else {
                let message = format!("there is no key {id}");
                return Err(Failure::usage(message, "clearcut keys list shows all keys."));
            };
            queue.limit_key(key.id, limits.over(key.limits)).await?;
            let storage = queue.storage_limits(key.id).await?;
            queue.set_storage_limits(key.id, limits.storage_over(storage)).await?;
        }
        Action::List => {
            println!("{:>4}  {:<10} {:<24} {:<21} {:<21} state", "id", "key", "name", "created", "last used");
            for key in queue.list_keys().await? {
                let (created, used) = (show(Some(key.created)), show(key.last_used));
                let limits = show_limits(key.limits) + &show_storage(queue.storage_limits(key.id).await?);
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

/// What was set for the key alone.
fn show_limits(limits: KeyLimits) -> String {
    let all = [
        ("running", limits.max_running),
        ("waiting", limits.max_waiting),
        ("submits/min", limits.submits_per_minute),
        ("requests/min", limits.requests_per_minute),
    ];
    all.into_iter().filter_map(|(what, most)| most.map(|most| format!(", {most} {what}"))).collect()
}

fn show_storage(limits: StorageLimits) -> String {
    let quota = limits.quota_bytes.map(|bytes| format!(", {} MiB", bytes >> 20));
    let retention = limits.max_retention.map(|longest| format!(", kept {} h", longest.as_secs() / 3600));
    quota.into_iter().chain(retention).collect()
}

/// The moment in UTC, such as `2026-11-23T12:26:13Z`.
fn show(moment: Option<UnixMillis>) -> String {
    let Some(moment) = moment else { return "never".to_owned() };
    let text = moment.to_rfc3339();
    text.split_once('.').map_or(String::new(), |(secs, _)| secs.to_owned() + "Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_in_utc() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
        ] {
            assert_eq!(show(Some(UnixMillis(secs * 1000))), text);
        }
        assert_eq!(show(None), "never");
    }
}
