//! What can be asked, and the answers. Both also travel over the private socket.

use hallpass_core::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// One command of an operator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Makes a user.
    UserCreate {
        /// E-mail address.
        email: String,
        /// What to call them.
        name: String,
        /// The first password.
        #[serde(serialize_with = "Secret::serialize_exposed")]
        password: Secret,
        /// Whether they administer the deployment.
        admin: bool,
    },
    /// All users.
    UserList,
    /// Ends everything of a user (by e-mail address or id) and lets them in no more.
    UserDisable {
        /// E-mail address or id.
        user: String,
    },
    /// Lets a user in again.
    UserEnable {
        /// E-mail address or id.
        user: String,
    },
    /// Sets a password; ends everything of the user's.
    UserPassword {
        /// E-mail address or id.
        user: String,
        /// The new password.
        #[serde(serialize_with = "Secret::serialize_exposed")]
        password: Secret,
    },
    /// Registers a client.
    ClientCreate(NewClient),
    /// All clients.
    ClientList,
    /// Ends everything of a client, and issues nothing to it any more.
    ClientDisable {
        /// Its id.
        id: String,
    },
    /// Makes the next signing keys.
    SigningKeysRotate {
        /// Sign with them at once, without publishing them first: a key has leaked.
        now: bool,
    },
    /// All signing keys.
    SigningKeysList,
    /// The newest rows of the audit log.
    AuditList {
        /// How many.
        limit: u32,
    },
}

/// A client to register.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NewClient {
    /// Its id.
    pub id: String,
    /// What people see; the id if it is empty.
    pub name: String,
    /// Whether it can keep a secret, and gets one.
    pub confidential: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Grant types; empty for the usual ones.
    pub grant_types: Vec<String>,
    /// Scope tokens that it may ask for; empty for all.
    pub scopes: Vec<String>,
    /// Resources that it may introspect tokens for; empty for this server's own API.
    pub resources: Vec<String>,
    /// Whether it may come without PKCE, then with a nonce.
    pub without_pkce: bool,
    /// `RS256` or `ES256`.
    pub id_token_alg: Option<String>,
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done; with what there is to say about it.
    Done(String),
    /// It was so already.
    Unchanged(String),
    /// A user was made.
    UserCreated {
        /// Their id.
        id: String,
    },
    /// A client was registered.
    ClientCreated {
        /// Its secret, shown this once.
        #[serde(serialize_with = "Secret::serialize_exposed_option")]
        secret: Option<Secret>,
    },
    /// Users.
    Users(Vec<User>),
    /// Clients.
    Clients(Vec<Client>),
    /// Signing keys.
    SigningKeys(Vec<SigningKey>),
    /// Rows of the audit log, oldest first.
    Audit(Vec<AuditRow>),
}

/// A user, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Whether they administer the deployment.
    pub admin: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when they are not let in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
}

/// A client, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// What it may ask for.
    pub scope: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when it may do nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
}

/// A signing key, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningKey {
    /// Its `kid`.
    pub id: String,
    /// `ES256` or `RS256`.
    pub alg: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when it signs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signs_until: Option<Timestamp>,
    /// Until when it is published.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published_until: Option<Timestamp>,
}

/// A row of the audit log, as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place in the log.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// Why a command was not done. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What is wrong, and what would be right.
    pub message: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// What was asked for cannot be.
    Input,
    /// The server that was asked did not understand, or broke off.
    Server,
    /// The store did not do it.
    Store,
}

impl Refused {
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: Kind::Input }
    }

    pub(super) fn server(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: Kind::Server }
    }

    pub(super) fn store(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: Kind::Store }
    }

    /// 2 for what cannot be, 7 for the store, else 1.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Input => 2,
            Kind::Store => 7,
            Kind::Server => 1,
        }
    }
}
