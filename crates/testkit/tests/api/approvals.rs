//! Approve this action: asked for, decided by its owner alone, done once, and nothing wider.

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::{self, Answer};
use hallpass_testkit::server::Plan;
use hallpass_testkit::smtp::{Received, Smtp};
use serde_json::{Value, json};

use crate::city::{City, text};

/// Who asks, in the city.
struct Agent<'a> {
    city: &'a City,
    id: String,
    presents: String,
}

/// What is asked for, in the spelling of whoever asks.
fn deploy() -> Value {
    json!({ "actions": ["restart"], "identifier": "shop", "type": "deploy", "version": 7 })
}

impl<'a> Agent<'a> {
    async fn started(city: &'a City, owner: &str) -> Result<Self> {
        let made = city.made(owner, "/api/v1/agents", json!({ "name": "deployer" })).await?;
        let id = text(&made["agent"], "id")?;
        Ok(Self { city, id, presents: format!("Bearer {}", text(&made, "token")?) })
    }

    async fn ask(&self, new: Value) -> Result<Answer> {
        self.city.call("POST", "/api/v1/agent/approvals", Some(&self.presents), Some(new)).await
    }

    /// The id of a question about `action`, and its digest.
    async fn asks(&self, action: &Value) -> Result<(String, String)> {
        let asked = self.ask(json!({ "authorization_details": [action] })).await?;
        assert_eq!(asked.status, 201, "{asked:?}");
        Ok((asked.get("auth_req_id"), asked.get("digest")))
    }

    async fn polls(&self, id: &str) -> Result<(u16, String)> {
        let path = format!("/api/v1/agent/approvals/{id}/token");
        let answer = self.city.call("POST", &path, Some(&self.presents), None).await?;
        let said = if answer.status == 201 { "token" } else { "code" };
        Ok((answer.status.as_u16(), answer.get(said)))
    }
}

async fn decides(city: &City, who: &str, id: &str, digest: Option<&str>) -> Result<u16> {
    let (verb, body) = match digest {
        Some(digest) => ("approve", Some(json!({ "digest": digest }))),
        None => ("deny", None),
    };
    let path = format!("/api/v1/approvals/{id}/{verb}");
    Ok(city.call("POST", &path, Some(who), body).await?.status.as_u16())
}

/// Whether a resource server is told to do `action` with this token.
async fn does(city: &City, token: &str, action: &Value) -> Result<bool> {
    let params = [("token", token), ("authorization_details", &action.to_string())];
    let answer = city.town.api.post("/oauth/action", &params).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let said = answer.json();
    if said["active"] == true {
        assert_eq!(said["authorization_details"], json!([action]), "{said}");
        assert_eq!(said["credential"], "approved_action");
    } else {
        assert_eq!(said, json!({ "active": false }));
    }
    Ok(said["active"] == true)
}

fn no(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

// proves: HP09
#[tokio::test]
async fn what_was_approved_is_done_once_and_cannot_be_widened() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let agent = Agent::started(&city, owner).await?;
    let (id, digest) = agent.asks(&deploy()).await?;
    assert_eq!(agent.polls(&id).await?, no("authorization_pending"));
    assert_eq!(agent.polls(&id).await?, no("slow_down"));
    // The owner sees it whole, and nobody else does.
    let shown =
        city.call("GET", &format!("/api/v1/approvals/{id}"), Some(owner), None).await?.json();
    assert_eq!(
        (&shown["authorization_details"], &shown["state"]),
        (&json!([deploy()]), &json!("pending"))
    );
    assert_eq!((&shown["digest"], &shown["agent"]), (&json!(digest), &json!(agent.id)));
    let stranger = city.presents("stranger").context("a stranger")?;
    assert_eq!(decides(&city, stranger, &id, Some(&digest)).await?, 404);
    // Another digest than that of what was shown approves nothing, nor does one that is none.
    let other = agent.asks(&json!({ "type": "else" })).await?;
    for wrong in [other.1.as_str(), "", "x", "/oauth"] {
        assert_eq!(decides(&city, owner, &id, Some(wrong)).await?, 400, "{wrong}");
    }
    assert_eq!(decides(&city, owner, &id, Some(&digest)).await?, 204);
    assert_eq!(decides(&city, owner, &id, Some(&digest)).await?, 409);
    let (status, token) = agent.polls(&id).await?;
    assert_eq!(status, 201, "{token}");
    let (header, claims) = oauth::peek(&token)?;
    assert_eq!((&header["typ"], &claims["sub"]), (&json!("action+jwt"), &json!(agent.id)));
    assert_eq!(claims["authorization_details"], json!([deploy()]));
    assert!(claims["scope"].is_null(), "{claims}");
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).context("dates")?;
    assert!((1..=300).contains(&(life.0 - life.1)), "{claims}");

    // It is good for nothing else.
    assert_eq!(city.town.api.introspect(&token).await?.json(), json!({ "active": false }));
    for path in ["/api/v1/agent", "/api/v1/whoami", "/check", "/userinfo"] {
        assert_eq!(city.cli.get_with(path, &token).await?.status, 401, "{path}");
    }
    // And for no other action: not one more, not one less, not in another order.
    let mut wider = deploy();
    wider["version"] = json!(8);
    for action in [wider, json!({ "type": "deploy" }), json!([deploy(), deploy()])] {
        assert!(!does(&city, &token, &action).await?, "{action}");
    }
    // An agent's own token is no approval, and a forged one is none.
    let own = agent.presents.trim_start_matches("Bearer ");
    let forged = format!("{}x", &token[..token.len() - 1]);
    for other in [own, forged.as_str(), "x", id.as_str()] {
        assert!(!does(&city, other, &deploy()).await?, "{other}");
    }
    assert!(does(&city, &token, &deploy()).await?);
    assert!(!does(&city, &token, &deploy()).await?, "it was done");
    assert_eq!(agent.polls(&id).await?, no("already_used"));
    assert_eq!(decides(&city, owner, &id, None).await?, 409);
    // Asked, approved and done are rows of the log.
    let root = city.presents("administrator").context("an administrator")?;
    let rows = city.call("GET", &format!("/api/v1/audit?subject={id}"), Some(root), None).await?;
    let rows = rows.json()["items"].as_array().context("rows")?.clone();
    let actions: Vec<_> = rows.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["approval.use", "approval.approve", "approval.ask"]);
    Ok(())
}

