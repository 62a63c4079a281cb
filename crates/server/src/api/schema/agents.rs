//! Agents.

use hallpass_core::wire::agents::{
    Agent, AgentReport, AgentSecret, AgentSecretValue, AgentState, NewAgent, NewAgentSecret,
    RenewedAgent, StartedAgent, WhichSecret,
};
use serde_json::{Value, json};

use super::{
    ABSOLUTE, Described, PLACE, Schemas, id, label, list, matching, number, object, one_of,
    or_null, refer, scope, text, time, whole,
};

const STATES: [&str; 3] =
    [AgentState::Running.as_str(), AgentState::Stopped.as_str(), AgentState::Lapsed.as_str()];

described! {
    NewAgent = "NewAgent", "An agent to start." {
        "name": label("What to call it."),
        "project?": or_null(matching(PLACE, "`ORG/PROJECT`: the one project that it may do anything in.")),
        "permissions?": scope(),
        "ttl_seconds?": or_null(whole("How long its token lives, and so for how long it goes on unless it is renewed; 900 if absent.", 10, 3600)),
        "depth?": or_null(whole("How many levels of agents may come below it; 2 if absent.", 0, 8)),
        "resources?": list(matching(ABSOLUTE, "A URI."), "Resources (RFC 8707) that its tokens are good at, besides this API."),
        "host?": or_null(text("The host that it is started on.")),
        "command?": or_null(text("The command that it is, without arguments that could be secret.")),
    }
    Agent = "Agent", "An agent." {
        "id": id("agt", "The `sub` of its tokens."),
        "name": text("What it is called."),
        "owner": id("usr", "Whose it is."),
        "project?": text("`ORG/PROJECT`: the one project that it may do anything in."),
        "permissions": scope(),
        "parent?": id("agt", "The agent that started it."),
        "depth": number("How many levels of agents may come below it."),
        "broker?": text("What the token is called through which it was started, if that was not its owner in person."),
        "state": one_of(&STATES, "Whether it runs."),
        "created_at": time("When it began."),
        "seen_at": time("When it was last heard of."),
        "expires_at?": time("When it ends unless it is renewed."),
        "ended_at?": time("When it ended."),
        "end_reason?": text("Why it ended."),
        "report?": text("What it last said of itself."),
        "progress?": number("How far it is, in percent."),
        "reported_at?": time("When it said so."),
        "host?": text("The host that it was started on, as that said."),
        "command?": text("The command that it is, as its broker said."),
    }
    RenewedAgent = "RenewedAgent", "A fresh token of an agent that goes on." {
        "token": text("Its access token."),
        "token_expires_at": time("When that ends."),
    }
    AgentReport = "AgentReport", "What an agent says of itself." {
        "text": text("What it is doing, in 200 characters at most."),
        "progress?": or_null(whole("How far it is, in percent.", 0, 100)),
    }
}

/// What a secret can be called.
const NAME: &str = "^[A-Za-z0-9_.-]{1,80}$";

/// For which agents a secret is: one of these.
fn of() -> Value {
    let members = [
        ("run?", id("agt", "This agent alone.")),
        ("agent?", label("All agents that are called so.")),
        ("project?", matching(PLACE, "`ORG/PROJECT`: all agents in this project.")),
    ];
    let mut one = object("For whom: exactly one of these.", &members);
    one["minProperties"] = json!(1);
    one["maxProperties"] = json!(1);
    one
}

described! {
    NewAgentSecret = "NewAgentSecret", "A secret to keep for agents." {
        "of": of(),
        "name": matching(NAME, "What it is called."),
        "value": text("The secret itself, 1 to 8192 bytes."),
    }
    WhichSecret = "WhichSecret", "Which secret is meant." {
        "of": of(),
        "name": text("What it is called."),
    }
    AgentSecret = "AgentSecret", "A secret without what is in it." {
        "of": of(),
        "name": text("What it is called."),
        "set_at": time("When it was last set."),
        "read_at?": time("When an agent last read it."),
    }
    AgentSecretValue = "AgentSecretValue", "A secret." {
        "name": text("What it is called."),
        "value": text("The secret itself."),
    }
}

impl Described for StartedAgent {
    fn name() -> String {
        "StartedAgent".to_owned()
    }

    fn schema(schemas: &mut Schemas) -> Value {
        let members = [
            ("agent", refer::<Agent>(schemas)),
            ("token", text("Its access token.")),
            ("token_expires_at", time("When that ends.")),
        ];
        object("An agent that was started, with its first token.", &members)
    }
}
