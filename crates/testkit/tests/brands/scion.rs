//! Scion: tokens that may do what their person may do, and a person's own sign-in.

use anyhow::Result;

use crate::shop::Shop;

// proves: SN01, SN02, SN03
#[tokio::test]
async fn a_token_of_the_hub_is_its_person_wherever_it_is() -> Result<()> {
    let shop = Shop::open("scion").await?;
    let signed_in = shop.sign_in(&shop.shell, &["hub", "login"]).await?;
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    let made = shop.shell.run(&["hub", "token", "create", "My CI/CD Token"]).await?;
    let pat = made.stdout.trim_end().to_owned();
    assert!(made.code == Some(0) && pat.starts_with("scion_pat_"), "{made:?}");
    assert!(!made.stderr.contains(&pat) && !pat.contains('\n'), "the value once: {made:?}");

    let ci = shop.another()?.variable("SCION_HUB_TOKEN", &pat);
    let listed = ci.run(&["list"]).await?;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let carried = |n: usize| shop.front.seen()[n].clone();
    assert_eq!(carried(0), ("GET /agents".to_owned(), format!("Bearer {pat}")));
    assert!(!ci.home().join(".config/scion").exists(), "nothing is stored");
    // It wins over a sign-in that is stored, and no browser opens.
    let both = shop.shell.command(&["list"])?;
    let mut both = both;
    both.env("SCION_HUB_TOKEN", &pat);
    let done = hallpass_testkit::process::Running::finish(&mut both, b"").await?;
    assert_eq!((done.code, carried(1).1), (Some(0), format!("Bearer {pat}")), "{done:?}");

    // It manages tokens too, as its person may.
    let second = ci.run(&["hub", "token", "create", "second"]).await?;
    assert_eq!(second.code, Some(0), "{second:?}");
    let table = ci.run(&["hub", "token", "list"]).await?.stdout;
    assert!(table.contains("My CI/CD Token") && table.contains("second"), "{table}");
    assert!(!table.contains(&pat), "{table}");
    let json: serde_json::Value =
        serde_json::from_str(&ci.run(&["hub", "token", "list", "--json"]).await?.stdout)?;
    let tokens = json["items"].as_array().cloned().unwrap_or_default();
    let id = tokens.iter().find(|token| token["name"] == "My CI/CD Token");
    let id = id.and_then(|token| token["id"].as_str()).unwrap_or_default().to_owned();
    let ended = shop.shell.run(&["hub", "token", "revoke", &id]).await?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let after = ci.run(&["list"]).await?;
    assert_eq!((after.code, &*after.stdout), (Some(4), ""), "{after:?}");
    Ok(())
}

// proves: SN08
#[tokio::test]
async fn a_person_signs_in_with_a_code_and_out_again() -> Result<()> {
    let shop = Shop::open("scion").await?;
    let before = shop.run("hub whoami").await?;
    assert_eq!(before.code, Some(3), "{before:?}");
    let next = format!("Next: scion hub login {}\n", shop.server.url());
    assert!(before.stderr.ends_with(&next), "{before:?}");
    assert_eq!(shop.sign_in(&shop.shell, &["hub", "login"]).await?.code, Some(0));
    assert_eq!(shop.run("hub whoami").await?.stdout, "ada@example.com (Ada)\n");
    // In a browser here, too.
    let mut login = shop.shell.start(&["hub", "login", "--web", "--no-browser"])?;
    let start = shop.server.at("/oauth/authorize?");
    let url = hallpass_testkit::cli::written(&mut login, "the address", |text| {
        hallpass_testkit::cli::address(text, &start)
    })
    .await?;
    let callback = shop.person.approve(&url).await?;
    shop.person.get_once(callback).await?;
    assert_eq!(login.finished().await?.code, Some(0));
    let out = shop.run("hub logout").await?;
    assert!(out.code == Some(0) && out.stderr.contains("Revoked at the server"), "{out:?}");
    assert_eq!(shop.run("list").await?.code, Some(3));
    Ok(())
}
