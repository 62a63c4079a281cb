//! As much of HTML as these tests read: our own pages, which are regular.

use std::collections::BTreeMap;

/// A form, with what a browser would send of it untouched.
#[derive(Clone, Debug)]
pub(super) struct HtmlForm {
    pub(super) action: String,
    pub(super) fields: BTreeMap<String, String>,
}

/// The form with this id, or the first one whose text contains `id`.
pub(super) fn form(html: &str, id: &str) -> HtmlForm {
    let found = elements(html, "form").into_iter().find(|form| {
        let open = &form[..form.find('>').unwrap_or(form.len())];
        attribute(open, "id").as_deref() == Some(id) || !id.starts_with('#') && form.contains(id)
    });
    let form = found.unwrap_or_else(|| panic!("no form {id} in {html}"));
    // What is not ticked is not sent.
    let sent = |tag: &&str| {
        let ticked = ["radio", "checkbox"].map(|kind| format!(" type=\"{kind}\""));
        !ticked.iter().any(|kind| tag.contains(kind)) || tag.ends_with(" checked>")
    };
    let fields = tags(form, "input")
        .into_iter()
        .filter(sent)
        .filter_map(|tag| {
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        })
        .collect();
    HtmlForm { action: attribute(form, "action").expect("an action"), fields }
}

/// Every element `name` with its content; they do not nest.
fn elements<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let close = format!("</{name}>");
    tags(html, name)
        .into_iter()
        .map(|tag| {
            let start = tag.as_ptr() as usize - html.as_ptr() as usize;
            let end = html[start..].find(&close).expect("it is closed");
            &html[start..start + end]
        })
        .collect()
}

/// Every start tag `name`, from `<` to `>`.
pub(super) fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let open = format!("<{name}");
    html.match_indices(&open)
        .map(|(at, _)| &html[at..])
        .filter(|rest| rest[open.len()..].starts_with([' ', '>']))
        .map(|rest| &rest[..=rest.find('>').expect("a tag ends")])
        .collect()
}

/// The value of an attribute, unescaped.
pub(super) fn attribute(tag: &str, name: &str) -> Option<String> {
    let marked = format!(" {name}=\"");
    let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
    let from = tag.find(&marked)? + marked.len();
    let len = tag[from..].find('"')?;
    Some(unescape(&tag[from..from + len]))
}

/// The text of the element with this id, without tags.
pub(super) fn text(html: &str, id: &str) -> String {
    let marked = format!(" id=\"{id}\"");
    let at = html.find(&marked).unwrap_or_else(|| panic!("no {id} in {html}"));
    let name = html[..at].rsplit('<').next().and_then(|tag| tag.split(' ').next()).expect("a tag");
    let from = at + html[at..].find('>').expect("a tag ends") + 1;
    let end = html[from..].find(&format!("</{name}>")).expect("it is closed");
    visible(&html[from..from + end]).trim().to_owned()
}

/// What of it is no tag.
pub(super) fn visible(html: &str) -> String {
    let mut shown = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => shown.push(c),
            _ => {}
        }
    }
    unescape(&shown)
}

fn unescape(text: &str) -> String {
    text.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}
