//! The stylesheet, the icon and the one script: made once at start, the first two from
//! the brand's colours, named by their content, and cacheable for ever.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing;
use hallpass_core::Digest;
use hallpass_core::brand::Brand;
use http::{HeaderValue, StatusCode, header};

use super::accent;
use crate::app::App;

pub(super) const STYLE: &str = include_str!("../../assets/style.css");
const ICON: &str = include_str!("../../assets/icon.svg");
const COPY: &str = include_str!("../../assets/copy.js");

/// What pages link to. A cheap clone.
#[derive(Clone, Debug)]
pub(crate) struct Assets(Arc<[Asset; 3]>);

#[derive(Debug)]
struct Asset {
    name: String,
    kind: &'static str,
    body: String,
}

impl Assets {
    /// The assets of `brand`.
    pub(crate) fn of(brand: &Brand) -> Self {
        let style = format!("{STYLE}{}", accent::properties(&brand.look));
        let (fill, cut) = accent::icon_colours(&brand.look);
        let ours = || ICON.replace("#accent", &fill).replace("#cut", &cut);
        let icon = brand.look.logo.as_ref().map_or_else(ours, |logo| logo.trim().to_owned());
        Self(Arc::new([
            Asset::new("style", "css", "text/css; charset=utf-8", style),
            Asset::new("icon", "svg", "image/svg+xml", icon),
            Asset::new("copy", "js", "text/javascript; charset=utf-8", COPY.to_owned()),
        ]))
    }

    /// The path of the stylesheet.
    pub(crate) fn style(&self) -> String {
        self.0[0].path()
    }

    /// The path of the icon.
    pub(crate) fn icon(&self) -> String {
        self.0[1].path()
    }

    /// The path of the script that adds a button to copy a token.
    pub(crate) fn copy(&self) -> String {
        self.0[2].path()
    }
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, body: String) -> Self {
        let digest = Digest::of(body.as_bytes());
        let hash: String = digest.as_bytes()[..8].iter().map(|b| format!("{b:02x}")).collect();
        Self { name: format!("{stem}.{hash}.{extension}"), kind, body }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{name}", routing::get(get))
}

async fn get(State(app): State<App>, Path(name): Path<String>) -> Response {
    let Some(asset) = app.assets().0.iter().find(|asset| asset.name == name) else {
        return super::not_found();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (StatusCode::OK, headers, asset.body.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_accent_has_another_name() {
        let ours = Assets::of(&Brand::hallpass());
        let mut brand = Brand::hallpass();
        brand.look.accent = "#aa0000".to_owned();
        let theirs = Assets::of(&brand);
        assert_ne!(ours.style(), theirs.style());
        assert_ne!(ours.icon(), theirs.icon());
        assert!(theirs.0[0].body.contains("--accent: #aa0000"));
        assert!(theirs.0[1].body.contains("#aa0000") && !theirs.0[1].body.contains("#accent"));
        brand.look.logo = Some("\n<svg>theirs</svg>\n".to_owned());
        let drawn = Assets::of(&brand);
        assert_ne!(drawn.icon(), theirs.icon());
        assert_eq!(drawn.0[1].body, "<svg>theirs</svg>");
    }
}
