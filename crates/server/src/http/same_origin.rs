//! Posts from other sites are refused before anything else looks at them.
//!
//! `Sec-Fetch-Site` first: browsers set it and pages cannot. Without it, `Origin`
//! must be our own. Without both it was no browser (all of them send `Origin` with a
//! post), so there is no bystander's cookie to abuse; the form's own CSRF token is
//! checked all the same (attack-2, A23, D13).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::ORIGIN;
use http::{HeaderMap, Method, StatusCode};

use crate::app::App;

/// Middleware for our own form pages: `axum::middleware::from_fn_with_state(app, same_origin::only)`.
pub async fn only(State(app): State<App>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_ours(request.headers(), app.public_url().origin()) {
        return next.run(request).await;
    }
    crate::web::error_page(
        &app,
        StatusCode::FORBIDDEN,
        "This form came from another site",
        "Nothing was changed. Go back to the page where you wanted to do this and try again there.",
    )
}

fn is_ours(headers: &HeaderMap, origin: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none`: the person did it, for example by reloading.
        return site == "same-origin" || site == "none";
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(sent), None) => sent == origin,
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: attack-2
    #[test]
    fn only_our_own_pages_may_post() {
        let ours = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().expect("header"));
            }
            is_ours(&headers, "https://id.example.com")
        };
        assert!(ours(&[]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[("sec-fetch-site", "none")]));
        assert!(ours(&[("origin", "https://id.example.com")]));
        for site in ["cross-site", "same-site", "", "Same-Origin"] {
            assert!(!ours(&[("sec-fetch-site", site), ("origin", "https://id.example.com")]));
        }
        for origin in ["null", "https://evil.example", "http://id.example.com", ""] {
            assert!(!ours(&[("origin", origin)]), "{origin}");
        }
        assert!(!ours(&[("origin", "https://id.example.com"), ("origin", "https://evil.example")]));
    }
}
