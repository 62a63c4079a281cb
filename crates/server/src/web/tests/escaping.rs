//! Hostile text in every stored and reflected field (attack-32).
//!
//! A page with a payload must have the very same tags and attributes as the page with a
//! harmless word in the same place: then nothing of it became markup.

use std::time::Duration;

use hallpass_core::text::presentable;
use hallpass_core::wire::reported;
use http::StatusCode;

use super::html;
use super::site::{CHALLENGE, HOME, PASSWORD, Page, Site};

const HARMLESS: &str = "harmless";

const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script/x>alert(1)</script>",
    "<script\t>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<scr<script>ipt>alert(1)</script>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&#x3c;script&#x3e;alert(1)",
    "\\u003cscript\\u003ealert(1)",
    "+ADw-script+AD4-alert(1)",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "\"><img src=x onerror=alert(1)>",
    "<img/src/onerror=alert(1)>",
    "<image href=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script href=data:,alert(1) />",
    "<svg><animate onbegin=alert(1)>",
    "<math><mi xlink:href=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"javascript:alert(1)\">x",
    "<form action=https://evil.example><button>x",
    "<input autofocus onfocus=alert(1)>",
    "\" autofocus onfocus=alert(1) x=\"",
    "' autofocus onfocus=alert(1) x='",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    "x onmouseover=alert(1)",
    "\" style=\"background:url(javascript:alert(1))",
    "\" formaction=\"https://evil.example",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "0;url=https://evil.example",
    "<base href=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example>",
    "<style>*{background:url(https://evil.example)}</style>",
    "<details open ontoggle=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<!--<img src=\"--><img src=x onerror=alert(1)>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=1?><script>alert(1)</script>",
    "<bdi></bdi></p></main></body></html><script>alert(1)</script>",
    "</bdi></strong></button><button name=decision value=approve>",
    "{{7*7}}",
    "{% include \"x\" %}",
    "${alert(1)}",
    "<%= 7*7 %>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "\u{202e}<script>alert(1)</script>",
    "\u{0}<script>alert(1)</script>",
    "<\u{0}script>alert(1)</script>",
    "\u{ff1c}script\u{ff1e}alert(1)",
    "\u{2028}<script>alert(1)</script>",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>",
];

/// Tag names and attribute names, in order.
fn structure(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let (mut tag, mut quote, mut end) = (String::new(), None, rest.len());
        for (at, c) in rest.char_indices() {
            match (quote, c) {
                (None, '>') => {
                    end = at;
                    break;
                }
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                (None, c) => tag.push(c),
                (Some(_), _) => {}
            }
        }
        rest = &rest[end..];
        found.push(tag);
    }
    found
}