// proves: HP09
#[tokio::test]
async fn only_who_is_signed_in_says_yes_and_a_no_is_a_no() -> Result<()> {
    let city = City::build(Plan::new()).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let agent = Agent::started(&city, owner).await?;
    let (id, digest) = agent.asks(&deploy()).await?;
    // What lies around on a machine does not speak for its owner, whatever it may do else.
    for scope in ["agents", "agents account tokens"] {
        let new = json!({ "name": scope.replace(' ', "-"), "scope": scope });
        let made = city.made(owner, "/api/v1/tokens", new).await?;
        let token = format!("Bearer {}", text(&made, "value")?);
        assert_eq!(decides(&city, &token, &id, Some(&digest)).await?, 403, "{scope}");
        assert_eq!(decides(&city, &token, &id, None).await?, 403, "{scope}");
    }
    assert_eq!(decides(&city, &agent.presents, &id, Some(&digest)).await?, 403);
    // Another agent of the same owner comes for nothing.
    let other = Agent::started(&city, owner).await?;
    let unknown = (404, "not_found".to_owned());
    assert_eq!(other.polls(&id).await?, unknown);
    assert_eq!(agent.polls("apr_01JD2Q4V6B8C0D2E4F6G8H0J2K").await?, unknown);
    assert_eq!(decides(&city, owner, &id, None).await?, 204);
    assert_eq!(agent.polls(&id).await?, no("access_denied"));
    assert_eq!(decides(&city, owner, &id, Some(&digest)).await?, 409);

    // A yes that was taken back, and one whose agent was stopped, are worth nothing.
    let approved = async |agent: &Agent<'_>| {
        let (id, digest) = agent.asks(&deploy()).await?;
        assert_eq!(decides(&city, owner, &id, Some(&digest)).await?, 204);
        let (status, token) = agent.polls(&id).await?;
        assert_eq!(status, 201, "{token}");
        anyhow::Ok((id, token))
    };
    let (id, token) = approved(&agent).await?;
    assert_eq!(decides(&city, owner, &id, None).await?, 204);
    assert!(!does(&city, &token, &deploy()).await?);
    let (_, token) = approved(&agent).await?;
    let waiting = agent.asks(&deploy()).await?;
    let stop = format!("/api/v1/agents/{}/stop", agent.id);
    assert_eq!(city.call("POST", &stop, Some(owner), None).await?.status, 204);
    assert!(!does(&city, &token, &deploy()).await?);
    assert_eq!(decides(&city, owner, &waiting.0, Some(&waiting.1)).await?, 409);

    // What cannot be shown whole, or is asked for elsewhere, is not even asked.
    let agent = other;
    for (details, code) in [
        (json!([]), "invalid_authorization_details"),
        (json!([{ "x": 1 }]), "invalid_authorization_details"),
        (json!([{ "type": "x", "n": 1.5 }]), "invalid_authorization_details"),
        (json!([{ "type": "de\u{202e}ploy" }]), "invalid_authorization_details"),
        (json!([{ "type": "x", "y": "z".repeat(5000) }]), "invalid_authorization_details"),
    ] {
        let asked = agent.ask(json!({ "authorization_details": details })).await?;
        assert_eq!((asked.status.as_u16(), asked.get("code")), no(code), "{details}");
    }
    let elsewhere =
        json!({ "authorization_details": [deploy()], "resources": ["https://a.example"] });
    assert_eq!(agent.ask(elsewhere).await?.get("code"), "invalid_resource");
    for _ in 0..5 {
        agent.asks(&deploy()).await?;
    }
    let sixth = agent.ask(json!({ "authorization_details": [deploy()] })).await?;
    assert_eq!((sixth.status.as_u16(), sixth.get("code")), (409, "too_many".to_owned()));
    // Only who is registered for it does it.
    let anybody = city.cli.post("/oauth/action", &[("token", "x"), ("authorization_details", "x")]);
    assert_eq!(anybody.await?.status, 401);
    Ok(())
}

// proves: HP09
#[tokio::test]
async fn an_owner_gets_one_letter_while_anything_waits() -> Result<()> {
    let post = Smtp::start().await?;
    let city = City::build(post.of(Plan::new())).await?;
    let owner = city.presents("org owner").context("an owner")?;
    let agent = Agent::started(&city, owner).await?;
    let first = agent.asks(&deploy()).await?;
    let told = |mail: &Received| mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mail = post.next().await?;
    assert_eq!(mail.to, city.town.ada.email);
    for said in ["\"deployer\"", "one thing: deploy", "/settings/approvals"] {
        assert!(told(&mail).contains(said), "{mail:?}");
    }
    let second = agent.asks(&deploy()).await?;
    for (id, _) in [&first, &second] {
        assert_eq!(decides(&city, owner, id, None).await?, 204);
    }
    // The next one is of the third question; there was none of the second.
    agent.asks(&json!({ "type": "else" })).await?;
    assert!(told(&post.next().await?).contains("one thing: else"));
    Ok(())
}
