//! SkillMeat: a boxed prompt, personal tokens, a keyring or a file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use hallpass_testkit::cli::Cli;
use hallpass_testkit::keyring::Session;
use hallpass_testkit::process::Finished;
use hallpass_testkit::provider::Provider;
use serde_json::{Value, json};

use crate::elsewhere::{SKILLMEAT, signs_in};
use crate::registry::Registry;
use crate::shop::{Shop, code};

const LOGOUT: &str = "\
┌─ Logout ──────────────────────────────────────┐
│                                               │
│ Logged out successfully.                      │
│                                               │
│ All stored credentials have been cleared.     │
└───────────────────────────────────────────────┘
";

fn stored(place: &str) -> String {
    format!(
        "┌─ Token stored ────────────────────────────────┐\n\
         │                                               │\n\
         │ Personal Access Token stored successfully!    │\n\
         │                                               │\n\
         │ {place:<46}│\n\
         └───────────────────────────────────────────────┘\n"
    )
}

fn told(finished: &Finished) -> (Option<i32>, &str) {
    (finished.code, &finished.stderr)
}

// proves: SM01, SM03, SM08, SM09, SM11
#[tokio::test]
async fn a_person_signs_in_at_a_box_and_stays_signed_in() -> Result<()> {
    let shop = Shop::open("skillmeat").await?;
    // A launcher that fails is said, and stops nothing.
    let (launcher, opened) = shop.shell.launcher(1)?;
    let shell = shop.another()?.variable("BROWSER", &launcher);
    let mut login = shell.start(&["auth", "login"])?;
    let typed = code(&mut login, &shop.brand).await?;
    let page = shop.server.at("/device");
    let boxed = format!(
        "┌─ Authorize SkillMeat ─────────────────────────┐\n\
         │                                               │\n\
         │ To log in, visit:                             │\n\
         │                                               │\n\
         │ {page:<46}│\n\
         │                                               │\n\
         │ Enter code:                                   │\n\
         │                                               │\n\
         │ {typed:<46}│\n\
         │                                               │\n\
         │ The code expires in 600 seconds.              │\n\
         └───────────────────────────────────────────────┘\n"
    );
    assert!(login.written().contains(&boxed), "{}", login.written());
    shop.person.decide_device(&typed, "approve").await?;
    let done = login.finished().await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(fs::read_to_string(&opened)?.contains(&typed), "the browser was sent there");
    let kept = "Credentials stored in ~/.skillmeat/credentials.json (readable by you only).\n";
    for line in ["Could not open browser automatically\n", "Logged in as ada@example.com\n", kept] {
        assert!(done.stderr.contains(line), "{line}: {done:?}");
    }

    let file = shell.home().join(".skillmeat/credentials.json");
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let read = || -> Result<Value> { Ok(serde_json::from_slice(&fs::read(&file)?)?) };
    let first = read()?;
    for name in ["access_token", "refresh_token", "id_token"] {
        assert!(first[name].is_string(), "{name}");
    }
    assert_eq!(first["token_type"], "Bearer");
    assert!(first["expires_at"].is_f64() && first["stored_at"].is_f64());

    // Who is signed in is not asked again: it is refreshed.
    let again = shell.run(&["auth", "login"]).await?;
    let refreshed = "Logged in as ada@example.com; your credentials were refreshed.\n";
    assert_eq!(told(&again), (Some(0), refreshed));
    assert_ne!(read()?["access_token"], first["access_token"]);

    let keys = shell.home().join(".skillmeat/keys.json");
    let before = (fs::read(&file)?, fs::read(&keys)?);
    for _ in 0..2 {
        let out = shell.run(&["auth", "logout"]).await?;
        assert_eq!(told(&out), (Some(0), LOGOUT));
        assert!(!file.exists());
    }
    // Signing out is local here: what was copied before, its key too, is still good.
    fs::write(&file, before.0)?;
    fs::write(&keys, before.1)?;
    assert_eq!(shell.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");

    // The provider cannot be reached: that is said, and what is kept stays as it is.
    let good = fs::read(&file)?;
    let mut away = read()?;
    away["credentials"][0]["access"]["expires_in"] = 0.into();
    away["credentials"][0]["endpoints"]["token"] = "http://localhost:1/oauth/token".into();
    fs::write(&file, away.to_string())?;
    let after = shell.run(&["whoami"]).await?;
    assert_eq!((after.code, fs::read(&file)?), (Some(5), away.to_string().into_bytes()));
    assert!(after.stderr.starts_with("Token refresh failed: cannot reach "), "{after:?}");
    assert!(after.stderr.contains(". Run 'skillmeat auth login'."), "{after:?}");
    fs::write(&file, good)?;

    // The provider has ended it: that is said, and nothing is thrown away.
    let kept = read()?["refresh_token"].as_str().context("a token")?.to_owned();
    let form = [("token", kept.as_str()), ("client_id", "skillmeat-cli")];
    let ended = reqwest::Client::new().post(shop.server.at("/oauth/revoke")).form(&form);
    assert_eq!(ended.send().await?.status(), 200);
    let mut aged = read()?;
    aged["credentials"][0]["access"]["expires_in"] = 0.into();
    fs::write(&file, aged.to_string())?;
    let after = shell.run(&["whoami"]).await?;
    assert!(after.code == Some(3) && file.exists(), "{after:?}");
    assert!(after.stderr.starts_with("Token refresh failed: "), "{after:?}");
    assert!(after.stderr.contains(". Run 'skillmeat auth login'."), "{after:?}");
    Ok(())
}

// proves: SM02, SM03, SM05, SM11, SM12, SM13
#[tokio::test]
async fn a_personal_token_is_kept_and_a_variable_comes_before_it() -> Result<()> {
    let shop = Shop::open("skillmeat").await?;
    let pat = shop.token("laptop").await?;
    assert!(pat.starts_with("sk_live_"), "an administrator made it for her");
    let given = shop.shell.run_with(&["auth", "token"], &pat).await?;
    let line = "Credentials stored in ~/.skillmeat/credentials.json (readable by you only).";
    assert_eq!(given.code, Some(0), "{given:?}");
    assert!(given.stderr.contains("Personal Access Token stored successfully!"), "{given:?}");
    assert!(given.stderr.contains(line), "{given:?}");
    assert_eq!(shop.run("list").await?.code, Some(0));

    let session = Session::unlocked().await?;
    let safe = session.shell(shop.another()?).variable("SKILLMEAT_STORE", "");
    let given = safe.run_with(&["auth", "token"], &pat).await?;
    assert_eq!(told(&given), (Some(0), &*stored("Credentials stored in system keyring.")));
    assert_eq!(session.entries("skillmeat").await?.len(), 1);
    // Not another place than the box has said, and not less than is so.
    let status = safe.run(&["auth", "status"]).await?.stdout;
    let words: Vec<_> = status.split_whitespace().collect();
    let place = "Kept in the system keyring (Secret Service), with the key that seals \
                 ~/.skillmeat/credentials.json";
    assert!(words.join(" ").contains(place), "{status}");
    assert_eq!(safe.run(&["list"]).await?.code, Some(0));
    assert_eq!(told(&safe.run(&["auth", "logout"]).await?), (Some(0), LOGOUT));
    assert!(session.entries("skillmeat").await?.is_empty());

    // The recipes of the page: one step of a job, with the secret in its environment.
    let other = shop.token("ci").await?;
    for platform in [("GITHUB_ACTIONS", "true"), ("GITLAB_CI", "true")] {
        let job = shop.another()?.variable(platform.0, platform.1).variable("CI", "true");
        let job = job.variable("SKILLMEAT_AUTH_TOKEN", &other);
        let step = job.run(&["list"]).await?;
        assert_eq!(step.code, Some(0), "{step:?}");
        assert!(!job.home().join(".skillmeat").exists());
        // Nobody is there to enter a code.
        let login = job.run(&["auth", "login"]).await?;
        assert!(login.code == Some(2) && login.stderr.contains("CI is set"), "{login:?}");
    }
    let mut both = shop.shell.command(&["list"])?;
    both.env("SKILLMEAT_AUTH_TOKEN", &other);
    hallpass_testkit::process::Running::finish(&mut both, b"").await?;
    let sent: Vec<_> = shop.front.seen().into_iter().map(|(_, sent)| sent).collect();
    let bearers = [&pat, &pat, &other, &other, &other].map(|token| format!("Bearer {token}"));
    assert_eq!(sent, bearers);
    // Neither: it is not signed in, and nothing asks.
    assert_eq!(shop.another()?.run(&["list"]).await?.code, Some(3));
    Ok(())
}

// proves: SM04, SM06, SM10
#[tokio::test]
async fn each_trouble_has_its_words_and_the_mode_can_be_forced() -> Result<()> {
    let shop = Shop::open("skillmeat").await?;
    let mode =
        |mode: &str| Ok::<_, anyhow::Error>(shop.another()?.variable("SKILLMEAT_AUTH_MODE", mode));
    let odd = mode("klerk")?.run(&["auth", "login"]).await?;
    assert!(odd.code == Some(2) && odd.stderr.contains("klerk"), "{odd:?}");
    let local = mode("local")?.run(&["auth", "login"]).await?;
    assert!(local.code == Some(0), "{local:?}");
    assert!(local.stderr.starts_with("┌─ Auth not required ─"), "{local:?}");
    assert!(local.stderr.ends_with("┘\n"), "nothing is to be done: {local:?}");
    let status = mode("local")?.run(&["auth", "status"]).await?;
    assert_eq!((status.code, &status.stderr), (Some(0), &local.stderr), "{status:?}");
    let loud = mode("LOCAL")?.run(&["auth", "status"]).await?;
    assert!(
        loud.code == Some(2) && loud.stderr.contains("export SKILLMEAT_AUTH_MODE=local"),
        "{loud:?}"
    );
    // A forced mode asks no server whether it is so.
    let forced = Registry::open(json!({ "mode": "oidc", "issuer": "http://localhost:1" })).await?;
    let free = mode("local")?.variable("SKILLMEAT_SERVER", &forced.url);
    assert_eq!(free.run(&["list"]).await?.code, Some(0));
    assert_eq!(forced.seen(), [("GET /api/v1/artifacts".to_owned(), String::new())]);
    let bare = mode("clerk")?.run(&["auth", "login"]).await?;
    let words = "DeviceCodeConfigError: Auth not configured. Set SKILLMEAT_AUTH_ISSUER_URL\n\
                 and SKILLMEAT_AUTH_CLIENT_ID environment variables.\n";
    assert!(bare.code == Some(1) && bare.stderr.starts_with(words), "{bare:?}");
    // What failed is not the way on, and a provider without a client is half of it.
    let next = "  Next: export SKILLMEAT_AUTH_ISSUER_URL=URL SKILLMEAT_AUTH_CLIENT_ID=ID\n";
    assert!(bare.stderr.ends_with(next), "{bare:?}");
    let half = shop.another()?.variable("SKILLMEAT_AUTH_ISSUER_URL", "http://localhost:1");
    let half = half.run(&["auth", "login"]).await?;
    assert_eq!(told(&half), (Some(1), &*bare.stderr));

    // The server itself says that nobody has to sign in.
    let registry = Registry::open(json!({ "mode": "local" })).await?;
    let free = shop.another()?.variable("SKILLMEAT_SERVER", &registry.url);
    let login = free.run(&["auth", "login"]).await?;
    assert!(login.code == Some(0) && login.stderr.contains("(zero-auth)"), "{login:?}");
    assert_eq!(free.run(&["list"]).await?.code, Some(0));

    let mut login = shop.shell.start(&["auth", "login", "--no-browser"])?;
    let typed = code(&mut login, &shop.brand).await?;
    shop.person.decide_device(&typed, "deny").await?;
    let denied = login.finished().await?;
    let words = "Authorization denied. Run 'skillmeat auth login' to try again.\n";
    assert!(denied.code == Some(6) && denied.stderr.ends_with(words), "{denied:?}");
    let late = shop.shell.run(&["auth", "login", "--no-browser", "--timeout", "1"]).await?;
    // It was the caller's own time: the same again would end the same.
    let words = "Device code expired. Run 'skillmeat auth login' again.\n  \
                 Next: skillmeat auth login --timeout 600\n";
    assert!(late.code == Some(6) && late.stderr.ends_with(words), "{late:?}");

    let dir = shop.shell.home().join(".skillmeat");
    fs::create_dir_all(&dir)?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
    fs::write(dir.join("credentials.json"), "{")?;
    let corrupt = shop.run("list").await?;
    let words = "Credentials file is corrupted: ~/.skillmeat/credentials.json. \
                 Run 'skillmeat auth logout', then 'skillmeat auth login'.\n";
    assert_eq!(told(&corrupt), (Some(7), words));
    assert_eq!(told(&shop.run("auth status").await?), (Some(7), words));
    // The box, and where the file is that nobody could read. It is not deleted behind their back.
    let out = shop.run("auth logout").await?;
    assert!(out.code == Some(0) && out.stderr.starts_with(LOGOUT), "{out:?}");
    assert!(out.stderr.contains("there may be tokens in it"), "{out:?}");
    assert!(!dir.join("credentials.json").exists());
    assert_eq!(told(&shop.run("auth logout").await?), (Some(0), LOGOUT));
    let help = shop.run("auth logout --help").await?.stdout;
    assert!(!help.contains("Revoke"), "the token itself lives on: {help}");
    Ok(())
}

// proves: SM01, SM04
#[tokio::test]
async fn variables_name_a_provider_that_is_not_ours() -> Result<()> {
    let provider = Provider::start("{}").await?;
    let shell = Cli::at(&provider.issuer)?.program("skillmeat");
    let shell = shell
        .variable("SKILLMEAT_AUTH_MODE", "clerk")
        .variable("SKILLMEAT_AUTH_ISSUER_URL", &provider.issuer)
        .variable("SKILLMEAT_AUTH_CLIENT_ID", "native")
        .variable("SKILLMEAT_SERVER", &provider.issuer);
    let login = shell.start(&["auth", "login", "--no-browser"])?;
    let done = signs_in(login, SKILLMEAT, "ada").await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let file = shell.home().join(".skillmeat/credentials.json");
    let kept: Value = serde_json::from_slice(&fs::read(file)?)?;
    kept["access_token"].as_str().context("a token")?;

    // The API is not the provider: it gets the ID token, and the provider never does.
    let api = Registry::open(json!({ "mode": "oidc", "issuer": "http://localhost:1" })).await?;
    let shell = Cli::at(&api.url)?
        .program("skillmeat")
        .variable("SKILLMEAT_AUTH_ISSUER_URL", &provider.issuer)
        .variable("SKILLMEAT_AUTH_CLIENT_ID", "native")
        .variable("SKILLMEAT_SERVER", &api.url);
    let login = shell.start(&["auth", "login", "--no-browser"])?;
    let done = signs_in(login, SKILLMEAT, "ada").await?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let me = shell.run(&["whoami"]).await?;
    assert_eq!((me.code, &*me.stdout), (Some(0), "ada@idp.example (ADA)\n"), "{me:?}");
    assert!(me.stderr.contains("does not say who is signed in"), "{me:?}");
    let status = shell.run(&["auth", "status", "--check"]).await?;
    assert!(status.code == Some(0) && !status.stdout.contains("accepts it"), "{status:?}");
    let kept = fs::read(shell.home().join(".skillmeat/credentials.json"))?;
    let kept: Value = serde_json::from_slice(&kept)?;
    let carried = format!("Bearer {}", kept["access_token"].as_str().context("a token")?);
    let call = ("GET /api/v1/whoami".to_owned(), carried);
    assert_eq!(api.seen().first(), Some(&call));
    Ok(())
}
