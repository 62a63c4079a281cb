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
use hallpass_core::wire::operator::{
    Client, ClientSecret, NewClient, Person, RotateKeys, SigningKey,
};
use hallpass_core::wire::tokens::{
    Member, NewInvitation, NewPlace, Org, PlaceChange, Project, SetPlan, SetRole, TransferOrg,
    TransferProject,
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
        let before = properties.insert(plain.to_owned(), schema.clone());
        debug_assert!(before.is_none(), "{plain} twice");
    }
    json!({
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

pub(super) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

/// A text of this form.
pub(super) fn matching(pattern: &str, about: &str) -> Value {
    json!({ "type": "string", "pattern": pattern, "description": about })
}

/// What people call something: it is shown to others, so nothing in it may deceive.
fn label(about: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 80, "pattern": VISIBLE, "description": about })
}

/// A number of these.
pub(super) fn whole(about: &str, least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most, "description": about })
}

/// `schema`, where `null` says the same as leaving it out.
fn or_null(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    if let Some(names) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        names.push(Value::Null);
    }
    schema
}

fn number(about: &str) -> Value {
    json!({ "type": "integer", "description": about })
}

pub(super) fn whether(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

fn time(about: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": about })
}

pub(super) fn time_or_day(about: &str) -> Value {
    // An empty parameter is none (RFC 6749 §3.1).
    let forms =
        [json!({ "format": "date" }), json!({ "format": "date-time" }), json!({ "const": "" })];
    json!({ "type": "string", "anyOf": forms, "description": about })
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

pub(super) fn one_of(names: &[&str], about: &str) -> Value {
    json!({ "type": "string", "enum": names, "description": about })
}

fn list(of: Value, about: &str) -> Value {
    json!({ "type": "array", "items": of, "description": about })
}

const SLUG: &str = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$";
/// `ORG/PROJECT`, by slugs or ids.
pub(super) const PLACE: &str = "^[^/]+/[^/]+$";
/// No control, bidirectional or invisible characters.
const VISIBLE: &str =
    "^[^\\x00-\\x1f\\x7f-\\xa0\\xad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]+$";
/// Something at somewhere.
const ADDRESS: &str = "^[^@\\s]+@[^@\\s]+$";
/// A URI with a scheme (RFC 3986 §4.3).
const ABSOLUTE: &str = "^[a-z][a-z0-9+.-]*:[^#\\s]+$";

/// Whole numbers up to here are the same to all that read JSON (RFC 8259 §6).
const EXACT: u64 = (1 << 53) - 1;

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
mod tokens;
mod trust;
mod whoami;

described! {
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
        "slug": matching(SLUG, "Its name in addresses."),
        "name?": or_null(text("What people call it; the slug if absent.")),
    }
    PlaceChange = "PlaceChange", "Another name; what is absent stays." {
        "slug?": or_null(matching(SLUG, "Another name in addresses. Nobody else gets the old one.")),
        "name?": or_null(text("What people call it.")),
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
        "email": matching(ADDRESS, "E-mail address of whoever is invited."),
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
        "server?": or_null(text("Whose answers those were that are applied.")),
        "applied?": or_null(whole("Everything up to this epoch is applied.", 0, EXACT)),
        "wait_ms?": whole("For how long to wait for news, at most.", 0, EXACT),
    }
    FeedAnswer = "FeedAnswer", "What was revoked, and the lease." {
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
        "name?": or_null(text("What people see; the id if absent.")),
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
