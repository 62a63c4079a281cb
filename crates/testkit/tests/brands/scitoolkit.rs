//! SciToolkit: one token for every toolkit, and the move away from a token for each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use hallpass_core::Digest;
use hallpass_testkit::browser::{Browser, Options};
use hallpass_testkit::cli;
use hallpass_testkit::server::PASSWORD;
use hallpass_testkit::terminal::Terminal;
use hallpass_testkit::wait;
use reqwest::Url;

use crate::shop::{Shop, careless};

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

fn hash(text: &str) -> String {
    Digest::of(text.as_bytes()).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

// proves: ST01, ST02, ST03, ST07, ST09, ST10, ST15
#[tokio::test]
async fn signing_in_through_the_browser_leaves_one_token_and_signing_out_none() -> Result<()> {
    let shop = Shop::open("scitoolkit").await?;
    let (launcher, opened) = shop.shell.launcher(0)?;
    let shell = shop.another()?.variable("BROWSER", &launcher);
    let mut terminal = Terminal::start(&careless(&shell.command(&["login"])?), 80)?;
    let start = shop.server.at("/oauth/authorize?");
    let shown = terminal.until("the address", |shown| cli::address(shown, &start)).await?;
    let url = wait::until("the browser", async || {
        Ok(fs::read_to_string(&opened).ok().map(|text| text.trim_end().to_owned()))
    })
    .await?;
    assert_eq!(url, shown, "the address is shown before the browser opens");

    // A wrong state, and none, end nothing and complete nothing.
    let asked = Url::parse(&url)?;
    let back = hallpass_testkit::oauth::query(&asked, "redirect_uri").unwrap_or_default();
    for query in ["?code=hp_code_1&state=wrong", "?code=hp_code_1"] {
        let answer = reqwest::get(format!("{back}{query}")).await?;
        assert!(answer.status().is_client_error(), "{answer:?}");
    }
    let browser = Browser::open_with(Options::default()).await?;
    browser.goto(&url).await?;
    browser.sign_in(&shop.ada.email, PASSWORD).await?;
    browser.shows("#client-name", "SciToolkit").await?;
    browser.click("#approve").await?;
    browser.arrives("the terminal's page", |url| url.ends_with("/done")).await?;
    let (code, shown) = terminal.finished().await?;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("~/.scitoolkit/token (readable by you only)"), "{shown}");

    let file = shell.home().join(".scitoolkit/token");
    let token = fs::read_to_string(&file)?.trim_end().to_owned();
    assert!(token.starts_with("sct_user_") && token.len() > 40, "it is the token alone");
    assert_eq!((mode(&file)?, mode(&shell.home().join(".scitoolkit"))?), (0o600, 0o700));
    let whoami = shell.run(&["whoami"]).await?;
    assert_eq!((whoami.code, &*whoami.stdout), (Some(0), "ada@example.com (Ada)\n"), "{whoami:?}");

    let status = shell.run(&["status"]).await?.stdout;
    assert!(status.contains("personal token, sct_user_…"), "{status}");
    assert!(status.contains("never by itself"), "the server said so: {status}");

    // What a login keeps may make and change no tokens, and another login would keep the like.
    let refused = shell.run(&["token", "create", "x"]).await?;
    let page = shop.server.at("/cli-tokens");
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.ends_with(&format!("Next: {page}\n")), "{refused:?}");

    // A second machine gets a token of its own, told apart by its name on the page.
    let other = shop.another()?;
    assert_eq!(shop.sign_in(&other, &["login"]).await?.code, Some(0));
    browser.goto(&shop.server.at("/cli-tokens")).await?;
    browser.shows("#tokens", "scitoolkit on ").await?;
    browser.shows("#tokens", "(2)").await?;
    browser.close().await?;

    // Only its hash is kept at the server.
    for entry in fs::read_dir(shop.server.directory())? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = fs::read(&path)?;
            let found = bytes.windows(token.len()).any(|part| part == token.as_bytes());
            assert!(!found, "{} holds the token", path.display());
        }
    }
    let out = shell.run(&["logout"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    assert!(out.stderr.contains("Revoked at the server, and removed here."), "{out:?}");
    assert!(!file.exists() && !shell.home().join(".scitoolkit/account.json").exists());
    let dead = shell.variable("SCITOOLKIT_TOKEN", &token).run(&["whoami"]).await?;
    assert_eq!((dead.code, &*dead.stdout), (Some(4), ""), "{dead:?}");
    assert_eq!(other.run(&["whoami"]).await?.code, Some(0), "the other machine's goes on");
    Ok(())
}

// proves: ST04, ST06, ST07, ST08, ST10
#[tokio::test]
async fn a_token_from_the_page_signs_in_a_script_until_it_is_revoked() -> Result<()> {
    let shop = Shop::open("scitoolkit").await?;
    let token = shop.token("ci").await?;
    assert!(token.starts_with("sct_user_"), "{token}");
    let file = shop.shell.home().join(".scitoolkit/token");

    let wrong = format!("{}x", &token[..token.len() - 1]);
    let refused = shop.shell.run(&["login", "--token", &wrong]).await?;
    assert!(refused.code != Some(0) && !file.exists(), "{refused:?}");
    assert!(!refused.stderr.contains("You are signed out"), "nobody was signed in: {refused:?}");
    let given = shop.shell.run(&["login", "--token", &token]).await?;
    assert_eq!(given.code, Some(0), "{given:?}");
    let warned = given.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(warned.contains("warning: a token on the command line is seen"), "{given:?}");
    assert_eq!(fs::read_to_string(&file)?.trim_end(), token);
    for (words, input) in
        [(["login", "--token", "-"], &*token), (["login", "--token-file", "t"], "")]
    {
        let shell = shop.another()?;
        fs::write(shell.home().join("t"), &token)?;
        let quiet = shell.run_with(&words, input).await?;
        assert!(quiet.code == Some(0) && !quiet.stderr.contains("warning"), "{quiet:?}");
        assert_eq!(shell.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
    }
    let script = shop.another()?.variable("SCITOOLKIT_TOKEN", &token);
    assert_eq!(script.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
    assert!(!script.home().join(".scitoolkit").exists(), "the variable alone signs in");

    // The role of now counts, in each toolkit, for one and the same token.
    let bo = shop.server.person("bo@example.com", "Bo").await?;
    let bos = shop.admin(&["token", "create", "--user", &bo.email, "--name", "bo"]).await?;
    let bo = shop.another()?.variable("SCITOOLKIT_TOKEN", &bos);
    let publish = async || Ok::<_, anyhow::Error>(bo.run(&["publish", "genome"]).await?.code);
    assert_eq!(publish().await?, Some(4), "nobody's member");
    let may =
        [("viewer", Some(4)), ("collaborator", Some(0)), ("owner", Some(0)), ("viewer", Some(4))];
    for (role, expected) in may {
        shop.admin(&["member", "set", "acme/genome", "bo@example.com", role]).await?;
        assert_eq!(publish().await?, expected, "{role}");
    }
    shop.front.seen().iter().for_each(|(_, sent)| assert_eq!(*sent, format!("Bearer {bos}")));

    // When the revocation has returned, the very next command is refused and says what to do.
    let ended = reqwest::Client::new()
        .post(shop.server.at("/oauth/revoke"))
        .form(&[("token", token.as_str()), ("client_id", "scitoolkit-cli")])
        .send()
        .await?;
    assert_eq!(ended.status(), 200);
    for command in [&["whoami"][..], &["publish", "genome"], &["status", "--check"]] {
        let after = shop.shell.run(command).await?;
        assert_eq!((after.code, &*after.stdout), (Some(4), ""), "{after:?}");
        assert!(after.stderr.starts_with("You are signed out: "), "{after:?}");
        assert!(after.stderr.contains("Sign in again: scitoolkit login"), "{after:?}");
    }

    // Nobody to tell: it says so, and removes it here.
    let away = shop.another()?;
    fs::write(away.home().join("t"), shop.token("away").await?)?;
    assert_eq!(away.run(&["login", "--token-file", "t"]).await?.code, Some(0));
    let mut shop = shop;
    shop.server.stop().await?;
    let out = away.run(&["logout"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    assert!(out.stderr.contains("could not be revoked at the server"), "{out:?}");
    assert!(!away.home().join(".scitoolkit/token").exists());
    Ok(())
}

// proves: ST11, ST12, ST13, ST14
#[tokio::test]
async fn a_token_for_each_toolkit_is_taken_in_its_time_and_cleaned_away() -> Result<()> {
    let shop = Shop::open("scitoolkit").await?;
    shop.admin(&["project", "create", "acme/blast"]).await?;
    let stk = "stk_0123456789abcdefghij0123456789";
    let hashes = shop.server.scratch().join("hashes");
    fs::write(&hashes, format!("{}\n", hash(stk)))?;
    let hashes = hashes.display().to_string();
    shop.admin(&["legacy", "import", &hashes, "--project", "acme/genome"]).await?;
    let kept = shop.shell.home().join(".scitoolkit/tokens/genome");

    // A: announced.
    let login = shop.shell.run(&["login", "acme/blast", "--token", stk]).await?;
    assert_eq!(login.code, Some(2), "it is for its one toolkit: {login:?}");
    let login =
        shop.shell.run_with(&["login", "genome", "--token", "-", "--org", "acme"], stk).await?;
    assert_eq!(login.code, Some(0), "{login:?}");
    assert_eq!((fs::read_to_string(&kept)?.trim_end(), mode(&kept)?), (stk, 0o600));
    assert!(!login.stderr.contains("DEPRECATED"), "{login:?}");
    let http = reqwest::Client::new();
    let check = async |project: &str| {
        let url = shop.server.at(&format!("/check?project=acme/{project}&permission=project:read"));
        http.get(url).bearer_auth(stk).send().await.map(|answer| answer.status().as_u16())
    };
    assert_eq!((check("genome").await?, check("blast").await?), (200, 403));

    // It is for one toolkit and says which, also where nobody said whose that is.
    let other = shop.shell.run_with(&["login", "blast", "--token", "-"], stk).await?;
    let said = other.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(other.code == Some(2) && said.contains("good for acme/genome alone"), "{other:?}");
    assert!(said.ends_with("Next: scitoolkit login acme/genome --token -"), "{other:?}");
    assert!(!shop.shell.home().join(".scitoolkit/tokens/blast").exists());
    let whole = shop.shell.run_with(&["login", "--token", "-"], stk).await?;
    let said = whole.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(whole.code == Some(2) && said.contains("good for acme/genome alone"), "{whole:?}");
    assert!(said.ends_with("Next: scitoolkit login acme/genome --token -"), "{whole:?}");
    for (given, why) in [("", "nothing was given"), ("x", "not a token of one toolkit")] {
        let odd = shop.shell.run_with(&["login", "blast", "--token", "-"], given).await?;
        let said = odd.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(odd.code == Some(2) && said.contains(why), "{odd:?}");
        assert!(said.ends_with("Next: scitoolkit login blast --token -"), "{odd:?}");
    }
    // Where nobody is signed in it is used, for its toolkit and for no other.
    assert_eq!(shop.run("publish genome").await?.code, Some(0));
    assert_eq!(shop.front.seen().last().map(|it| it.1.clone()), Some(format!("Bearer {stk}")));
    assert_eq!(shop.run("publish blast").await?.code, Some(3));

    // Without a terminal nothing changes, and a line says how.
    let login = shop.sign_in(&shop.shell, &["login"]).await?;
    assert!(login.code == Some(0) && kept.exists(), "{login:?}");
    assert!(login.stderr.contains("scitoolkit logout --clean-legacy"), "{login:?}");

    // B: warned of.
    shop.admin(&["legacy", "phase", "B"]).await?;
    phase(&shop, "B").await?;
    let login = shop.shell.run_with(&["login", "genome", "--token", "-"], stk).await?;
    assert!(login.code == Some(0) && login.stderr.starts_with("warning: DEPRECATED"), "{login:?}");

    // C: over, and old ones still work.
    shop.admin(&["legacy", "phase", "C"]).await?;
    phase(&shop, "C").await?;
    let login = shop.shell.run_with(&["login", "genome", "--token", "-"], stk).await?;
    assert_eq!(login.code, Some(2), "{login:?}");
    assert!(login.stderr.ends_with("Next: scitoolkit login\n"), "{login:?}");
    assert_eq!(check("genome").await?, 200);

    let out = shop.shell.run(&["logout", "--clean-legacy"]).await?;
    assert_eq!(out.code, Some(0), "{out:?}");
    assert!(!kept.exists(), "{out:?}");
    assert_eq!(check("genome").await?, 401);
    Ok(())
}

/// Until the server says that the move is there.
pub(crate) async fn phase(shop: &Shop, wanted: &str) -> Result<()> {
    wait::until("the next phase", async || {
        let said: serde_json::Value =
            reqwest::get(shop.server.at("/auth/config")).await?.json().await?;
        Ok((said["legacy_phase"] == wanted).then_some(()))
    })
    .await
}
