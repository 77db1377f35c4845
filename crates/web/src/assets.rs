//! The files that pages are made of: templates, style sheet, scripts, vendored libraries.
//!
//! They are embedded in the program. In development they are read from disk on each use instead.
//! All static files share one content hash in their address, so that modules find each other by relative names and a
//! browser may keep them for ever.

use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, header};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A static file: its name, its type, its bytes.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    packed: OnceLock<Vec<u8>>,
}

macro_rules! assets {
    ($($name:literal: $media_type:literal),* $(,)?) => {
        [$(Asset { name: $name, media_type: $media_type, bytes: include_bytes!(concat!("../static/", $name)), packed: OnceLock::new() }),*]
    };
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

static ASSETS: [Asset; 11] = assets! {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "chart.js": "text/javascript; charset=utf-8",
    "kept.js": "text/javascript; charset=utf-8",
    "patience.js": "text/javascript; charset=utf-8",
    "table.js": "text/javascript; charset=utf-8",
    "values.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "vendor/htmx.js": "text/javascript; charset=utf-8",
    "vendor/echarts.js": "text/javascript; charset=utf-8",
    "vendor/inter.woff2": "font/woff2",
};

/// All templates, by the names that they call each other.
pub(crate) static TEMPLATES: [(&str, &str); 48] = templates! {
    "layout.html",
    "partial.html",
    "parts/macros.html",
    "parts/builder.html",
    "parts/checked.html",
    "parts/edits.html",
    "parts/forms.html",
    "parts/verdict.html",
    "parts/answer.html",
    "parts/picture.html",
    "parts/tile.html",
    "parts/undo.html",
    "parts/kpi.html",
    "parts/led.html",
    "parts/series.html",
    "parts/people.html",
    "parts/found.html",
    "parts/name.html",
    "parts/saved.html",
    "parts/pulse.html",
    "parts/standings.html",
    "parts/ground.html",
    "parts/moved.html",
    "parts/lineage.html",
    "pages/sign_in.html",
    "pages/home.html",
    "pages/gap.html",
    "pages/glossary.html",
    "pages/live.html",
    "pages/audit.html",
    "pages/consents.html",
    "pages/preferences.html",
    "pages/promises.html",
    "pages/quarantine.html",
    "pages/rules.html",
    "pages/ask.html",
    "pages/part.html",
    "pages/problem.html",
    "pages/questions.html",
    "pages/dashboards.html",
    "pages/dashboard.html",
    "pages/definition.html",
    "pages/audiences.html",
    "pages/audience.html",
    "pages/metrics.html",
    "pages/metric.html",
    "pages/sources.html",
    "pages/source.html",
};

/// Where the files come from.
pub(crate) struct Assets {
    folder: Option<PathBuf>,
    version: String,
}

impl Assets {
    /// Uses the embedded files, or those of a folder that holds `templates` and `static`.
    pub(crate) fn new(folder: Option<PathBuf>) -> Assets {
        let mut digest = Sha256::new();
        for asset in &ASSETS {
            digest.update(asset.name.as_bytes());
            digest.update(asset.bytes);
        }
        let embedded = spec::hex(&digest.finalize()[..6]);
        Assets { version: if folder.is_some() { "dev".to_owned() } else { embedded }, folder }
    }

    /// The address of a static file.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("/static/{}/{name}", self.version)
    }

    /// The folder of the templates when they are read from disk.
    pub(crate) fn templates_folder(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("templates"))
    }

    /// Answers with a static file.
    pub(crate) fn serve(&self, version: &str, name: &str, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Problem::not_found("file"))?;
        let keep = if version == self.version && self.folder.is_none() {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let mut response = Response::builder()
            .status(StatusCode::OK)
            .header(header::CONTENT_TYPE, asset.media_type)
            .header(header::CACHE_CONTROL, keep)
            .header(header::VARY, "Accept-Encoding");
        let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = if let Some(folder) = &self.folder {
            let path = folder.join("static").join(asset.name);
            Body::from(std::fs::read(&path).map_err(|_| Problem::not_found("file"))?)
        } else if accepts.contains("gzip") && asset.media_type != "font/woff2" {
            response = response.header(header::CONTENT_ENCODING, "gzip");
            Body::from(asset.packed.get_or_init(|| pack(asset.bytes)).as_slice())
        } else {
            Body::from(asset.bytes)
        };
        response.body(body).map_err(|_| Problem::not_found("file"))
    }
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}

/// The names of all static files.
#[cfg(test)]
pub(crate) fn names() -> Vec<&'static str> {
    ASSETS.iter().map(|asset| asset.name).collect()
}
