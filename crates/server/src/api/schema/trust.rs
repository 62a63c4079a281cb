//! Trust in outside issuers.

use hallpass_core::trust::{Changed, Danger, Platform};
use hallpass_core::wire::trust::{
    DeniedExchange, DeniedExplained, NewTrustPolicy, TrustExchange, TrustPolicy,
};
use serde_json::{Value, json};

use super::{
    Described, Schemas, id, list, number, object, one_of, or_null, scope, text, time, whether,
    whole,
};

fn platform() -> Value {
    one_of(&Platform::ALL.map(Platform::as_str), "What the issuer's claims mean.")
}

fn conditions() -> Value {
    let mut one = object(
        "A claim, and exactly one of what it has to be.",
        &[
            ("claim", text("Its name, or a JSON pointer to it that begins with `/`.")),
            ("is?", text("This, byte for byte.")),
            ("one_of?", list(text("A value."), "One of these, byte for byte.")),
            ("like?", text("A pattern; for refs and environments only.")),
            (
                "any?",
                json!({ "type": "boolean", "const": true, "description": "Anything, as long as it is there." }),
            ),
        ],
    );
    one["minProperties"] = json!(2);
    one["maxProperties"] = json!(2);
    list(one, "All of these have to be met.")
}

fn pins() -> Value {
    let one = object(
        "A name, and the id that it has to come with.",
        &[
            ("claim", text("The claim of the name.")),
            ("name", text("The name.")),
            ("id_claim", text("The claim of the id.")),
            ("id", text("The id.")),
        ],
    );
    list(one, "Ids behind names.")
}

fn danger() -> Value {
    one_of(&Danger::ALL.map(Danger::as_str), "Its code, to be accepted by.")
}

fn dangers() -> Value {
    let one =
        object("Something dangerous.", &[("danger", danger()), ("says", text("What it means."))]);
    list(one, "What is dangerous about it.")
}

fn checks() -> Value {
    let one = object(
        "One condition, and what became of it.",
        &[
            ("claim", text("The claim.")),
            ("wants", text("What it had to be.")),
            ("found?", text("What it was; absent: it was not there.")),
            ("passed", whether("Whether that is good.")),
            ("standing", one_of(&["policy", "always", "pinned"], "Why it is asked for.")),
            ("hint?", text("What helps.")),
        ],
    );
    list(one, "Each condition.")
}

fn new_members() -> Vec<(&'static str, Value)> {
    vec![
        ("line?", or_null(text("`repo:acme/warehouse:ref:refs/heads/main`."))),
        ("issuer?", or_null(text("The issuer, exactly; absent: GitHub's."))),
        ("platform?", or_null(platform())),
        ("conditions?", conditions()),
        ("pins?", pins()),
        ("pin_first_use?", or_null(whether("Whether ids are pinned when they are first seen."))),
        ("permissions", scope()),
        ("ttl_seconds?", or_null(whole("How long a pass is good for.", 60, 900))),
        ("accept?", list(danger(), "The dangers that are meant.")),
    ]
}

fn denied_members() -> Vec<(&'static str, Value)> {
    vec![
        ("id", id("trd", "Its id.")),
        ("at", time("When it was last tried.")),
        ("first_at", time("When it was first tried.")),
        ("count", number("How often.")),
        ("project?", text("The slug of the project that was asked for, or is nearest.")),
        ("issuer", text("The issuer.")),
        ("who", text("Who came, in short.")),
        ("why", text("Why it was denied.")),
        ("alarm", whether("A name came back with another id than the pinned one.")),
        ("address?", text("The address that asked last.")),
    ]
}

fn changed() -> Value {
    object(
        "A name that came back with another id than the pinned one.",
        &[
            ("claim", text("The claim of the name.")),
            ("name", text("The name.")),
            ("id_claim", text("The claim of the id.")),
            ("pinned", text("The id that it was pinned with.")),
            ("found", text("The id that it came back with.")),
        ],
    )
}

impl Described for Changed {
    fn name() -> String {
        "ChangedId".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        changed()
    }
}

impl Described for NewTrustPolicy {
    fn name() -> String {
        "NewTrustPolicy".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object("A policy to be made: a line, or conditions, or both.", &new_members())
    }
}

impl Described for TrustPolicy {
    fn name() -> String {
        "TrustPolicy".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object(
            "Whom a project trusts from outside.",
            &[
                ("id", id("trp", "Its id.")),
                ("org", text("The organization's slug.")),
                ("project", text("The slug of the project that passes are for.")),
                ("issuer", text("The issuer, exactly.")),
                ("platform", platform()),
                ("conditions", conditions()),
                ("pins", pins()),
                ("pin_first_use", whether("Whether ids are pinned when they are first seen.")),
                ("permissions", scope()),
                ("ttl_seconds", number("How long a pass is good for.")),
                ("sentence", text("What it allows.")),
                ("dangers", dangers()),
                ("created_at", time("When it was made.")),
                ("created_by", text("Who made it.")),
                ("creator?", text("The e-mail address of whoever made it.")),
                ("last_used_at?", time("When it last let somebody in.")),
                (
                    "keys_unknown?",
                    object(
                        "Why it lets nobody in now: the keys of its issuer could not be fetched.",
                        &[
                            ("at", time("When that was last tried.")),
                            ("why", text("What was wrong.")),
                        ],
                    ),
                ),
            ],
        )
    }
}

impl Described for TrustExchange {
    fn name() -> String {
        "TrustExchange".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object(
            "Somebody was let in.",
            &[
                ("id", id("job", "The job: the `sub` of its pass.")),
                ("at", time("When.")),
                ("policy", id("trp", "The policy that let them in.")),
                ("project", text("The slug of the project.")),
                ("who", text("Who came, in short.")),
                ("subject", text("The `sub` of their token.")),
                ("scope", scope()),
                ("expires_at", time("When the pass ends by itself.")),
                ("ended_at?", time("When it was ended before.")),
                ("address?", text("The address that asked.")),
            ],
        )
    }
}

impl Described for DeniedExchange {
    fn name() -> String {
        "DeniedExchange".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object("Somebody was not let in.", &denied_members())
    }
}

impl Described for DeniedExplained {
    fn name() -> String {
        "DeniedExplained".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        let policy = object(
            "What became of the claims at one policy.",
            &[
                ("id", id("trp", "Its id.")),
                ("project", text("The slug of its project.")),
                ("sentence", text("What it allows.")),
                ("checks", checks()),
                ("admitted", whether("Whether it would let them in now.")),
                ("changed?", list(changed(), "Names that came with another id than it pins.")),
            ],
        );
        let least = object(
            "The least rule that would have let them in.",
            &[
                ("project", text("The slug of the project that it is for.")),
                ("policy", object("To be posted as it is.", &new_members())),
                ("sentence", text("What it allows.")),
                ("dangers", dangers()),
            ],
        );
        let mut members = denied_members();
        members
            .push(("claims", json!({ "description": "What the token said.", "type": "object" })));
        members.push(("policies", list(policy, "Each policy, the nearest first.")));
        members.push((
            "settled?",
            whether("Its name goes with another id by now: there is nothing to be let in."),
        ));
        members.push(("least?", least));
        object("Why somebody was not let in.", &members)
    }
}
