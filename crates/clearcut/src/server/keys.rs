use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand};
use clearcut_job::{SystemClock, UnixMillis};
use clearcut_queue::{KeyId, Policy, Queue as _, SqliteQueue, StorageLimits, Uploads as _};

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
    },
    /// List the keys, without what opens anything
    List,
    /// Say what a key may keep; what is not said is as the server's settings have it
    Limit {
        /// Its number in the list
        id: i64,
        /// Bytes of clips, uploads and outputs
        #[arg(long, value_name = "MIB")]
        quota_mib: Option<u64>,
        /// Longest that they are kept after the end of a job; never longer than the server's settings have it
        #[arg(long, value_name = "HOURS")]
        max_retention_hours: Option<u64>,
    },
    /// Make a key open nothing from now on
    Revoke {
        /// Its number in the list
        id: i64,
    },
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
        Action::Create { name } => {
            let (_, secret) = make_key(queue, name).await?;
            println!("{secret}");
        }
        Action::List => {
            println!("{:>4}  {:<10} {:<24} {:<21} {:<21} state", "id", "key", "name", "created", "last used");
            for key in queue.list_keys().await? {
                let (created, used) = (show(Some(key.created)), show(key.last_used));
                let state = if key.revoked.is_some() { "revoked" } else { "open" };
                println!(
                    "{:>4}  {:<10} {:<24} {created:<21} {used:<21} {state}",
                    key.id.0,
                    key.prefix + "...",
                    key.name
                );
            }
        }
        Action::Limit { id, quota_mib, max_retention_hours } => {
            let limits = StorageLimits {
                max_retention: max_retention_hours.map(|hours| Duration::from_secs(hours.saturating_mul(3600))),
                quota_bytes: quota_mib.map(|mib| mib.saturating_mul(1 << 20)),
            };
            if !queue.set_storage_limits(KeyId(*id), limits).await? {
                let message = format!("there is no key {id}");
                return Err(Failure::usage(message, "clearcut keys list shows all keys."));
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

/// The moment in UTC, such as `2026-11-23T12:26:13Z`.
fn show(moment: Option<UnixMillis>) -> String {
    let Some(moment) = moment else { return "never".to_owned() };
    let (days, secs) = (moment.whole_secs().div_euclid(86_400), moment.whole_secs().rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01. Counts in years that begin in March, so
/// that the leap day is the last of its year, and in eras of 400 years, which all have the same number of days.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let from_march_0000 = days + 719_468;
    let (era, day_of_era) = (from_march_0000.div_euclid(146_097), from_march_0000.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + (month <= 2) as i64, month, day)
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
