//! Tokens for scripts: made, shown once, used, renamed, rotated, revoked.

use anyhow::{Context as _, Result};
use hallpass_testkit::browser::Options;
use hallpass_testkit::person::Person;
use hallpass_testkit::secrets::Secrets;
use hallpass_testkit::server::Plan;
use hallpass_testkit::{html, wait};
use reqwest::StatusCode;
use thirtyfour::Key;

use crate::scene::Scene;

/// Fills in the form and sends it; the text that is shown.
async fn make(scene: &Scene, name: &str) -> Result<String> {
    scene.browser.goto(&scene.server.at("/settings/tokens/new")).await?;
    scene.browser.fill("#make #name", name).await?;
    scene.browser.click("#make #submit").await?;
    shown(scene).await
}

/// The text that the page shows once.
async fn shown(scene: &Scene) -> Result<String> {
    let field = scene.browser.find("#token").await?;
    field.prop("value").await?.filter(|text| !text.is_empty()).context("a token's text")
}

/// Opens the page of the token of this name.
async fn open(scene: &Scene, name: &str) -> Result<()> {
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    let link = thirtyfour::By::LinkText(name);
    scene.browser.driver().find(link).await.context(name.to_owned())?.click().await?;
    scene.browser.find("#revoke-it").await.map(drop)
}

/// What our own API answers to whoever presents this.
async fn call(scene: &Scene, token: &str) -> Result<StatusCode> {
    let http = scene.server.http()?.build()?;
    let request = http.get(scene.server.at("/api/v1/whoami")).bearer_auth(token);
    Ok(request.send().await?.status())
}

/// The text of the page, from its source: what it says to nobody, too.
async fn source(scene: &Scene) -> Result<String> {
    Ok(scene.browser.driver().source().await?)
}

// proves: ST05, ST06, HP06
#[tokio::test]
async fn the_life_of_a_token() -> Result<()> {
    let mut scene = Scene::set().await?;
    scene.sign_in().await?;
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    assert!(scene.browser.text("main pre").await?.contains("token create ci"));
    scene.browser.click("#new-token").await?;
    scene.browser.fill("#make #name", "ci").await?;
    scene.browser.click("#make #submit").await?;
    let first = shown(&scene).await?;
    // The page's own policy allows all that it does.
    assert_eq!(scene.browser.complaints().await?, Vec::<String>::new());

    // It is used, and the page says so: at once or after the next writing.
    assert_eq!(call(&scene, &first).await?, StatusCode::OK);
    scene.browser.click("#next").await?;
    assert!(!source(&scene).await?.contains(&first));
    let stopped = scene.server.stop().await?;
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    scene.server.start_again().await?;
    open(&scene, "ci").await?;
    let used = scene.browser.text("#used").await?;
    assert!(used.starts_with("last used") && used.contains("from 127.0.0.1"), "{used}");

    scene.browser.fill("#rename #name", "build machine").await?;
    scene.browser.click("#rename button").await?;
    scene.browser.shows("#notice", "new name").await?;
    assert_eq!(scene.browser.text("h1").await?, "build machine");

    // A successor, beside which the old text works on.
    scene.browser.click("#rotate-it summary").await?;
    scene.browser.click("#rotate button").await?;
    scene.browser.shows("#old", "works until").await?;
    let second = shown(&scene).await?;
    assert_ne!(first, second);
    for text in [&first, &second] {
        assert_eq!(call(&scene, text).await?, StatusCode::OK);
    }
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    let old = scene.browser.text("#tokens .old").await?;
    assert!(old.contains(&first[first.len() - 4..]), "{old}");

    // The old one is revoked, and then the new one: each is refused in the next request.
    scene.browser.click("#tokens .old a").await?;
    for (text, other) in [(&first, Some(&second)), (&second, None)] {
        scene.browser.click("#revoke-it summary").await?;
        let words = scene.browser.text("#revoke-words").await?;
        assert!(words.contains("build machine") && words.contains("cannot be undone"), "{words}");
        assert!(words.contains(&text[text.len() - 4..]), "{words}");
        scene.browser.click("#revoke button").await?;
        scene.browser.shows("#notice", "is revoked").await?;
        assert_eq!(call(&scene, text).await?, StatusCode::UNAUTHORIZED);
        if let Some(other) = other {
            assert_eq!(call(&scene, other).await?, StatusCode::OK);
            open(&scene, "build machine").await?;
        }
    }
    scene.browser.find("#no-tokens").await?;
    scene.browser.close().await
}

