//! Log of the server: format, filter and destination.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use super::{config::LogFormat, settings::Settings};

/// Starts logging to standard error.
pub(crate) fn start(settings: &Settings) {
    let filter = EnvFilter::builder().parse_lossy(&settings.log);
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