#[track_caller]
fn same_markup(place: &str, payload: &str, hostile: &Page, harmless: &Page) {
    assert_eq!(hostile.status, harmless.status, "{place}: {payload}");
    let (theirs, ours) = (structure(&hostile.html), structure(&harmless.html));
    assert_eq!(theirs, ours, "{place}: {payload}\n{}", hostile.html);
    // It did get there, or the test would prove nothing.
    let shown = presentable(payload, 20);
    let probe = shown.trim_end_matches('…').trim();
    let plain = probe.chars().all(|c| c.is_alphanumeric() || " :;()=/.*".contains(c));
    assert!(!plain || hostile.html.contains(probe), "{place}: {payload}\n{}", hostile.html);
    for name in ["href", "action", "src", "formaction"] {
        for tag in ["a", "form", "link", "button", "img", "script"] {
            for tag in html::tags(&hostile.html, tag) {
                let leads = html::attribute(tag, name).unwrap_or("/".to_owned());
                assert!(leads.starts_with('/') && !leads.starts_with("//"), "{place}: {tag}");
            }
        }
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn the_table_is_long_enough() {
    assert!(PAYLOADS.len() >= 60);
}

// proves: attack-32
#[tokio::test]
async fn what_a_requester_reports_and_is_called() {
    let site = Site::with_ada().await;
    site.add_client("harmless", HARMLESS, "http://127.0.0.1/callback").await;
    let browser = site.adas_browser().await;
    let visit = async |word: &str, client: &str| {
        let said = [(reported::HOST, word), (reported::USER, word), (reported::COMMAND, word)];
        let code = site.device_of(client, HOME, &said).await;
        let page = browser.get("/device").await;
        browser.submit(&page.form("device"), &[("user_code", &code)]).await;
        let confirm = browser.get("/device/confirm").await;
        let done = browser.submit(&confirm.form("decide"), &[("decision", "approve")]).await;
        assert_eq!(done.location(), "/device/approved", "{word}");
        let redirect = encoded("http://127.0.0.1:9/callback");
        let consent = browser
            .get(&format!(
                "/oauth/authorize?response_type=code&client_id={client}&redirect_uri={redirect}&code_challenge={CHALLENGE}&code_challenge_method=S256&state={}",
                encoded(word)
            ))
            .await;
        let logout = browser.get(&format!("/oauth/logout?client_id={client}")).await;
        (confirm, consent, logout)
    };
    let harmless = visit(HARMLESS, "harmless").await;
    for (n, payload) in PAYLOADS.iter().enumerate() {
        let client = format!("client-{n}");
        site.add_client(&client, payload, "http://127.0.0.1/callback").await;
        let hostile = visit(payload, &client).await;
        same_markup("device page", payload, &hostile.0, &harmless.0);
        same_markup("consent page", payload, &hostile.1, &harmless.1);
        same_markup("logout page", payload, &hostile.2, &harmless.2);
    }
}

// proves: attack-32
#[tokio::test]
async fn names_of_people_and_their_browsers() {
    let site = Site::fresh().await;
    site.add_user("harmless@example.com", HARMLESS).await;
    let visit = async |email: &str, word: &str| {
        let browser = site.browser();
        // A header can carry no more than this of a payload.
        let agent: String = word.chars().filter(|c| (' '..='~').contains(c)).collect();
        browser.agent.replace(agent);
        let signed_in = browser.sign_in(email, PASSWORD, "/").await;
        assert_eq!(signed_in.location(), "/");
        (browser.get("/").await, browser.get("/settings/sessions").await)
    };
    let harmless = visit("harmless@example.com", HARMLESS).await;
    for (n, payload) in PAYLOADS.iter().enumerate() {
        let email = format!("user-{n}@example.com");
        site.add_user(&email, payload).await;
        let hostile = visit(&email, payload).await;
        same_markup("home", payload, &hostile.0, &harmless.0);
        same_markup("sessions", payload, &hostile.1, &harmless.1);
    }
}

// proves: attack-32
#[tokio::test]
async fn what_is_typed_or_stands_in_the_address() {
    let site = Site::with_ada().await;
    let (out, browser) = (site.browser(), site.adas_browser().await);
    let fresh = Site::fresh().await;
    let installer = fresh.browser();
    let visit = async |word: &str| {
        let word = &encoded(word);
        let mut pages = Vec::new();
        for path in [
            format!("/signin?login_hint={word}"),
            format!("/signin?return_to={word}"),
            format!("/signin?return_to=/device%3Fuser_code%3D{}", encoded(word)),
            format!("/?done={word}"),
            format!("/oauth/authorize?{word}=1&{word}=2"),
            format!("/oauth/authorize?client_id={word}"),
            format!("/oauth/authorize?client_id=hallpass-cli&redirect_uri={word}"),
            format!("/no/such/page/{word}"),
        ] {
            pages.push((path.clone(), out.get(&path).await));
        }
        for path in [
            format!("/device?user_code={word}"),
            format!("/settings/sessions?done={word}"),
            format!("/settings/agents?done={word}"),
            format!("/settings/approvals?done={word}"),
            format!("/settings/security?done={word}"),
            format!("/settings/tokens?done={word}&after={word}"),
            format!("/settings/tokens?q={word}"),
            format!("/settings/tokens/{word}"),
            format!("/settings/tokens/new?name={word}"),
            format!("/oauth/logout?client_id={word}&post_logout_redirect_uri={word}"),
        ] {
            pages.push((path.clone(), browser.get(&path).await));
        }
        pages
    };
    let post = async |word: &str| {
        let form = out.get("/signin").await.form("signin");
        let fields = [("email", word), ("password", "wrong"), ("return_to", word), ("again", word)];
        let signin = out.submit(&form, &fields).await;
        let form = installer.get("/setup").await.form("setup");
        let fields =
            [("code", word), ("email", word), ("name", word), ("new_password", "long enough")];
        let setup = installer.submit(&form, &fields).await;
        [("signin".to_owned(), signin), ("setup".to_owned(), setup)]
    };
    let mut harmless = visit(HARMLESS).await;
    harmless.extend(post(HARMLESS).await);
    for payload in PAYLOADS {
        let mut hostile = visit(payload).await;
        hostile.extend(post(payload).await);
        // Wrong passwords are counted by the hour; these are not about that.
        site.pass(Duration::from_secs(3600));
        for ((place, hostile), (_, harmless)) in hostile.iter().zip(&harmless) {
            assert_eq!(hostile.status, harmless.status, "{place}");
            assert_eq!(structure(&hostile.html), structure(&harmless.html), "{place}");
        }
    }
}

// proves: attack-32
#[tokio::test]
async fn names_of_tokens() {
    let site = Site::with_ada().await;
    let browser = site.adas_browser().await;
    let newest = async || {
        let list = browser.get("/settings/tokens").await;
        let link = html::tags(&list.html, "a").into_iter().find(|tag| tag.contains("\"name\""));
        let path = html::attribute(link.expect("a token"), "href").expect("href");
        (list, browser.get(&path).await)
    };
    let blank = async || browser.get("/settings/tokens/new").await.form("make");
    browser.submit(&blank().await, &[("name", "taken"), ("expires", "never")]).await;
    let visit = async |word: &str| {
        let bad = [("name", word), ("expires", word), ("date", word), (word, word)];
        let refused = browser.submit(&blank().await, &bad).await;
        // The newest is the first: two of one moment would be in any order.
        site.pass(Duration::from_secs(1));
        let named = [("name", word), ("expires", "7d")];
        let made = browser.submit(&blank().await, &named).await;
        if made.status != StatusCode::OK {
            return vec![refused, made];
        }
        let (list, one) = newest().await;
        let renamed = browser.submit(&one.form("rename"), &[("name", "taken")]).await;
        site.pass(Duration::from_secs(1));
        let rotated = browser.submit(&one.form("rotate"), &[("overlap", "7")]).await;
        let (pair, new) = newest().await;
        // Then there is again nothing but what was there before.
        browser.submit(&new.form("revoke"), &[]).await;
        let (alone, old) = newest().await;
        browser.submit(&old.form("revoke"), &[]).await;
        vec![refused, made, list, one, renamed, rotated, pair, new, alone, old]
    };
    let harmless = visit(HARMLESS).await;
    let mut names = 0;
    for payload in PAYLOADS {
        let hostile = visit(payload).await;
        same_markup("a form that was refused", payload, &hostile[0], &harmless[0]);
        if let [_, refused] = &hostile[..] {
            // It could not be a name: the form comes back with it.
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{payload}");
            assert!(html::tags(&refused.html, "script").is_empty(), "{payload}");
            continue;
        }
        names += 1;
        for (hostile, harmless) in hostile.iter().zip(&harmless) {
            same_markup("a page about a token", payload, hostile, harmless);
        }
    }
    assert!(names >= 40, "of the payloads, {names} were names");
}
