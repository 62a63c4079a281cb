//! The log as the API shows it: what each OAuth endpoint leaves in it, what was denied, and that
//! somebody who is disabled holds nothing.

use anyhow::{Context as _, Result, ensure};
use hallpass_testkit::oauth::{Answer, Tokens};
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;
use hallpass_testkit::wait;
use serde_json::{Value, json};

use crate::city::{City, text};

/// Actions in the log, the newest first; those that were denied apart.
async fn actions(city: &City) -> Result<(Vec<String>, Vec<Value>)> {
    let root = city.presents("administrator").context("an administrator")?;
    let page = city.call("GET", "/api/v1/audit?limit=200", Some(root), None).await?.json();
    let rows = page["items"].as_array().context("rows")?.clone();
    let denied = |row: &Value| row["action"].as_str().is_some_and(|it| it.ends_with(".denied"));
    let (denied, changes): (Vec<_>, Vec<_>) = rows.into_iter().partition(denied);
    let changes = changes.iter().map(|row| text(row, "action")).collect::<Result<_>>()?;
    Ok((changes, denied))
}

/// What `change` leaves: exactly these rows.
async fn leaves<T>(
    city: &City,
    what: &str,
    rows: &[&str],
    change: impl Future<Output = Result<T>>,
) -> Result<T> {
    let before = actions(city).await?.0.len();
    let done = change.await.with_context(|| what.to_owned())?;
    let (after, _) = actions(city).await?;
    let mut left = after[..after.len() - before].to_vec();
    left.reverse();
    ensure!(left == rows, "{what} left {left:?}");
    Ok(done)
}

// proves: attack-47
#[tokio::test]
async fn what_each_endpoint_changes_leaves_one_row() -> Result<()> {
    let city = City::build(Plan::new().set("device_interval", "1s")).await?;
    let (tool, api, person) = (&city.town.tool, &city.town.api, &city.town.person);
    let approved = tool.approved(person, &[("scope", "openid offline_access")]).await?;
    let refused = |answer: &Answer| answer.status.is_client_error();

    // The token endpoint: a refusal leaves nothing, a grant its one row.
    let wrong = leaves(&city, "an unknown code", &[], async {
        tool.post("/oauth/token", &[("grant_type", "authorization_code"), ("code", "x")]).await
    });
    assert!(refused(&wrong.await?));
    let redeemed = leaves(&city, "a code", &["code.spend"], tool.redeem(&approved)).await?;
    let tokens = Tokens::read(&redeemed)?;
    let refreshed = leaves(&city, "a refresh", &["refresh.rotate"], tool.refresh(&tokens.refresh));
    let tokens = Tokens::read(&refreshed.await?)?;
    let unknown = leaves(&city, "an unknown refresh token", &[], tool.refresh("hp_rt_x")).await?;
    assert!(refused(&unknown));

    let device = leaves(&city, "a device code", &["device.start"], tool.device(&[])).await?;
    let (user_code, device_code) = (device.get("user_code"), device.get("device_code"));
    let approve = person.decide_device(&user_code, "approve");
    leaves(&city, "an approval", &["device.approve"], approve).await?;
    let polled = wait::until("the interval", async || {
        let answer = tool.poll(&device_code).await?;
        Ok((answer.error() != "slow_down").then_some(answer))
    });
    let polled = leaves(&city, "a poll", &["device.spend"], polled).await?;
    let of_device = Tokens::read(&polled)?;

    // Asking changes nothing.
    for (what, ask) in [("introspection", "/oauth/introspect")] {
        leaves(&city, what, &[], api.post(ask, &[("token", &tokens.access)])).await?;
    }
    leaves(&city, "userinfo", &[], tool.get_with("/userinfo", &tokens.access)).await?;
    leaves(&city, "no token", &[], tool.revoke("hp_rt_x")).await?;
    leaves(&city, "a sign-in given back", &["grant.end"], tool.revoke(&tokens.refresh)).await?;
    leaves(&city, "a JWT given back", &["jwt.revoke"], tool.revoke(&of_device.access)).await?;
    Ok(())
}

