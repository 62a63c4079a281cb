//! Invitations.

use hallpass_core::wire::tokens::{CreatedInvitation, Invitation};
use serde_json::Value;

use super::{Described, Schemas, id, object, text, time, whether};

fn invitation_members() -> Vec<(&'static str, Value)> {
    vec![
        ("id", id("inv", "The invitation's id.")),
        ("email", text("E-mail address of whoever is invited.")),
        ("role", text("The role that it gives.")),
        ("invited_by", text("E-mail address of whoever invites.")),
        ("mailed", whether("The link was sent to the address, and shown to nobody.")),
        ("created_at", time("When it was made.")),
        ("expires_at", time("When it ends by itself.")),
    ]
}

impl Described for Invitation {
    fn name() -> String {
        "Invitation".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        object("An open invitation.", &invitation_members())
    }
}

impl Described for CreatedInvitation {
    fn name() -> String {
        "CreatedInvitation".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        let mut members = invitation_members();
        members.push(("link?", text("The link, shown this once; absent if it was sent.")));
        object("An invitation, with its link.", &members)
    }
}
