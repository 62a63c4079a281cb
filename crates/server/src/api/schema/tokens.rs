//! Tokens that people make, and keys.

use hallpass_core::wire::keys::{CreatedKey, Key, KeyText, NewKey};
use hallpass_core::wire::tokens::{
    CreatedLegacyToken, CreatedToken, LeakedRevoked, NewLegacyToken, NewToken, RevokeLeaked,
    RotateToken, Token, TokenChange,
};
use hallpass_issuer::tokens::MAX_OVERLAP;
use serde_json::{Value, json};

use super::{
    Described, PLACE, PROJECT_ROLES, Schemas, id, label, list, matching, number, object, one_of,
    or_null, scope, text, time, whole,
};

/// A list that is left out rather than empty.
fn some(mut list: Value) -> Value {
    list["minItems"] = json!(1);
    list
}

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
        "name": label("What to call it."),
        "expires_at?": or_null(time("When it ends; absent: in 90 days; null: never.")),
        "scope?": or_null(scope()),
    }
    KeyText = "KeyText", "The text of a key." {
        "value": text("The text."),
    }
    NewToken = "NewToken", "A token to be made." {
        "name": label("What to call it."),
        "expires_at?": or_null(time("When it ends; absent: never.")),
        "scope?": or_null(scope()),
        "projects?": some(list(matching(PLACE, "`ORG/PROJECT`."), "The projects to narrow it to; absent: all.")),
        "user?": or_null(text("Whose it is to be, by id or e-mail address; only for administrators.")),
    }
    NewLegacyToken = "NewLegacyToken", "A token like those of an older system, to be made." {
        "name": label("What to call it."),
        "role?": or_null(one_of(&PROJECT_ROLES, "The most that it may do; collaborator if absent.")),
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
        "name?": or_null(label("Another name.")),
        "expires_at?": or_null(time("Another end; null: never.")),
    }
    RotateToken = "RotateToken", "How a token is to be rotated." {
        "overlap_seconds?": whole("For how long the old one stays good; 0: not at all.", 0, MAX_OVERLAP.as_secs()),
        "expires_at?": or_null(time("When the new one ends; absent: after as long a time as the old one; null: never.")),
    }
    RevokeLeaked = "RevokeLeaked", "Tokens that leaked." {
        "tokens": list(text("A token's text."), "Texts of tokens of any kind."),
    }
    LeakedRevoked = "LeakedRevoked", "They were read; good and bad ones are not told apart." {
        "received": number("How many were read."),
    }
}
