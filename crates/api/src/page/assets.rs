//! The web page and its assets, embedded in the binary.

use std::{io::Write as _, sync::LazyLock};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clearcut_job::error_line;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::{Api, ApiError, http::request_headers};

/// A file of the page, embedded in the binary.
struct Asset {
    name: &'static str,
    mime: &'static str,
    bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($name:literal, $mime:expr) => {
        asset!($name, $mime, concat!("../../page/", $name))
    };
    ($name:literal, $mime:expr, $path:expr) => {
        Asset { name: $name, mime: $mime, bytes: include_bytes!($path) }
    };
}

/// An asset, ready to send.
struct Packed {
    tag: String,
    gzipped: Vec<u8>,
}

/// The packed form of [`ASSETS`], in the same order. Made on the first request, in a few
/// milliseconds.
static PACKED: LazyLock<Vec<Packed>> = LazyLock::new(|| ASSETS.iter().map(pack).collect());

const ASSETS: &[Asset] = &[
    asset!("index.html", HTML),
    asset!("cli-auth.html", HTML),
    asset!("playground.html", HTML),
    asset!("base.css", STYLE),
    asset!("layout.css", STYLE),
    asset!("options.css", STYLE),
    asset!("result.css", STYLE),
    asset!("stage.css", STYLE),
    asset!("playground.css", STYLE),
    asset!("icon.svg", "image/svg+xml"),
    asset!("app.js", SCRIPT),
    asset!("cli-auth.js", SCRIPT),
    asset!("client.js", SCRIPT),
    asset!("clip-card.js", SCRIPT),
    asset!("clip-part.js", SCRIPT),
    asset!("clip-drop.js", SCRIPT),
    asset!("clip-frame.js", SCRIPT),
    asset!("clip.js", SCRIPT),
    asset!("code-samples.js", SCRIPT),
    asset!("code-tabs.js", SCRIPT),
    asset!("contradictions.js", SCRIPT),
    asset!("crop-box.js", SCRIPT),
    asset!("cut-form.js", SCRIPT),
    asset!("cut-options.js", SCRIPT),
    asset!("cut-progress.js", SCRIPT),
    asset!("cut-result.js", SCRIPT),
    asset!("cut-stage.js", SCRIPT),
    asset!("cut-viewer.js", SCRIPT),
    asset!("dropped-files.js", SCRIPT),
    asset!("file-kind.js", SCRIPT),
    asset!("frame-preview.js", SCRIPT),
    asset!("hint-layer.js", SCRIPT),
    asset!("html.js", SCRIPT),
    asset!("image-options.js", SCRIPT),
    asset!("image-result.js", SCRIPT),
    asset!("image-samples.js", SCRIPT),
    asset!("image-set.js", SCRIPT),
    asset!("image-tile.js", SCRIPT),
    asset!("image-viewer.js", SCRIPT),
    asset!("item.js", SCRIPT),
    asset!("key-prompt.js", SCRIPT),
    asset!("new-background.js", SCRIPT),
    asset!("option-fields.js", SCRIPT),
    asset!("playground.js", SCRIPT),
    asset!("pointing.js", SCRIPT),
    asset!("presets.js", SCRIPT),
    asset!("result-parts.js", SCRIPT),
    asset!("stored-key.js", SCRIPT),
    asset!("texts.js", SCRIPT),
    asset!("trim-bar.js", SCRIPT),
    asset!("zip-entries.js", SCRIPT),
    asset!("ask.js", SCRIPT),
    asset!("attempt-bar.js", SCRIPT),
    asset!("cut-actions.js", SCRIPT),
    asset!("desk.js", SCRIPT),
    asset!("kept-jobs.js", SCRIPT),
    asset!("random-id.js", SCRIPT),
    asset!("result-head.js", SCRIPT),
    asset!("stage-zoom.js", SCRIPT),
    asset!("undo-notice.js", SCRIPT),
    asset!("views.js", SCRIPT),
    asset!("page-news.js", SCRIPT),
    asset!("part-fields.js", SCRIPT),
    asset!("queue-line.js", SCRIPT),
    asset!("remedies.js", SCRIPT),
    asset!("save.js", SCRIPT),
    asset!("small-picture.js", SCRIPT),
    asset!("zip-writer.js", SCRIPT),
    asset!("option-place.js", SCRIPT),
    asset!("shortcuts.js", SCRIPT),
    asset!("results.js", SCRIPT),
    asset!("edge-color.js", SCRIPT),
    asset!("clearcut-video.js", SCRIPT, "../../../../player/clearcut-video.js"),
];

