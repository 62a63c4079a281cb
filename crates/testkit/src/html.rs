//! Reading our pages as a browser without JavaScript would: forms, links, texts.

use scraper::{ElementRef, Html, Selector};

/// A form, with what it would send by itself.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// `get` or `post`.
    pub method: String,
    /// Names and values of its fields, hidden ones included; no buttons.
    pub fields: Vec<(String, String)>,
    /// Names, values and labels of its buttons.
    pub buttons: Vec<(String, String, String)>,
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap_or_else(|_| panic!("{text:?} is no selector"))
}

fn attribute(element: ElementRef<'_>, name: &str) -> String {
    element.attr(name).unwrap_or_default().to_owned()
}

/// White space folded, as it is shown.
fn shown(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first form that `matching` selects.
pub fn form(html: &str, matching: &str) -> Option<Form> {
    let document = Html::parse_document(html);
    let form = document.select(&selector(matching)).next()?;
    let (inputs, buttons) = (selector("input, textarea"), selector("button"));
    let fields = form.select(&inputs).filter(|field| field.attr("name").is_some());
    // What is not ticked is not sent.
    let ticked = |field: &ElementRef<'_>| matches!(field.attr("type"), Some("radio" | "checkbox"));
    let fields = fields.filter(|field| !ticked(field) || field.attr("checked").is_some());
    let buttons = form.select(&buttons);
    Some(Form {
        action: attribute(form, "action"),
        method: attribute(form, "method").to_ascii_lowercase(),
        fields: fields.map(|field| (attribute(field, "name"), attribute(field, "value"))).collect(),
        buttons: buttons
            .map(|button| (attribute(button, "name"), attribute(button, "value"), shown(button)))
            .collect(),
    })
}

/// The text of the first element that `matching` selects.
pub fn text(html: &str, matching: &str) -> Option<String> {
    Html::parse_document(html).select(&selector(matching)).next().map(shown)
}

/// The texts of all elements that `matching` selects.
pub fn texts(html: &str, matching: &str) -> Vec<String> {
    Html::parse_document(html).select(&selector(matching)).map(shown).collect()
}

/// An attribute of the first element that `matching` selects.
pub fn value(html: &str, matching: &str, name: &str) -> Option<String> {
    Html::parse_document(html).select(&selector(matching)).next()?.attr(name).map(str::to_owned)
}

/// Where a page goes on by itself: `<meta http-equiv="refresh" content="0;url=…">`.
pub fn refresh(html: &str) -> Option<String> {
    let content = value(html, "meta[http-equiv=refresh i]", "content")?;
    let (_, url) = content.split_once(';')?;
    let url = url.trim();
    let url = url.strip_prefix("url=").or_else(|| url.strip_prefix("URL=")).unwrap_or(url);
    Some(url.trim_matches(['\'', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><meta http-equiv="refresh" content="0;url=http://127.0.0.1:1/?a=1&amp;b=2">
        <h1 id="outcome" data-outcome="done">All  <b>done</b></h1>
        <form id="f" method="POST" action="/go"><input type="hidden" name="csrf" value="a&amp;b">
        <input name="email"><input type="radio" name="a" value="1" checked>
        <input type="radio" name="a" value="2"><input type="checkbox" name="b" value="yes">
        <button name="decision" value="approve">Yes,  do</button></form>"#;

    #[test]
    fn a_form_is_read_with_its_hidden_fields_and_buttons() {
        let form = form(PAGE, "#f").expect("a form");
        assert_eq!((form.action.as_str(), form.method.as_str()), ("/go", "post"));
        let fields = [("csrf", "a&b"), ("email", ""), ("a", "1")];
        assert_eq!(form.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(form.buttons, [("decision".into(), "approve".into(), "Yes, do".into())]);
    }

    #[test]
    fn texts_attributes_and_refreshes_are_read() {
        assert_eq!(text(PAGE, "#outcome").as_deref(), Some("All done"));
        assert_eq!(value(PAGE, "#outcome", "data-outcome").as_deref(), Some("done"));
        assert_eq!(refresh(PAGE).as_deref(), Some("http://127.0.0.1:1/?a=1&b=2"));
        assert_eq!(form(PAGE, "#g").map(|form| form.action), None);
    }
}
