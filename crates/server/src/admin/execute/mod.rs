//! Doing it. One function, whoever calls: a running server or the command itself.
//!
//! Organizations, tokens and what an older system left are in modules of their own; users,
//! clients, signing keys and the audit log are here.

use hallpass_core::id::UserId;
use hallpass_issuer::Issuer;
use hallpass_issuer::admin::{AdminError, NewClient, NewUser};
use hallpass_store::{AuditFilter, ClientKind, KeysMade, Store};

use super::command::{self, Answer, Command, Refused};

mod books;
mod legacy;
mod orgs;
mod tokens;

/// Who stands in the audit log.
const ACTOR: &str = "system";
/// Users are read in portions of this many.
const PORTION: u32 = 500;

/// Does `command`.
pub async fn execute(issuer: &Issuer, store: &Store, command: Command) -> Result<Answer, Refused> {
    match command {
        Command::UserCreate { email, name, password, admin } => {
            let new = NewUser { email, name, password: Some(password), admin };
            let user = issuer.create_user(new, ACTOR).await?;
            Ok(Answer::UserCreated { id: user.id.to_string() })
        }
        Command::UserList => users(store).await,
        Command::UserDisable { user, keys } => {
            let user = find(store, &user).await?;
            let done = issuer.dismiss(user.id, keys_made(keys.as_deref())?).await?;
            Ok(said(done, format!("{} is disabled; everything of theirs has ended", user.email)))
        }
        Command::UserEnable { user } => {
            let user = find(store, &user).await?;
            let done = issuer.readmit(user.id).await?;
            Ok(said(done, format!("{} can sign in again", user.email)))
        }
        Command::UserLink { user, subject } => {
            let user = find(store, &user).await?;
            let done = issuer.link_identity(user.id, &subject).await?;
            Ok(said(done, format!("whoever the provider knows as {subject} is {}", user.email)))
        }
        Command::UserPassword { user, password } => {
            let user = find(store, &user).await?;
            issuer.set_password(user.id, &password, ACTOR).await?;
            let what = format!("{} has a new password; everything of theirs has ended", user.email);
            Ok(Answer::Done(what))
        }
        Command::ClientCreate(new) => create_client(issuer, new).await,
        Command::ClientList => clients(store).await,
        Command::ClientDisable { id } => {
            let done = issuer.disable_client(&id, ACTOR).await?;
            Ok(said(done, format!("{id} is disabled; everything of it has ended")))
        }
        Command::Orgs(command) => orgs::execute(issuer, store, command).await,
        Command::Tokens(command) => tokens::execute(issuer, store, command).await,
        Command::Legacy(command) => legacy::execute(issuer, command).await,
        Command::SigningKeysRotate { now } => {
            issuer.rotate_signing_keys(now, ACTOR).await?;
            signing_keys(store).await
        }
        Command::SigningKeysList => signing_keys(store).await,
        Command::SecretsRotate => {
            let count = issuer.rotate_agent_secrets(ACTOR).await?;
            Ok(Answer::Done(format!("{count} secrets of agents are sealed under a fresh key")))
        }
        Command::Books(command) => books::execute(issuer, command).await,
        Command::AuditList { limit } => audit(store, limit).await,
    }
}

/// What `--keys` says.
fn keys_made(said: Option<&str>) -> Result<KeysMade, Refused> {
    match said {
        None => Ok(KeysMade::NotAsked),
        Some("keep") => Ok(KeysMade::Keep),
        Some("revoke") => Ok(KeysMade::Revoke),
        Some(_) => Err(Refused::input("--keys is keep or revoke")),
    }
}

fn said(done: bool, what: String) -> Answer {
    if done { Answer::Done(what) } else { Answer::Unchanged(what) }
}

async fn create_client(issuer: &Issuer, new: command::NewClient) -> Result<Answer, Refused> {
    let given = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    let scopes = given(new.scopes)
        .map(|tokens| tokens.join(" ").parse())
        .transpose()
        .map_err(|error| Refused::input(format!("--scope: {error}")))?;
    let new = NewClient {
        id: new.id,
        name: new.name,
        confidential: new.confidential,
        redirect_uris: new.redirect_uris,
        post_logout_redirect_uris: new.post_logout_redirect_uris,
        grant_types: given(new.grant_types),
        scopes,
        without_pkce: new.without_pkce,
        id_token_alg: new.id_token_alg,
        resources: given(new.resources),
        dpop_required: new.dpop_required,
    };
    let (_, secret) = issuer.create_client(new, ACTOR).await?;
    Ok(Answer::ClientCreated { secret })
}

/// By id, or by e-mail address.
async fn find(store: &Store, user: &str) -> Result<hallpass_store::User, Refused> {
    let found = match user.parse::<UserId>() {
        Ok(id) => store.users().by_id(id).await?,
        Err(_) => store.users().by_email(user).await?,
    };
    found.ok_or_else(|| {
        Refused::input("there is no such user; hallpass admin user list shows all of them")
    })
}

async fn users(store: &Store) -> Result<Answer, Refused> {
    let mut all: Vec<command::User> = Vec::new();
    let mut after = None;
    loop {
        let portion = store.users().list(after, PORTION).await?;
        let Some(last) = portion.last() else { return Ok(Answer::Users(all)) };
        after = Some(last.id);
        all.extend(portion.into_iter().map(|user| command::User {
            id: user.id.to_string(),
            email: user.email,
            name: user.name,
            admin: user.admin,
            created_at: user.created_at,
            disabled_at: user.disabled_at,
        }));
    }
}

async fn clients(store: &Store) -> Result<Answer, Refused> {
    let clients = store.clients().list().await?;
    let listed = clients.into_iter().map(|client| command::Client {
        id: client.id,
        name: client.name,
        confidential: client.kind == ClientKind::Confidential,
        redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
        grant_types: client.grant_types,
        scope: client.scopes.to_string(),
        created_at: client.created_at,
        disabled_at: client.disabled_at,
    });
    Ok(Answer::Clients(listed.collect()))
}

async fn signing_keys(store: &Store) -> Result<Answer, Refused> {
    let keys = store.signing_keys().all().await?;
    let listed = keys.into_iter().map(|key| command::SigningKey {
        id: key.id.to_string(),
        alg: key.alg,
        created_at: key.created_at,
        signs_from: key.signs_from,
        signs_until: key.signs_until,
        published_until: key.published_until,
    });
    Ok(Answer::SigningKeys(listed.collect()))
}

async fn audit(store: &Store, limit: u32) -> Result<Answer, Refused> {
    let newest = store.audit().search(&AuditFilter::default(), None, limit).await?;
    let listed = newest.rows.into_iter().rev().map(|row| command::AuditRow {
        seq: row.seq,
        at: row.at,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        address: row.address,
        detail: row.detail,
    });
    Ok(Answer::Audit(listed.collect()))
}

impl From<AdminError> for Refused {
    fn from(error: AdminError) -> Self {
        match &error {
            AdminError::Failed(_) => Self::store(error.to_string()),
            AdminError::Busy => Self::server(error.to_string()),
            _ => Self::input(error.to_string()),
        }
    }
}

impl From<hallpass_issuer::Error> for Refused {
    fn from(error: hallpass_issuer::Error) -> Self {
        Self::store(error.to_string())
    }
}

impl From<hallpass_store::Error> for Refused {
    fn from(error: hallpass_store::Error) -> Self {
        Self::store(error.to_string())
    }
}
