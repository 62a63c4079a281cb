//! The pages that the loopback listener shows: static, self-contained, without script,
//! without anything of the request in them.

use std::fmt::Write as _;

use hallpass_core::brand::Brand;

/// The brand's part of a page.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    title: String,
    accent: String,
    accent_dark: String,
}

/// How a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Exchanged and stored.
    SignedIn {
        /// Who.
        account: String,
    },
    /// Not.
    Failed {
        /// Why.
        why: String,
    },
}

impl Look {
    /// As the brand says.
    pub(crate) fn of(brand: &Brand) -> Self {
        Self {
            title: brand.title.clone(),
            accent: brand.look.accent.clone(),
            accent_dark: brand.look.accent_dark.clone(),
        }
    }
}

/// The page at the end.
pub(crate) fn ended(page: &Page, look: &Look) -> String {
    match page {
        Page::SignedIn { account } => render(
            look,
            "Signed in",
            "ok",
            &format!("{} is signed in on this machine as {account}.", look.title),
            "You can close this tab and go back to your terminal.",
        ),
        Page::Failed { why } => render(
            look,
            "Not signed in",
            "no",
            why,
            "Your terminal says what to do next. You can close this tab.",
        ),
    }
}

/// For a request that is not the one that the terminal waits for.
pub(crate) fn ignored(look: &Look) -> String {
    render(
        look,
        "Nothing to see here",
        "no",
        &format!("This is not the sign-in that {} is waiting for.", look.title),
        "If you came here by signing in, start again from your terminal.",
    )
}

fn render(look: &Look, heading: &str, class: &str, what: &str, next: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading} · {title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c2024; --soft: #5b636b; --paper: #fff; --ok: {accent}; --no: #b3261e }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8eaed; --soft: #a4adb6; --paper: #15181b; --ok: {accent_dark}; --no: #f2b8b5 }}
}}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif }}
main {{ max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem; overflow-wrap: anywhere }}
h1 {{ margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25 }}
.ok h1 {{ color: var(--ok) }} .no h1 {{ color: var(--no) }}
p {{ margin: 0 0 .75rem }} .next {{ color: var(--soft) }}
</style>
<main class="{class}">
<h1>{heading}</h1>
<p>{what}</p>
<p class="next">{next}</p>
</main>
</html>
"#,
        title = escape(&look.title),
        accent = escape(&look.accent),
        accent_dark = escape(&look.accent_dark),
        heading = escape(heading),
        what = escape(what),
        next = escape(next),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' | '\'' => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_become_markup() {
        let look = Look::of(&Brand::hallpass());
        let page = Page::SignedIn { account: "<img src=x onerror='a()'>\"&".to_owned() };
        let html = ended(&page, &look);
        assert!(html.contains("&lt;img src=x onerror=&#39;a()&#39;&gt;&#34;&amp;"));
        assert!(!html.contains("<img") && !html.contains("<script"));
        assert!(ended(&Page::Failed { why: "denied".into() }, &look).contains("Not signed in"));
    }
}