// proves: HP14, E06
#[tokio::test]
async fn somebody_who_is_disabled_holds_nothing() -> Result<()> {
    let city = City::build(Plan::new().set("device_interval", "1s")).await?;
    let (account, bo) = city.town.bo().await?;
    let (tool, cli) = (&city.town.tool, &city.cli);
    let presented = city.signs_in(&bo).await?;
    let made = city.made(&presented, "/api/v1/tokens", json!({ "name": "ci" })).await?;
    let personal = text(&made, "value")?;
    let tokens = cli.tokens(&bo, &[("scope", "openid offline_access account")]).await?;
    let code = tool.approved(&bo, &[]).await?;
    let device = tool.device(&[]).await?;
    bo.decide_device(&device.get("user_code"), "approve").await?;
    let waiting = tool.device(&[]).await?;

    let whoami = async |bearer: &str| {
        let bearer = format!("Bearer {bearer}");
        anyhow::Ok(city.call("GET", "/api/v1/whoami", Some(&bearer), None).await?.status.as_u16())
    };
    let checked = async |bearer: &str| {
        let bearer = format!("Bearer {bearer}");
        anyhow::Ok(city.call("GET", "/check", Some(&bearer), None).await?.status.as_u16())
    };
    let bearers = [personal.as_str(), &tokens.access, presented.trim_start_matches("Bearer ")];
    for bearer in bearers {
        assert_eq!((whoami(bearer).await?, checked(bearer).await?), (200, 200));
    }
    let root = city.presents("administrator").context("an administrator")?.to_owned();
    let (email, me) = (account.email.clone(), "root@example.com");
    let set = async |who: &str, deed: &str| {
        let path = format!("/api/v1/users/{who}/{deed}");
        anyhow::Ok(city.call("POST", &path, Some(&root), None).await?)
    };
    assert_eq!(set(&email, "disable").await?.status, 204);

    let holds_nothing = async || {
        for bearer in bearers {
            assert_eq!((whoami(bearer).await?, checked(bearer).await?), (401, 401));
            let asked = city.town.api.introspect(bearer).await?.json();
            assert_eq!(asked["active"], false);
        }
        for answer in [
            cli.refresh(&tokens.refresh).await?,
            tool.redeem(&code).await?,
            tool.poll(&device.get("device_code")).await?,
        ] {
            assert_eq!(answer.error(), "invalid_grant", "{answer:?}");
        }
        let page = bo.get("/settings/sessions").await?;
        assert!(page.url.path().starts_with("/signin"), "{}", page.url);
        anyhow::Ok(())
    };
    holds_nothing().await?;
    // Nobody approves for them, and they are not let in.
    let again = Person::new(&city.town.server)?;
    let page = again.sign_in(&account.email, hallpass_testkit::server::PASSWORD).await?;
    assert!(page.body.contains("do not match"), "{}", page.body);
    assert_eq!(tool.poll(&waiting.get("device_code")).await?.error(), "authorization_pending");

    // It was noted: who was refused, and why. Not what they presented.
    let seen = wait::until("what was denied", async || {
        let (_, denied) = actions(&city).await?;
        let about = |why: &str| denied.iter().any(|row| row["detail"] == why);
        let session = denied.iter().any(|row| row["action"] == "session.denied");
        Ok((session && about("the account is disabled")).then_some(denied))
    })
    .await?;
    for secret in bearers {
        assert!(!format!("{seen:?}").contains(secret));
    }

    // Let in again, they begin anew: what ended stays ended.
    assert_eq!(set(&email, "enable").await?.status, 204);
    holds_nothing().await?;
    let back = Person::signed_in(&city.town.server, &account).await?;
    assert_eq!(whoami(city.signs_in(&back).await?.trim_start_matches("Bearer ")).await?, 200);

    // The last administrator stays.
    let refused = set(me, "disable").await?;
    assert_eq!(
        (refused.status.as_u16(), refused.get("code").as_str()),
        (409, "last_administrator")
    );
    assert_eq!(set(&email, "end-all").await?.status, 204);
    assert!(back.get("/settings/sessions").await?.url.path().starts_with("/signin"));
    Ok(())
}
