//! Who presents the credential, and where a key or a job belongs.

use hallpass_core::wire::api::Whoami;
use hallpass_core::wire::tokens::{Org, Project};
use serde_json::Value;

use super::{Described, Schemas, object, one_of, refer, scope, text, time, whether};

impl Described for Whoami {
    fn name() -> String {
        "Whoami".to_owned()
    }

    fn schema(schemas: &mut Schemas) -> Value {
        let members = [
            ("id", text("The `sub`.")),
            ("kind", one_of(&["user", "key", "job"], "Who acts.")),
            ("email", text("E-mail address; empty for a key or a job.")),
            ("name", text("Display name, or what the key or the job is called.")),
            ("org?", refer::<Org>(schemas)),
            ("project?", refer::<Project>(schemas)),
            ("older?", whether("It is a token of an older system, good in its project alone.")),
            ("client_id?", text("The client that the credential was issued to.")),
            ("scope", scope()),
            ("expires_at?", time("When the credential ends.")),
        ];
        object("Who presents the credential, and the place that it is about.", &members)
    }
}
