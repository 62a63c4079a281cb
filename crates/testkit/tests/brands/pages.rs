//! What a server's pages say in a brand: its commands, its names, its addresses.

use anyhow::{Context as _, Result};
use hallpass_testkit::person::Person;
use hallpass_testkit::{html, wait};

use crate::shop::Shop;

/// Every command line of the tool's that a page shows is one that the tool takes.
// proves: ST05, RB05, RB09, SN01, HP17
#[tokio::test]
async fn a_page_shows_no_command_that_the_tool_does_not_have() -> Result<()> {
    for (name, shown) in [
        ("scitoolkit", "scitoolkit token create ci"),
        ("skillsctl", "skillsctl auth login --server "),
        ("scion", "scion hub agent run -- CMD"),
        ("skillmeat", "skillmeat auth login --server "),
        ("rbtk", "rbtk auth keys create gitlab-ci --project acme/PROJECT"),
    ] {
        let shop = Shop::open(name).await?;
        let tool = hallpass_cli::command(&shop.brand);
        let mut lines = Vec::new();
        for page in [
            "/",
            "/settings/sessions",
            "/settings/tokens",
            "/settings/agents",
            "/settings/approvals",
            "/orgs",
            "/orgs/acme",
            "/orgs/acme/keys",
            "/orgs/acme/trust",
        ] {
            let page = shop.person.get(page).await?;
            assert_eq!(page.status, 200, "{name}: {}", page.url);
            lines.extend(html::texts(&page.body, "pre, code"));
        }
        let start = format!("{name} ");
        let ours: Vec<_> = lines.iter().filter(|line| line.starts_with(&start)).collect();
        assert!(ours.iter().any(|line| line.starts_with(shown)), "{name}: {lines:?}");
        for line in ours {
            let tried = tool.clone().try_get_matches_from(line.split(' '));
            assert!(tried.is_ok(), "{name}: {line}: {tried:?}");
        }
    }
    Ok(())
}

