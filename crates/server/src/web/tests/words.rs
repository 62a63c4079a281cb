//! What pages call things in a brand that calls them otherwise.

use hallpass_core::brand::Brand;
use hallpass_issuer::legacy::{Phase, Step};

use super::html;
use super::site::Page;
use super::walk::{every_page, site};

fn scitoolkit() -> Brand {
    let brand = include_str!("../../../../../brands/scitoolkit.toml");
    Brand::parse(brand).expect("a brand")
}

/// The words that a person reads. A permission, `project:read`, an action of the log,
/// `project.create`, and a flag, `--project`, are one word each.
fn words(page: &Page) -> Vec<String> {
    let text = html::visible(&page.html);
    let part = |c: char| c.is_alphanumeric() || "-_:.".contains(c);
    let words = text.split(|c| !part(c)).map(|word| word.trim_end_matches([':', '.']));
    words.map(str::to_lowercase).collect()
}

// proves: ST05, HP17
#[tokio::test]
async fn no_page_calls_a_toolkit_a_project() {
    let site = site(scitoolkit()).await;
    let ada = site.adas_browser().await;
    let mut pages = every_page(&site, &ada).await;
    // The move away from older tokens, too.
    let step = Step { phase: Some(Phase::A), ..Step::default() };
    site.app.issuer().step_legacy(step, "system").await.expect("a step");
    ada.submit(&ada.get("/orgs").await.form("id=\"create\""), &[("slug", "lab")]).await;
    ada.submit(&ada.get("/orgs/lab").await.form("id=\"create\""), &[("slug", "rna")]).await;
    let older = "/orgs/lab/projects/rna/tokens";
    let made = ada.submit(&ada.get(older).await.form("make"), &[("name", "x")]).await;
    let again = ada.submit(&ada.get(older).await.form("make"), &[("name", "")]).await;
    pages.extend([
        ("a toolkit", ada.get("/orgs/lab/projects/rna").await),
        ("older tokens", ada.get(older).await),
        ("an older token, once", made),
        ("an older token, wrong", again),
    ]);
    assert!(pages.len() > 90, "{}", pages.len());
    let mut told = 0;
    for (name, page) in &pages {
        for word in words(page) {
            assert!(word != "project" && word != "projects", "{name}: {}", page.html);
            told += usize::from(word.starts_with("toolkit"));
        }
    }
    assert!(told > 50, "{told}");
}
