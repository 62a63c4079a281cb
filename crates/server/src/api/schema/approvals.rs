//! Actions that agents ask their owners to approve.

use hallpass_core::wire::approvals::{
    Approval, ApprovalState, ApproveAction, ApprovedAction, AskedApproval, NewApproval,
};
use serde_json::{Value, json};

use super::{Described, Schemas, id, list, number, object, one_of, or_null, text, time};

const STATES: [&str; 5] = [
    ApprovalState::Pending.as_str(),
    ApprovalState::Approved.as_str(),
    ApprovalState::Denied.as_str(),
    ApprovalState::Used.as_str(),
    ApprovalState::Expired.as_str(),
];

/// RFC 9396 §2.
fn details() -> Value {
    let part = json!({
        "additionalProperties": true,
        "properties": { "type": text("What kind of action it is.") },
        "required": ["type"],
        "type": "object",
    });
    list(
        part,
        "The action, exactly (RFC 9396): 1 to 5 objects, 4096 bytes in the form of RFC 8785; whole numbers, visible text, names of letters, digits, _ and -.",
    )
}

fn digest() -> Value {
    text("SHA-256 over `authorization_details` in the form of RFC 8785, base64url.")
}

described! {
    NewApproval = "NewApproval", "An action to be approved." {
        "authorization_details": details(),
        "reason?": or_null(text("Why, in the agent's words, in 300 characters at most.")),
        "resources?": list(text("A URI."), "Where it will be done: some of what the agent's own token is made out for; absent: all."),
    }
    AskedApproval = "AskedApproval", "The owner was asked; poll for the answer (CIBA Core)." {
        "auth_req_id": id("apr", "What is polled for."),
        "digest": digest(),
        "expires_in": number("Seconds until nobody can approve it any more."),
        "interval": number("Least seconds between two polls."),
    }
    ApprovedAction = "ApprovedAction", "The token of an approved action." {
        "token": text("Good once, for this action, where it was made out for."),
        "token_expires_at": time("When it ends."),
        "digest": digest(),
    }
    Approval = "Approval", "An action that an agent asked for." {
        "id": id("apr", "Its id."),
        "agent": id("agt", "Who asks."),
        "agent_name": text("What that is called."),
        "project?": text("`ORG/PROJECT` that it is bound to."),
        "authorization_details": details(),
        "digest": digest(),
        "resources": list(text("A URI."), "Where it will be done."),
        "reason?": text("Why, in the agent's words."),
        "state": one_of(&STATES, "How far it has come."),
        "created_at": time("When it was asked for."),
        "expires_at": time("Until when it can be approved; once approved, until when it can be done."),
        "decided_at?": time("When it was decided."),
        "used_at?": time("When it was done."),
        "used_by?": text("The client that did it."),
    }
    ApproveAction = "ApproveAction", "A yes to an action that was seen." {
        "digest": text("The digest of what was seen; another one approves nothing."),
    }
}