// proves: ST05
#[tokio::test]
async fn the_text_is_in_no_address_no_history_and_on_no_page_twice() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    let text = make(&scene, "ci").await?;
    let made_at = scene.browser.url().await?;
    assert!(made_at.ends_with("/settings/tokens/new"), "{made_at}");

    // A reload asks to send the form again. Sent, it makes nothing and shows nothing.
    scene.browser.driver().refresh().await?;
    let _ = scene.browser.driver().accept_alert().await;
    assert_eq!(scene.outcome().await?, "sent-before");
    assert!(!source(&scene).await?.contains(&text));

    // Neither do the back and the forward button find it.
    scene.browser.click("#next").await?;
    scene.browser.find("#tokens").await?;
    for _ in 0..4 {
        scene.browser.driver().back().await?;
        let _ = scene.browser.driver().accept_alert().await;
        let kept = "return [...document.querySelectorAll('input')].map(i => i.value).join(' ')";
        let fields: String = scene.browser.driver().execute(kept, vec![]).await?.convert()?;
        assert!(!source(&scene).await?.contains(&text) && !fields.contains(&text));
    }
    for _ in 0..4 {
        scene.browser.driver().forward().await?;
        assert!(!source(&scene).await?.contains(&text));
    }
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    let shown = scene.browser.driver().find_all(thirtyfour::By::Css("#tokens > li")).await?;
    assert_eq!(shown.len(), 1, "a reload made another");

    // Nothing of it lies in the profile: not in the history, nor in what is kept of tabs.
    let mut secrets = Secrets::default();
    secrets.add("a personal token", &text);
    assert_eq!(secrets.found_below(&scene.browser.profile())?, Vec::<String>::new());
    assert!(!scene.server.log().contains(&text));
    scene.browser.close().await
}

#[tokio::test]
async fn the_button_copies_and_says_so() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    let allow = serde_json::json!({
        "origin": scene.server.url(),
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
    });
    scene.browser.driver().cdp().send_raw("Browser.grantPermissions", allow).await?;
    let text = make(&scene, "ci").await?;
    scene.browser.click("#copy").await?;
    let said = wait::until("what the button did", async || {
        Ok(Some(scene.browser.text("#said").await?).filter(|said| !said.is_empty()))
    })
    .await?;
    assert!(said.starts_with("Copied."), "{said}");
    let read = "return navigator.clipboard.readText()";
    let copied: String = scene.browser.driver().execute(read, vec![]).await?.convert()?;
    assert_eq!(copied, text);
    // Whoever leaves the page leaves nothing behind for the back button.
    let leave = "window.dispatchEvent(new PageTransitionEvent('pagehide')); return document.getElementById('token').value";
    let left: String = scene.browser.driver().execute(leave, vec![]).await?.convert()?;
    assert_eq!(left, "");
    assert!(!scene.browser.has("#copy").await?);
    scene.browser.close().await
}

#[tokio::test]
async fn all_of_it_works_without_scripts() -> Result<()> {
    let scene = Scene::of(Plan::new(), Options { javascript: false }).await?;
    scene.sign_in().await?;
    let text = make(&scene, "ci").await?;
    assert!(!scene.browser.has("#copy").await?);
    scene.browser.shows("#token-hint", "copy").await?;
    assert_eq!(call(&scene, &text).await?, StatusCode::OK);
    open(&scene, "ci").await?;
    scene.browser.click("#change-expiry summary").await?;
    scene.browser.click("#expiry [value='7d']").await?;
    scene.browser.click("#expiry button").await?;
    scene.browser.shows("#ends .badge", "Ends in").await?;
    scene.browser.click("#revoke-it summary").await?;
    scene.browser.click("#revoke button").await?;
    scene.browser.shows("#notice.good", "is revoked").await?;
    assert_eq!(call(&scene, &text).await?, StatusCode::UNAUTHORIZED);
    scene.browser.close().await
}

#[tokio::test]
async fn all_of_it_works_with_the_keyboard_alone() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    let enter = Key::Enter.value().to_string();
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    tab_to(&scene, "#new-token").await?;
    press(&scene, &enter).await?;
    // The first field has the focus already.
    scene.browser.find("#make #name:focus").await?;
    press(&scene, "ci").await?;
    // What is sent is what has arrived.
    wait::until("the name to be typed", async || {
        let name = scene.browser.find("#make #name").await?.prop("value").await?;
        Ok(name.filter(|name| name == "ci"))
    })
    .await?;
    press(&scene, &enter).await?;
    let text = shown(&scene).await?;
    tab_to(&scene, "#token").await?;
    // Tab has selected all of it.
    let selected =
        "const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd)";
    let selected: String = scene.browser.driver().execute(selected, vec![]).await?.convert()?;
    assert_eq!(selected, text);
    tab_to(&scene, "#next").await?;
    press(&scene, &enter).await?;
    scene.browser.find("#tokens").await?;
    tab_to(&scene, "#tokens a.name").await?;
    press(&scene, &enter).await?;
    scene.browser.find("#revoke-it").await?;
    tab_to(&scene, "#revoke-it summary").await?;
    press(&scene, &enter).await?;
    tab_to(&scene, "#revoke button").await?;
    press(&scene, &enter).await?;
    scene.browser.find("#no-tokens").await?;
    assert_eq!(call(&scene, &text).await?, StatusCode::UNAUTHORIZED);
    scene.browser.close().await
}

