//! Signing in at a provider that is not ours: a tool shows a page and a code, and somebody enters
//! it there.

use anyhow::Result;
use hallpass_testkit::cli;
use hallpass_testkit::process::{Finished, Running};
use hallpass_testkit::provider::Visitor;

/// What stands before the page in the tools' prompts.
pub(crate) const SKILLSCTL: &str = "Open this URL in your browser:";
pub(crate) const SKILLMEAT: &str = "To log in, visit:";

/// Enters the code that `login` shows behind `lead` as somebody called `name`, and waits for its
/// end.
pub(crate) async fn signs_in(mut login: Running, lead: &str, name: &str) -> Result<Finished> {
    let page = cli::written(&mut login, "the page", |text| {
        let (text, _) = text.rsplit_once('\n')?;
        let behind = |lead: &str| {
            let rest = &text[text.find(lead)? + lead.len()..];
            rest.split(['│', '\n']).map(str::trim).find(|part| !part.is_empty())
        };
        Some(format!("{}?user_code={}", behind(lead)?, behind("Enter code:")?))
    })
    .await?;
    Visitor::new(name)?.walk(&page).await?;
    login.finished().await
}