/// Permissions of the page: run its own scripts, send requests to its own server, and show clips
/// that the user opened, and results, which may be in the store at `origin`. `data:` is for the
/// posters in code samples. Nothing is loaded from other hosts.
fn content_security_policy(origin: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{origin}; \
         img-src 'self' blob: data:{origin}; media-src 'self' blob:{origin}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The origin of results in the store, after a space; empty if this server serves them.
async fn origin_of_results(api: &Api) -> String {
    if !api.settings.presigned_results {
        return String::new();
    }
    match api.store.url_origin().await {
        Ok(origin) => origin.map(|origin| format!(" {origin}")).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(error = error_line(&error), "the page cannot show results of the store");
            String::new()
        }
    }
}

/// Serves the page.
pub(crate) async fn index(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    send("index.html", &headers, &origin_of_results(&api).await)
}

/// Serves the page on which a developer sends single requests.
pub(crate) async fn playground(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    send("playground.html", &headers, &origin_of_results(&api).await)
}

/// Serves the page on which the official command line lets a user sign in.
pub(crate) async fn cli_auth(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    send("cli-auth.html", &headers, &origin_of_results(&api).await)
}

/// Serves a script, stylesheet or icon of the page.
pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    send(&name, &headers, "")
}

fn pack(asset: &Asset) -> Packed {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(asset.bytes)[..12]));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail. If it did, the asset would be sent uncompressed.
    let gzipped = encoder.write_all(asset.bytes).and_then(|()| encoder.finish()).unwrap_or_default();
    Packed { tag, gzipped }
}

fn send(name: &str, headers: &HeaderMap, origin: &str) -> Result<Response, ApiError> {
    let mut all = ASSETS.iter().zip(PACKED.iter());
    let (asset, packed) = all.find(|(asset, _)| asset.name == name).ok_or(ApiError::RouteNotFound)?;
    let header_text = |name| request_headers::text(headers, name).unwrap_or_default();
    let is_unchanged = header_text(header::IF_NONE_MATCH) == packed.tag;
    let takes_gzip = header_text(header::ACCEPT_ENCODING).contains("gzip") && !packed.gzipped.is_empty();
    let policy = content_security_policy(origin);
    let common = [
        (header::ETAG, packed.tag.as_str()),
        (header::VARY, "accept-encoding"),
        // Revalidated on each request, so that an updated server never meets an old script.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if is_unchanged {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let mime = [(header::CONTENT_TYPE, asset.mime)];
    if takes_gzip {
        return Ok((common, mime, [(header::CONTENT_ENCODING, "gzip")], packed.gzipped.as_slice()).into_response());
    }
    Ok((common, mime, asset.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_the_page_folder_is_served() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let served: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_for_tools_only = name == "tsconfig.json";
            assert!(is_for_tools_only || served.contains(&name.as_str()), "{name} is not in the table");
        }
    }

    #[test]
    fn the_page_knows_each_preset_and_its_largest_file() {
        let script = include_str!("../../page/presets.js");
        for preset in clearcut_job::Preset::ALL {
            let kilobytes = preset.limits().max_bytes.get() / 1000;
            for line in [format!("[\"{preset}\", "), format!("\"{preset}\": {kilobytes},")] {
                assert!(script.contains(&line), "{line} is not in presets.js");
            }
        }
    }
}
