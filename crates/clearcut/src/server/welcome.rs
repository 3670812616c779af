//! Welcome of the server: prints its address and, on the first start, an API key and a sign-in
//! link.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clearcut_api::OneTimeLink;
use clearcut_job::{Clock, ErrorCode};
use clearcut_queue::Queue;
use clearcut_store::write_atomically;

use super::{
    config::{COMMENTED_CONFIG, Role},
    credentials::{create_first_api_key, random_token},
    settings::Settings,
};
use crate::failure::Failure;

/// Lifetime of the sign-in link that a new server prints.
const SIGN_IN_LINK_TTL: Duration = Duration::from_hours(1);

/// Prints what the server is connected to, and its address. On the first start, it also writes a
/// commented configuration file, creates an API key, and prints the key with a command that works as
/// it stands. If the server listens on loopback, it prints a link that signs in.
pub(super) async fn print_welcome(
    queue: &dyn Queue,
    settings: &Settings,
    places: [String; 2],
    address: SocketAddr,
    clock: &dyn Clock,
) -> Result<OneTimeLink, Failure> {
    let mut link = OneTimeLink::default();
    let config = settings.data.join("clearcut.toml");
    if !config.exists() {
        write_atomically(&config, COMMENTED_CONFIG.as_bytes(), false)
            .map_err(|error| Failure::host_error(ErrorCode::DataDirectory, &error))?;
    }
    let [database, store] = places;
    println!("Database: {database}");
    println!("Store:    {store}");
    if settings.services.role == Role::Worker {
        println!("clearcut works on jobs; its health is at http://{address}/readyz");
        return Ok(link);
    }
    let has_keys = !queue.list_keys().await?.is_empty();
    let first_key = if has_keys { None } else { create_first_api_key(queue).await? };
    if let Some(secret) = first_key {
        println!("Your API key, shown this once: {secret}\n");
        println!("Submit a clip:");
        let clip = sample_clip();
        println!(
            "  curl -X POST http://{address}/api/v1/jobs/video/remove-background -H \"Authorization: Bearer {secret}\" -F \"file=@{}\" -F \"format=webm\"\n",
            clip.display()
        );
        if address.ip().is_loopback() {
            let token = random_token()?;
            println!("Or open this link in a browser. It signs you in, once, within an hour:");
            println!("  http://{address}/#sign-in={token}\n");
            link = OneTimeLink::new(&token, secret, clock.now().after(SIGN_IN_LINK_TTL));
        }
    }
    println!("clearcut listens on http://{address} - documentation at http://{address}/docs");
    Ok(link)
}

/// The sample clip of the repository, from anywhere, if the program runs or lies in it; otherwise a
/// name to replace.
fn sample_clip() -> PathBuf {
    const SAMPLE: &str = "samples/mascot.mp4";
    // The program is target/PROFILE/clearcut.
    let of_program = std::env::current_exe().ok().and_then(|program| Some(program.ancestors().nth(3)?.join(SAMPLE)));
    let found =
        [Some(PathBuf::from(SAMPLE)), of_program].into_iter().flatten().find_map(|path| path.canonicalize().ok());
    found.unwrap_or_else(|| PathBuf::from("clip.mp4"))
}
