//! The schemas of what is read and answered (JSON Schema 2020-12, as OpenAPI 3.1 uses it).
//!
//! Each wire type has one, by hand: the wire types belong to core, which knows nothing of
//! OpenAPI. That they agree is a test's business: every answer is read by its schema, and
//! each object lists all of its members.

use std::collections::BTreeMap;

use hallpass_core::role::{OrgRole, ProjectRole};
pub(super) use hallpass_core::wire::api::Problem;
use hallpass_core::wire::api::{Page, Session};
use hallpass_core::wire::audit::{Jwks, Row};
use hallpass_core::wire::feed::{FeedAnswer, FeedRequest};
use hallpass_core::wire::keys::{CreatedKey, Key, KeyText, NewKey};
use hallpass_core::wire::operator::{
    Client, ClientSecret, NewClient, Person, RotateKeys, SigningKey,
};
use hallpass_core::wire::tokens::{
    CreatedLegacyToken, CreatedToken, LeakedRevoked, Member, NewInvitation, NewLegacyToken,
    NewPlace, NewToken, Org, PlaceChange, Project, RevokeLeaked, RotateToken, SetPlan, SetRole,
    Token, TokenChange, TransferOrg, TransferProject,
};
use serde_json::{Map, Value, json};

/// Schemas by name.
#[derive(Default)]
pub(super) struct Schemas(pub(super) BTreeMap<String, Value>);

/// Refers to a schema, and sees to it that it is there.
pub(super) type Reference = fn(&mut Schemas) -> Value;

/// A type that has a schema.
pub(super) trait Described {
    /// What it is called in the document.
    fn name() -> String;

    /// What it looks like.
    fn schema(schemas: &mut Schemas) -> Value;
}