// proves: attack-32
#[tokio::test]
async fn a_token_called_like_markup_is_called_so() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    for name in [
        "<img src=x onerror=alert(1)>",
        "\"><script>document.title='owned'</script>",
        "</textarea><svg/onload=alert(1)>",
        "' onfocus=alert(1) autofocus='",
        "javascript:alert(1)",
    ] {
        make(&scene, name).await?;
        assert!(scene.browser.text("h1").await?.contains(name), "{name}");
        open(&scene, name).await?;
        let field = scene.browser.find("#rename #name").await?;
        assert_eq!(field.prop("value").await?.as_deref(), Some(name));
        scene.browser.click("#rotate-it summary").await?;
        scene.browser.click("#rotate button").await?;
        shown(&scene).await?;
        scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
        assert!(scene.browser.text("#tokens").await?.contains(name));
        assert!(!scene.browser.has("main img, main script, main svg").await?, "{name}");
        assert!(!scene.browser.driver().title().await?.contains("owned"));
        assert!(scene.browser.driver().get_alert_text().await.is_err(), "a dialog opened");
    }
    assert_eq!(scene.browser.complaints().await?, Vec::<String>::new());
    scene.browser.close().await
}

// proves: attack-27
#[tokio::test]
async fn a_form_about_somebody_elses_token_changes_nothing() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    let text = make(&scene, "ci").await?;
    open(&scene, "ci").await?;
    let hers = scene.browser.url().await?;
    let id = hers.rsplit('/').next().context("an id")?;

    let eve = scene.server.person("eve@example.com", "Eve").await?;
    let eve = Person::signed_in(&scene.server, &eve).await?;
    let form = eve.get("/settings/tokens/new").await?;
    eve.submit(&form, "#make", &[("name", "mine")], None).await?;
    let list = eve.get("/settings/tokens").await?;
    let own = list.body.split("/settings/tokens/tok_").nth(1).context("her own")?;
    let own = format!("/settings/tokens/tok_{}", own.split('"').next().context("an id")?);
    assert_eq!(eve.get(&format!("/settings/tokens/{id}")).await?.status, StatusCode::NOT_FOUND);
    let page = eve.get(&own).await?;
    for (form, more) in [
        ("rename", Some(("name", "stolen"))),
        ("expiry", Some(("expires", "never"))),
        ("rotate", Some(("overlap", "0"))),
        ("revoke", None),
    ] {
        let fields = html::form(&page.body, &format!("#{form}")).context("a form")?.fields;
        let csrf = fields.into_iter().filter(|(name, _)| name == "csrf");
        let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields: Vec<_> = csrf.chain(more).collect();
        let answer = eve.post(&format!("/settings/tokens/{id}/{form}"), &fields).await?;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form}");
    }
    assert_eq!(call(&scene, &text).await?, StatusCode::OK);
    scene.browser.goto(&hers).await?;
    assert_eq!(scene.browser.text("h1").await?, "ci");
    scene.browser.close().await
}

// proves: ST07
#[tokio::test]
async fn a_thousand_tokens_are_found_and_told_apart() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    let ada = Person::signed_in(&scene.server, &scene.ada).await?;
    for number in 0..1000 {
        let form = ada.get("/settings/tokens/new").await?;
        let name = format!("machine {number:04}");
        let page = ada.submit(&form, "#make", &[("name", &name)], None).await?;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    }
    scene.browser.goto(&scene.server.at("/settings/tokens")).await?;
    let names = async || -> Result<Vec<String>> {
        let mut names = Vec::new();
        for link in scene.browser.driver().find_all(thirtyfour::By::Css("#tokens a.name")).await? {
            names.push(link.text().await?);
        }
        Ok(names)
    };
    assert_eq!(names().await?.first().map(String::as_str), Some("machine 0999"));
    crate::gallery::keep(&scene.browser, "tokens-many").await?;
    scene.browser.click("#older").await?;
    scene.browser.find("#newest").await?;
    assert_eq!(names().await?.first().map(String::as_str), Some("machine 0949"));
    scene.browser.fill("#q", "Machine 0042").await?;
    scene.browser.click("#search button").await?;
    scene.browser.arrives("what was found", |url| url.contains("q=Machine")).await?;
    assert_eq!(names().await?, ["machine 0042"]);
    open_found(&scene, "machine 0042").await?;
    scene.browser.close().await
}

async fn open_found(scene: &Scene, name: &str) -> Result<()> {
    scene.browser.click("#tokens a.name").await?;
    scene.browser.find("#revoke-it").await?;
    assert_eq!(scene.browser.text("h1").await?, name);
    Ok(())
}

/// Tab until what `css` selects has the focus.
async fn tab_to(scene: &Scene, css: &str) -> Result<()> {
    for _ in 0..40 {
        if scene.browser.has(&format!("{css}:focus")).await? {
            return Ok(());
        }
        press(scene, &Key::Tab.value().to_string()).await?;
    }
    anyhow::bail!("{css} is out of the keyboard's reach")
}

/// Presses keys, wherever the focus is.
async fn press(scene: &Scene, keys: &str) -> Result<()> {
    Ok(scene.browser.driver().action_chain().send_keys(keys).perform().await?)
}
