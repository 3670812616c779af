//! Server commands: `clearcut serve`, `gc`, `db` and `keys`. A server runs API, worker and courier
//! in one process.

mod api_worker;
mod backing;
mod beside;
mod binding;
mod child_processes;
mod config;
mod credentials;
mod data_folder;
mod database_file;
mod db;
mod describer;
mod gc;
mod job_database;
mod jobs;
mod keys;
mod listen;
mod log;
mod metrics;
mod open_files;
mod parts;
mod readiness;
mod run;
#[cfg(debug_assertions)]
pub(crate) mod scripted_names;
mod services;
mod settings;
mod shutdown;
mod times;
mod welcome;

pub(crate) use child_processes::mark_own_children;
use clearcut_parallel::MemoryBudget;
pub(crate) use config::{ServeOptions, hide_from_workers};
pub(crate) use db::DbOptions;
pub(crate) use gc::GcOptions;
pub(crate) use jobs::JobsOptions;
pub(crate) use keys::KeysOptions;

use crate::{failure::Failure, installed_models::ModelOptions};
use clearcut_job::ErrorCode;

/// Runs `clearcut serve`.
pub(crate) fn serve(
    options: &ServeOptions,
    models: &ModelOptions,
    tools: impl FnOnce() -> Result<clearcut_ffmpeg::Tools, clearcut_ffmpeg::Error>,
) -> Result<(), Failure> {
    if options.print_config {
        print!("{}", config::COMMENTED_CONFIG);
        return Ok(());
    }
    let settings = settings::Settings::load(options)?;
    log::start(&settings);
    let open_files = open_files::raise_limit();
    let models = models.installed(MemoryBudget::new(settings.model_memory_mib))?;
    async_runtime()?.block_on(run::run(settings, open_files, tools()?, models))
}

/// Runs `clearcut work`.
pub(crate) fn work(
    options: &ServeOptions,
    models: &ModelOptions,
    tools: impl FnOnce() -> Result<clearcut_ffmpeg::Tools, clearcut_ffmpeg::Error>,
) -> Result<(), Failure> {
    serve(&options.as_worker()?, models, tools)
}

/// Runs `clearcut gc`.
pub(crate) fn gc(options: &GcOptions) -> Result<(), Failure> {
    async_runtime()?.block_on(gc::run(options))
}

/// Runs `clearcut db`.
pub(crate) fn db(options: &DbOptions) -> Result<(), Failure> {
    async_runtime()?.block_on(db::run(options))
}

/// Runs `clearcut jobs`.
pub(crate) fn jobs(options: &JobsOptions) -> Result<(), Failure> {
    async_runtime()?.block_on(jobs::run(options))
}

/// Runs `clearcut keys`.
pub(crate) fn keys(options: &KeysOptions) -> Result<(), Failure> {
    async_runtime()?.block_on(keys::run(options))
}

pub(crate) fn async_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| Failure::host(ErrorCode::RuntimeFailed, format!("the server could not start: {error}"), None))
}