/// Refers to the schema of `T`.
pub(super) fn refer<T: Described>(schemas: &mut Schemas) -> Value {
    let name = T::name();
    if !schemas.0.contains_key(&name) {
        // Reserved first, for a type that refers to itself.
        schemas.0.insert(name.clone(), Value::Null);
        let schema = T::schema(schemas);
        schemas.0.insert(name.clone(), schema);
    }
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object with exactly these members; those whose name ends in `?` may be absent.
fn object(about: &str, members: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in members {
        let plain = name.trim_end_matches('?');
        if plain == *name {
            required.push(plain);
        }
        properties.insert(plain.to_owned(), schema.clone());
    }
    json!({
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn number(about: &str) -> Value {
    json!({ "type": "integer", "description": about })
}

fn whether(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

fn time(about: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": about })
}

fn scope() -> Value {
    text("Scope tokens, separated by single spaces (RFC 6749 §3.3).")
}

fn id(prefix: &str, about: &str) -> Value {
    json!({
        "type": "string",
        "description": about,
        "pattern": format!("^{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$"),
    })
}

fn one_of(names: &[&str], about: &str) -> Value {
    json!({ "type": "string", "enum": names, "description": about })
}

fn list(of: Value, about: &str) -> Value {
    json!({ "type": "array", "items": of, "description": about })
}

const ORG_ROLES: [&str; 3] =
    [OrgRole::Member.as_str(), OrgRole::Admin.as_str(), OrgRole::Owner.as_str()];
const PROJECT_ROLES: [&str; 3] =
    [ProjectRole::Viewer.as_str(), ProjectRole::Collaborator.as_str(), ProjectRole::Owner.as_str()];

macro_rules! described {
    ($($type:ty = $name:literal, $about:literal { $($member:literal: $schema:expr),* $(,)? })*) => {$(
        impl Described for $type {
            fn name() -> String {
                $name.to_owned()
            }

            fn schema(_: &mut Schemas) -> Value {
                object($about, &[$(($member, $schema)),*])
            }
        }
    )*};
}

mod agents;
mod approvals;
mod invitations;
mod trust;
mod whoami;

fn token_members() -> Vec<(&'static str, Value)> {
    vec![
        ("id", id("tok", "The token's id.")),
        ("name", text("What its owner calls it; unique among their live tokens.")),
        ("prefix", text("What its text begins with.")),
        ("last_four", text("The last four characters of its text.")),
        ("scope?", scope()),
        (
            "projects?",
            list(text("`ORG/PROJECT`."), "The projects that it is narrowed to; absent: all."),
        ),
        ("created_at", time("When it was made.")),
        ("created_by?", text("Who made it, if that was not its owner.")),
        ("expires_at?", time("When it ends by itself; absent: never.")),
        ("last_used_at?", time("When it was last used, to within a minute.")),
        ("last_used_address?", text("From where it was last used.")),
        ("rotated_from?", id("tok", "The token that it took over from.")),
        ("overlap_until?", time("It was rotated, and is good until then beside its successor.")),
        ("leaked_at?", time("It had leaked, and was revoked then.")),
    ]
}

impl Described for Token {
    fn name() -> String {
        "Token".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object("A personal token, without its text.", &token_members())
    }
}

impl Described for CreatedToken {
    fn name() -> String {
        "CreatedToken".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        let mut members = token_members();
        members.push(("value", text("Its text, shown this once.")));
        object("A personal token with its text.", &members)
    }
}

fn key_members() -> Vec<(&'static str, Value)> {
    vec![
        ("id", id("tok", "Its id.")),
        ("kind", one_of(&["project_key", "org_key"], "What it acts for.")),
        ("principal", id("tok", "Who acts with it: the id of its first generation.")),
        ("name", text("What it is called.")),
        ("org", text("The organization's slug.")),
        ("project?", text("The slug of the project that it is bound to.")),
        ("prefix", text("What its text begins with.")),
        ("last_four", text("The last four characters of its text.")),
        ("scope?", scope()),
        ("created_at", time("When it was made.")),
        ("created_by", text("Who made it.")),
        ("creator?", text("The e-mail address of whoever made it.")),
        ("expires_at?", time("When it ends by itself; absent: never.")),
        ("last_used_at?", time("When it was last used, to within a minute.")),
        ("last_used_address?", text("From where it was last used.")),
        ("rotated_from?", id("tok", "The generation that it took over from.")),
        ("overlap_until?", time("It was rotated, and is good until then beside its successor.")),
    ]
}

impl Described for Key {
    fn name() -> String {
        "Key".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object("A key, without its text.", &key_members())
    }
}

impl Described for CreatedKey {
    fn name() -> String {
        "CreatedKey".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        let mut members = key_members();
        members.push(("value", text("Its text, shown this once.")));
        object("A key with its text.", &members)
    }
}

described! {
    NewKey = "NewKey", "A key to be made." {
        "name": text("What to call it."),
        "expires_at?": json!({
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it ends; absent: in 90 days; null: never.",
        }),
        "scope?": scope(),
    }
    KeyText = "KeyText", "The text of a key." {
        "value": text("The text."),
    }
    Problem = "Problem", "What went wrong (RFC 9457)." {
        "type": text("`about:blank`."),
        "title": text("What happened, in a few words."),
        "status": number("The HTTP status."),
        "code": text("Stable, for programs."),
        "detail?": text("What happened this time, and what to do next."),
    }
    Session = "Session", "Something that is signed in." {
        "id": text("`ses_…` for a browser, `grt_…` for a program."),
        "kind": one_of(&["browser", "program", "device"], "How it was signed in."),
        "name": text("The browser, or the program's name."),
        "reported_host?": text("The host's name as reported by the program; not verified."),
        "address?": text("From where it was signed in."),
        "created_at": time("When it was signed in."),
        "last_used_at?": time("When it was last used."),
        "current": whether("Whether this request comes from it."),
        "bound?": whether("Whether what it holds is worth nothing without its key."),
        "copy_tried?": object("A copy of it was tried without its key, and refused: the last time.", &[
            ("at", time("When.")),
            ("address?", text("From where.")),
        ]),
    }
    NewToken = "NewToken", "A token to be made." {
        "name": text("What to call it."),
        "expires_at?": time("When it ends; absent: never."),
        "scope?": scope(),
        "projects?": list(text("`ORG/PROJECT`."), "The projects to narrow it to; absent: all."),
        "user?": text("Whose it is to be, by id or e-mail address; only for administrators."),
    }
    NewLegacyToken = "NewLegacyToken", "A token like those of an older system, to be made." {
        "name": text("What to call it."),
        "role?": one_of(&PROJECT_ROLES, "The most that it may do; collaborator if absent."),
    }
    CreatedLegacyToken = "CreatedLegacyToken", "Such a token, with its text." {
        "id": id("tok", "The token's id."),
        "name": text("What it is called."),
        "project": text("`ORG/PROJECT`: what it is good for."),
        "role": one_of(&PROJECT_ROLES, "The most that it may do there."),
        "prefix": text("What its text begins with."),
        "last_four": text("The last four characters of its text."),
        "created_at": time("When it was made."),
        "expires_at?": time("When it ends by itself; absent: never."),
        "value": text("Its text, shown this once."),
    }
    TokenChange = "TokenChange", "What is to change; what is absent stays." {
        "name?": text("Another name."),
        "expires_at?": json!({
            "type": ["string", "null"],
            "format": "date-time",
            "description": "Another end; null: never.",
        }),
    }
    RotateToken = "RotateToken", "How a token is to be rotated." {
        "overlap_seconds?": json!({
            "type": "integer",
            "minimum": 0,
            "description": "For how long the old one stays good; 0: not at all.",
        }),
    }
    RevokeLeaked = "RevokeLeaked", "Tokens that leaked." {
        "tokens": list(text("A token's text."), "Texts of tokens of any kind."),
    }
    LeakedRevoked = "LeakedRevoked", "They were read; good and bad ones are not told apart." {
        "received": number("How many were read."),
    }
    Org = "Org", "An organization." {
        "id": id("org", "The organization's id."),
        "slug": text("Its name in addresses."),
        "name": text("What people call it."),
        "plan?": text("A label that the operator sets; absent: none."),
        "role?": one_of(&ORG_ROLES, "The caller's role in it."),
        "archived_at?": time("Since when it is archived; nobody has any rights in it."),
    }
    Project = "Project", "A project." {
        "id": id("prj", "The project's id."),
        "org": text("Its organization's slug."),
        "slug": text("Its name in addresses."),
        "name": text("What people call it."),
        "role?": one_of(&PROJECT_ROLES, "The caller's role in it."),
        "archived_at?": time("Since when it is archived; nobody has any rights in it."),
    }
    NewPlace = "NewPlace", "An organization or a project to be made." {
        "slug": json!({
            "type": "string",
            "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
            "description": "Its name in addresses.",
        }),
        "name?": text("What people call it; the slug if absent."),
    }
    PlaceChange = "PlaceChange", "Another name; what is absent stays." {
        "slug?": json!({
            "type": ["string", "null"],
            "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
            "description": "Another name in addresses. Nobody else gets the old one.",
        }),
        "name?": json!({ "type": ["string", "null"], "description": "What people call it." }),
    }
    SetPlan = "SetPlan", "A plan's label." {
        "plan": json!({
            "type": "string",
            "maxLength": 40,
            "description": "The label; empty for none.",
        }),
    }
    TransferOrg = "TransferOrg", "To whom an organization goes." {
        "user": text("The member who is its owner from then on: e-mail address or id."),
    }
    TransferProject = "TransferProject", "Where a project goes." {
        "org": text("The organization that it moves to: slug or id."),
    }
    NewInvitation = "NewInvitation", "Somebody to be invited." {
        "email": text("E-mail address of whoever is invited."),
        "role": text("The role that it gives, of an organization or of a project."),
    }
    Member<OrgRole> = "OrgMember", "Somebody with a role in an organization." {
        "user": id("usr", "Whose it is."),
        "email": text("E-mail address."),
        "name": text("Display name."),
        "role": one_of(&ORG_ROLES, "The role."),
    }
    Member<ProjectRole> = "ProjectMember", "Somebody with a role in a project." {
        "user": id("usr", "Whose it is."),
        "email": text("E-mail address."),
        "name": text("Display name."),
        "role": one_of(&PROJECT_ROLES, "The role."),
    }
    SetRole<OrgRole> = "SetOrgRole", "A role to be given." {
        "role": one_of(&ORG_ROLES, "The role from now on."),
    }
    SetRole<ProjectRole> = "SetProjectRole", "A role to be given." {
        "role": one_of(&PROJECT_ROLES, "The role from now on."),
    }
    FeedRequest = "FeedRequest", "What a guard says of itself." {
        "holder": text("Random, made when the guard started."),
        "server?": json!({
            "type": ["string", "null"],
            "description": "Whose answers those were that are applied.",
        }),
        "server?": json!({
            "type": ["string", "null"],
            "description": "Whose answers those were.",
        }),
        "applied?": json!({
            "type": ["integer", "null"],
            "description": "Everything up to this epoch is applied.",
        }),
        "wait_ms?": json!({
            "type": "integer",
            "minimum": 0,
            "description": "For how long to wait for news, at most.",
        }),
    }
    FeedAnswer = "FeedAnswer", "What was revoked, and the lease." {
        "server": text("Random, made when the server started."),
        "server": text("Random, made when the server started."),
        "epoch": number("What `revoked` leads up to."),
        "revoked": list(text("An id."), "What may not be relied on any more."),
        "reset": whether("Everything that was cached is to be forgotten."),
        "lease_ms": number("The lease, counted from before the request was sent."),
    }
}

described! {
    Row = "AuditRow", "A change, as it is chained (docs/audit.md)." {
        "n?": number("Its place in the chain, once it is sealed."),
        "id": id("aud", "The row's id."),
        "at": time("When, to the millisecond."),
        "actor": text("Who: an id, `system` or `anonymous`."),
        "action": text("What."),
        "subject": text("To what: an id."),
        "org?": id("org", "The organization that it happened in."),
        "client?": text("Through which client."),
        "address?": text("From where."),
        "detail?": text("More about it."),
        "hash?": text("The hash over it and all rows before it."),
    }
    Jwks = "AuditKeys", "The public keys that prove the log." {
        "keys": list(
            object("A key (RFC 8037).", &[
                ("kty", text("`OKP`.")),
                ("crv", text("`Ed25519`.")),
                ("x", text("The key.")),
                ("kid", id("aky", "Its id.")),
            ]),
            "All that ever signed a checkpoint.",
        ),
    }
    Person = "Person", "Somebody with an account." {
        "id": id("usr", "Their id."),
        "email": text("E-mail address."),
        "name": text("Display name."),
        "admin": whether("Whether they administer the deployment."),
        "created_at": time("When the account was made."),
        "disabled_at?": time("Since when they are not let in."),
    }
    Client = "Client", "A program that asks for tokens." {
        "id": text("Its `client_id`."),
        "name": text("What people see."),
        "confidential": whether("Whether it can keep a secret."),
        "redirect_uris": list(text("A URI."), "Where codes may be sent."),
        "grant_types": list(text("A grant type."), "What it may use."),
        "created_at": time("When it was registered."),
        "disabled_at?": time("Since when it may do nothing."),
    }
    NewClient = "NewClient", "A client to register." {
        "id": text("Its `client_id`."),
        "name?": text("What people see; the id if absent."),
        "confidential?": whether("Whether it can keep a secret, and gets one."),
        "redirect_uris?": list(text("A URI."), "Where codes may be sent; complete."),
    }
    ClientSecret = "ClientSecret", "A client's secret, shown this once." {
        "id": text("Its `client_id`."),
        "secret?": text("The secret; absent if it has none."),
    }
    SigningKey = "SigningKey", "A key that signs tokens." {
        "id": id("sgk", "Its `kid`."),
        "alg": one_of(&["ES256", "RS256"], "What it signs with."),
        "created_at": time("When it was made."),
        "signs_from": time("From when on it signs."),
        "signs_until?": time("Until when it signs."),
        "published_until?": time("Until when it is published."),
    }
    RotateKeys = "RotateKeys", "How keys are to be rotated." {
        "now?": whether("A key has leaked: what the old ones signed is good no more."),
    }
}

impl<T: Described> Described for Page<T> {
    fn name() -> String {
        format!("{}Page", T::name())
    }

    fn schema(schemas: &mut Schemas) -> Value {
        let items = list(refer::<T>(schemas), "The items.");
        let next = text("Pass it as `cursor` for the next page; absent on the last.");
        object("A page of a list.", &[("items", items), ("next_cursor?", next)])
    }
}
