//! What can be asked, and the answers. Both also travel over the private socket.
//!
//! | module | what |
//! |---|---|
//! | `listed` | users, clients, keys and audit rows as listed, a client to register |
//! | [`orgs`] | organizations, projects and roles in them |
//! | [`tokens`] | personal tokens, and what a scanner looks for |
//! | [`legacy`] | tokens of an older system |
//! | [`books`] | the audit log |

use hallpass_core::Secret;
use hallpass_core::wire::tokens::CreatedToken;
use serde::{Deserialize, Serialize};

pub mod books;
pub mod legacy;
mod listed;
pub mod orgs;
pub mod tokens;

pub use listed::{AuditRow, Client, NewClient, SigningKey, User};

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
        /// What becomes of the keys that they made: `keep` or `revoke`.
        #[serde(default)]
        keys: Option<String>,
    },
    /// Lets a user in again.
    UserEnable {
        /// E-mail address or id.
        user: String,
    },
    /// Says who somebody is whom the provider elsewhere signs in.
    UserLink {
        /// E-mail address or id.
        user: String,
        /// Who they are at the provider.
        subject: String,
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
    /// Organizations and projects.
    Orgs(orgs::Command),
    /// Personal tokens.
    Tokens(tokens::Command),
    /// Tokens of an older system.
    Legacy(legacy::Command),
    /// Makes the next signing keys.
    SigningKeysRotate {
        /// Sign with them at once, without publishing them first: a key has leaked.
        now: bool,
    },
    /// All signing keys.
    SigningKeysList,
    /// Lets the next generation of the key that seals agents' secrets take over.
    SecretsRotate,
    /// The audit log.
    Books(books::Command),
    /// The newest rows of the audit log.
    AuditList {
        /// How many.
        limit: u32,
    },
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
    /// An organization was made.
    OrgCreated(orgs::Org),
    /// A project was made.
    ProjectCreated(orgs::Project),
    /// A token was made; its text is shown this once.
    TokenCreated(Box<CreatedToken>),
    /// Users.
    Users(Vec<User>),
    /// Clients.
    Clients(Vec<Client>),
    /// Signing keys.
    SigningKeys(Vec<SigningKey>),
    /// Rows of the audit log, oldest first.
    Audit(Vec<AuditRow>),
    /// Of the audit log.
    Books(books::Answer),
    /// Organizations.
    Orgs(Vec<orgs::Org>),
    /// Projects.
    Projects(Vec<orgs::Project>),
    /// Who has which role somewhere.
    Members(Vec<orgs::Member>),
    /// Personal tokens.
    Tokens(Vec<tokens::Token>),
    /// What a scanner looks for.
    Patterns(tokens::Patterns),
    /// How far the move away from an older system is.
    LegacyPhase(Option<legacy::Phase>),
    /// What was imported.
    LegacyImported(legacy::Imported),
    /// Tokens of an older system, the last used first.
    LegacyReport(Vec<legacy::Token>),
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
