//! Every form, against posts that do not come from it.

use http::StatusCode;

use super::html::HtmlForm;
use super::site::{CHALLENGE, EMAIL, HOME, PASSWORD, Site};

/// One filled-in form of each kind, in Ada's browser.
async fn all(site: &Site, browser: &super::site::Browser<'_>) -> Vec<(&'static str, HtmlForm)> {
    let mut forms = Vec::new();
    let mut add = |name: &'static str, mut form: HtmlForm, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        form.fields.extend(fields);
        forms.push((name, form));
    };
    let page = browser.get("/signin").await;
    add("signin", page.form("signin"), &[("email", EMAIL), ("password", PASSWORD)]);
    add("signout", browser.get("/").await.form("signout"), &[]);
    let page = browser.get("/settings/sessions").await;
    add("end", page.form("name=\"id\""), &[]);
    add("end others", page.form("end-others-button"), &[]);
    let page = browser.get("/settings/security").await;
    let fields = [
        ("password", PASSWORD),
        ("new_password", "another one"),
        ("repeat_password", "another one"),
    ];
    add("password", page.form("password-form"), &fields);
    let code = site.device(HOME, &[]).await;
    let page = browser.get("/device").await;
    add("device", page.form("device"), &[("user_code", &code)]);
    browser.submit(&page.form("device"), &[("user_code", &code)]).await;
    let page = browser.get("/device/confirm").await;
    add("decide", page.form("decide"), &[("decision", "approve")]);
    let request = format!(
        "/oauth/authorize?response_type=code&client_id=tool&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let page = browser.get(&request).await;
    add("consent", page.form("consent"), &[("decision", "approve")]);
    let page = browser.get("/oauth/logout").await;
    add("logout", page.form("logout"), &[("decision", "signout")]);
    forms
}

async fn site() -> Site {
    let site = Site::with_ada().await;
    site.add_client("tool", "The Tool", "http://127.0.0.1/cb").await;
    site
}

fn pairs(form: &HtmlForm) -> Vec<(&str, &str)> {
    form.fields.iter().map(|(name, value)| (&**name, &**value)).collect()
}

// proves: attack-2, A23, D13
#[tokio::test]
async fn posts_from_other_sites_do_nothing() {
    let site = site().await;
    let (browser, other) = (site.adas_browser().await, site.adas_browser().await);
    let forms = all(&site, &browser).await;
    assert_eq!(forms.len(), 9);
    for (name, form) in &forms {
        // As a browser sends them from elsewhere, cookies and a stolen token included.
        for headers in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "https://www.example.com")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://id.example.com")],
            &[("origin", "https://id.example.com.evil.example")],
        ] {
            let answer = browser.post_as(&form.action, &pairs(form), headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {headers:?}");
            assert!(answer.html.contains("Nothing was changed"), "{name}");
        }
    }
    // Nothing has happened: all is as it was.
    assert_eq!(other.get("/settings/sessions").await.status, StatusCode::OK);
    assert_eq!(browser.get("/settings/sessions").await.status, StatusCode::OK);
    assert_eq!(browser.get("/device/confirm").await.status, StatusCode::OK);
}

// proves: attack-2, A23, D13
#[tokio::test]
async fn a_form_without_its_own_token_does_nothing() {
    let site = site().await;
    site.add_user("eve@example.com", "Eve").await;
    let (browser, other) = (site.adas_browser().await, site.adas_browser().await);
    let eve = site.browser();
    eve.sign_in("eve@example.com", PASSWORD, "/").await;
    site.browser().sign_in("eve@example.com", PASSWORD, "/").await;
    let forms = all(&site, &browser).await;
    let foreign = all(&site, &eve).await;
    for (at, (name, form)) in forms.iter().enumerate() {
        let mut tokens = vec![
            (String::new(), "none"),
            ("x".to_owned(), "made up"),
            (foreign[at].1.fields["csrf"].clone(), "of another browser"),
        ];
        let own = &form.fields["csrf"];
        // Ending one and ending all share a page, and so a purpose.
        let others = forms.iter().map(|(_, form)| form.fields["csrf"].clone());
        tokens.extend(others.filter(|token| token != own).map(|token| (token, "of another form")));
        for (token, which) in tokens {
            let mut form = form.clone();
            form.fields.insert("csrf".to_owned(), token);
            let answer = browser.submit(&form, &[]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: a token {which}");
        }
        let mut bare = form.clone();
        bare.fields.remove("csrf");
        assert_eq!(browser.submit(&bare, &[]).await.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(other.get("/settings/sessions").await.status, StatusCode::OK);
    assert_eq!(browser.get("/device/confirm").await.status, StatusCode::OK);
}

// proves: attack-35
#[tokio::test]
async fn signing_somebody_in_needs_their_own_browser() {
    let site = site().await;
    let attacker = site.browser();
    let form = attacker.get("/signin").await.form("signin");
    let victim = site.browser();
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    for visited in [false, true] {
        if visited {
            victim.get("/signin").await;
        }
        let answer = victim.submit(&form, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(!victim.jar.borrow().contains_key("__Host-hp"));
    }
}

#[tokio::test]
async fn what_is_no_form_is_a_page_that_says_so() {
    let site = site().await;
    let browser = site.adas_browser().await;
    let same = ("sec-fetch-site", "same-origin");
    let json = [same, ("content-type", "application/json")];
    let answer = browser.post_as("/signin", &[("a", "b")], &json).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let twice = browser.post("/signin", &[("email", "a"), ("email", "b")]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    let large = "x".repeat(70_000);
    let answer = browser.post("/signin", &[("email", &large)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    for page in [twice, answer] {
        assert!(page.html.contains("Nothing was changed"), "{}", page.html);
    }
}