/// The walk of the page *CLI Tokens*: make, copy, rename, let it end, revoke.
// proves: ST05, ST06, ST07, ST15
#[tokio::test]
async fn a_token_is_made_renamed_and_revoked_on_the_page() -> Result<()> {
    let shop = Shop::open("scitoolkit").await?;
    let person = &shop.person;
    let make = async |name: &str| {
        let page = person.get("/settings/tokens/new").await?;
        let made = person.submit(&page, "#make", &[("name", name)], None).await?;
        html::value(&made.body, "#token", "value").context("the token, this once")
    };
    let (token, unnamed) = (make("laptop").await?, make("").await?);
    assert!(token.starts_with("sct_user_") && unnamed.starts_with("sct_user_"));
    let list = person.get("/cli-tokens").await?;
    assert_eq!(list.text("h1").as_deref(), Some("CLI Tokens"));
    assert_eq!(list.text("#new-token").as_deref(), Some("Generate token"));
    let blank = person.get("/settings/tokens/new").await?;
    assert_eq!(blank.text("h1").as_deref(), Some("Generate token"));
    for told in ["laptop", "never used", "Made "] {
        assert!(list.body.contains(told), "{told}: {}", list.body);
    }
    assert!(!list.body.contains(&token), "the value is never shown again");

    let signed_in = shop.shell.run_with(&["login", "--token", "-"], &token).await?;
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    let list = wait::until("the use, which is written down in a moment", async || {
        let list = person.get("/cli-tokens").await?;
        Ok(list.body.contains("last used").then_some(list))
    })
    .await?;
    let links = html::texts(&list.body, "#tokens a.name");
    let at = links.iter().position(|name| name == "laptop").context("its line")?;
    let ids: Vec<_> = list.body.split("data-fate=").collect();
    let id = ids[at].rsplit("id=\"").next().and_then(|rest| rest.split('"').next());
    let path = format!("/settings/tokens/{}", id.context("its id")?);
    let page = person.get(&path).await?;
    let page = person.submit(&page, "#rename", &[("name", "desk")], None).await?;
    assert!(page.body.contains("desk"), "{}", page.body);
    let page = person.get(&path).await?;
    let page = person.submit(&page, "#expiry", &[("expires", "7d")], None).await?;
    assert!(page.body.contains("Ends"), "{}", page.body);
    assert_eq!(shop.shell.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");

    let page = person.get(&path).await?;
    person.submit(&page, "#revoke", &[], None).await?;
    let after = shop.shell.run(&["whoami"]).await?;
    assert!(after.code == Some(4) && after.stderr.starts_with("You are signed out"), "{after:?}");
    let told = after.stderr.matches("scitoolkit ").count();
    assert_eq!(told, 1, "one command to type next: {after:?}");
    Ok(())
}

/// A toolkit's own page, in each phase of the move away from its tokens.
// proves: ST13
#[tokio::test]
async fn a_toolkits_page_has_its_tokens_and_a_banner_while_the_move_lasts() -> Result<()> {
    let shop = Shop::open("scitoolkit").await?;
    shop.admin(&["legacy", "phase", "A"]).await?;
    let page =
        async |path: &str| shop.person.get(&format!("/orgs/acme/projects/genome{path}")).await;
    let toolkit = page("").await?;
    let banner = toolkit.text("#older-tokens").context("a banner")?;
    assert!(banner.contains("personal token") && banner.contains("of this toolkit"), "{banner}");
    assert!(!toolkit.body.contains("this project"), "{}", toolkit.body);
    let tokens = page("/tokens").await?;
    let made = shop.person.submit(&tokens, "#make", &[("name", "nightly")], None).await?;
    let stk = html::value(&made.body, "#token", "value").context("the token")?;
    assert!(stk.starts_with("stk_"), "{stk}");

    shop.admin(&["legacy", "phase", "B"]).await?;
    crate::scitoolkit::phase(&shop, "B").await?;
    let (toolkit, tokens) = (page("").await?, page("/tokens").await?);
    assert!(toolkit.text("#older-tokens").is_some(), "there is one left");
    assert!(tokens.text("#make").is_none() && tokens.text("#banner").is_some());
    let shell = shop.another()?.variable("SCITOOLKIT_TOKEN", &stk);
    assert_eq!(shell.run(&["publish", "genome"]).await?.code, Some(0), "and it works");
    let who = shell.run(&["whoami"]).await?;
    assert_eq!((who.code, &*who.stdout), (Some(0), "Ada (an older token of acme/genome)\n"));
    Ok(())
}

/// What the page of Roboticks calls *Settings → API keys* and *Settings → GitHub OIDC*.
// proves: RB05, RB09
#[tokio::test]
async fn settings_lead_to_api_keys_and_to_github() -> Result<()> {
    let shop = Shop::open("rbtk").await?;
    let home = shop.person.get("/orgs").await?;
    let front = html::texts(&shop.person.get("/").await?.body, ".ways strong");
    let menu = html::texts(&home.body, "nav[aria-label=Settings] a");
    for name in ["API keys", "GitHub OIDC"] {
        assert!(menu.iter().any(|entry| entry == name), "{menu:?}");
        assert!(front.iter().any(|entry| entry == name), "{front:?}");
    }
    for (address, page) in
        [("/settings/api-keys", "/orgs/acme/keys"), ("/settings/github-oidc", "/orgs/acme/trust")]
    {
        assert_eq!(shop.person.get(address).await?.url.path(), page);
    }
    for (page, heading) in [("keys", "API keys of acme"), ("trust", "GitHub OIDC of acme")] {
        let page = shop.person.get(&format!("/orgs/acme/{page}")).await?;
        assert_eq!(page.text("h1").as_deref(), Some(heading));
        let menu = html::texts(&page.body, "nav[aria-label=Organization] a");
        for name in ["API keys", "GitHub OIDC"] {
            assert!(menu.iter().any(|entry| entry == name), "{menu:?}");
        }
    }
    let new = shop.person.get("/orgs/acme/keys/new").await?;
    for told in ["New key", "Scope", "Project", "Org admin", "90 days"] {
        assert!(new.body.contains(told), "{told}: {}", new.body);
    }
    let form = html::form(&new.body, "#make").context("its form")?;
    assert!(form.fields.contains(&("expires".to_owned(), "90d".to_owned())), "{form:?}");
    let filled = [("name", "gitlab-ci-warehouse"), ("kind", "org")];
    let made = shop.person.submit(&new, "#make", &filled, None).await?;
    let key = html::value(&made.body, "#token", "value").context("the key, this once")?;
    assert!(key.starts_with("rbtk_sk_") && made.body.contains("as an admin"), "{}", made.body);
    let again = shop.person.get("/orgs/acme/keys").await?;
    assert!(again.body.contains("gitlab-ci-warehouse") && !again.body.contains(&key));

    // Of two organizations, one chooses.
    shop.admin(&["org", "create", "beta", "--owner", &shop.ada.email]).await?;
    let choice = shop.person.get("/settings/api-keys").await?;
    assert_eq!(choice.text("h1").as_deref(), Some("API keys"));
    assert_eq!(html::texts(&choice.body, "#orgs a").len(), 2);
    Ok(())
}

/// Whoever owns a project, and has no role in its organization, is led to what is theirs to manage; who
/// manages nothing has no such entry.
// proves: RB05, RB09
#[tokio::test]
async fn who_owns_a_project_is_led_to_its_keys_and_who_manages_nothing_is_not_led_astray()
-> Result<()> {
    let shop = Shop::open("rbtk").await?;
    let entries = async |person: &Person| -> Result<Vec<String>> {
        let front = html::texts(&person.get("/").await?.body, ".ways strong");
        let orgs = person.get("/orgs").await?;
        let menu = html::texts(&orgs.body, "nav[aria-label=Settings] a");
        let named = |name: &String| name == "API keys" || name == "GitHub OIDC";
        Ok(front.into_iter().chain(menu).filter(named).collect())
    };
    let bo = shop.server.person("bo@example.com", "Bo").await?;
    let set = |place, role| ["member", "set", place, "bo@example.com", role];
    shop.admin(&set("acme/genome", "collaborator")).await?;
    let person = Person::signed_in(&shop.server, &bo).await?;
    assert_eq!(entries(&person).await?, Vec::<String>::new());
    let nothing = person.get("/settings/api-keys").await?;
    assert_eq!(nothing.status, 200);
    assert!(nothing.text("#no-orgs").is_some_and(|it| it.contains("manage")), "{}", nothing.body);

    shop.admin(&set("acme/genome", "owner")).await?;
    assert_eq!(entries(&person).await?.len(), 4);
    let home = "/orgs/acme/projects/genome";
    for (address, page, heading) in [
        ("/settings/api-keys", "keys", "API keys of acme/genome"),
        ("/settings/github-oidc", "trust", "GitHub OIDC of acme/genome"),
    ] {
        let led = person.get(address).await?;
        assert_eq!((led.status.as_u16(), led.url.path()), (200, &*format!("{home}/{page}")));
        assert_eq!(led.text("h1").as_deref(), Some(heading));
    }
    // Its page leads to both.
    let project = person.get(home).await?;
    for (link, page) in [("#keys", "keys"), ("#jobs", "trust")] {
        let leads = html::value(&project.body, link, "href");
        assert_eq!(leads.as_deref(), Some(&*format!("{home}/{page}")), "{}", project.body);
    }
    let jobs = person.get(&format!("{home}/trust")).await?;
    let server = shop.server.url();
    let command = format!("rbtk auth oidc-from-github --server {server}");
    assert!(html::texts(&jobs.body, "pre").contains(&command), "{}", jobs.body);
    assert!(jobs.body.contains("Create runs, as collaborators and owners of a project"));

    // What is made there is a key.
    let new = person.get(&format!("{home}/keys/new")).await?;
    let made = person.submit(&new, "#make", &[("name", "ci")], None).await?;
    assert_eq!(made.text("label[for=token]").as_deref(), Some("Key"));
    assert!(made.body.contains("<title>Copy the key"), "{}", made.body);
    let crumbs = html::texts(&made.body, "nav[aria-label=Breadcrumb] a");
    assert!(crumbs.contains(&"API keys of acme/genome".to_owned()), "{crumbs:?}");

    // Of two, one chooses.
    shop.admin(&["project", "create", "acme/atlas"]).await?;
    shop.admin(&set("acme/atlas", "owner")).await?;
    let choice = person.get("/settings/api-keys").await?;
    let places = html::texts(&choice.body, "#orgs a");
    assert_eq!(places, ["acme/genome", "acme/atlas"].map(str::to_owned));
    Ok(())
}
