//! Agents of one's own: started, seen, renewed and stopped; and what an agent asks for itself.
//!
//! The two never meet: a person's credential starts agents ([`Client::session`]), and an agent
//! presents its own token and nothing else ([`Client::as_agent`]). Neither looks where the other
//! one is kept.

use hallpass_core::text::presentable;
use hallpass_core::wire::agents::{
    AGENT, AGENT_SECRETS, AGENTS, Agent, AgentReport, AgentSecret, AgentSecretValue, DEPTH, NAME,
    NewAgent, NewAgentSecret, RenewedAgent, SecretOf, StartedAgent, TTL, WhichSecret,
};
use hallpass_core::wire::oauth::{TOKEN_EXCHANGE, TYPE_ACCESS_TOKEN};
use hallpass_core::wire::path;
use hallpass_core::{Secret, Timestamp};

use crate::oauth::{NoTokens, redeem};
use crate::session::{Session, path_segment};
use crate::{Client, Error, Selection, StorePolicy};

impl Client {
    /// A handle for the agent that this process runs in: with the token in the file that its
    /// broker keeps fresh, or else the one in the variable. `None`: this is no agent, or not for
    /// the brand's tool, which leaves that to another. What a person signed in with is not looked
    /// at.
    ///
    /// # Errors
    /// [`Error::TokenFile`] if the file cannot be read and no variable holds one,
    /// [`Error::MalformedToken`] if what is there is no token.
    pub fn as_agent(&self) -> Result<Option<Session>, Error> {
        if !self.brand().sources.agent {
            return Ok(None);
        }
        let var = |name: &str| self.environment().var(&self.brand().variable(name));
        let in_file = var("AUTH_TOKEN_FILE").map(|file| {
            std::fs::read_to_string(&file).map_err(|error| Error::TokenFile {
                variable: self.brand().variable("AUTH_TOKEN_FILE"),
                path: presentable(&file, 200),
                why: error.to_string(),
            })
        });
        let token = match (in_file, var("AUTH_TOKEN")) {
            (Some(Ok(token)), _) | (None | Some(Err(_)), Some(token)) => token,
            (Some(Err(unread)), None) => return Err(unread),
            (None, None) => return Ok(None),
        };
        self.presenting(self.selection().server.clone(), &Secret::new(token.trim_end())).map(Some)
    }

    /// A handle that presents `token` at `server`, and nothing that is kept here. A token goes
    /// where it is from: which server somebody is signed in to does not count.
    ///
    /// # Errors
    /// [`Error::BadToken`] if that is no token.
    pub fn as_bearer(&self, server: &str, token: &Secret) -> Result<Session, Error> {
        self.presenting(Some(server.to_owned()), token)
    }

    fn presenting(&self, server: Option<String>, token: &Secret) -> Result<Session, Error> {
        self.session_of(&Selection {
            token: Some(token.clone()),
            server,
            ignore_variables: true,
            profile: None,
            store: Some(StorePolicy::None),
            ..self.selection().clone()
        })
    }
}

impl Session {
    /// The agents that run, and those that ended within a day; all pages, newest first.
    pub fn agents(&self) -> Result<Vec<Agent>, Error> {
        self.read_all(AGENTS, &[("limit", "200")])
    }

    /// One of them.
    pub fn agent(&self, id: &str) -> Result<Agent, Error> {
        self.send("GET", &address(id, ""), None::<&()>)?.json_of()
    }

    /// Starts one. Asked twice, it starts two; so nothing here asks twice.
    pub fn start_agent(&self, new: &NewAgent) -> Result<StartedAgent, Error> {
        self.send("POST", AGENTS, Some(new))?.json_of()
    }

    /// Lets one go on, with a fresh token.
    pub fn renew_agent(&self, id: &str) -> Result<RenewedAgent, Error> {
        self.send("POST", &address(id, "/renew"), None::<&()>)?.json_of()
    }

    /// Stops one and all below it; they are refused everywhere when this returns.
    pub fn stop_agent(&self, id: &str) -> Result<(), Error> {
        self.send("POST", &address(id, "/stop"), None::<&()>).map(drop)
    }

    /// The agent that asks.
    pub fn itself(&self) -> Result<Agent, Error> {
        self.send("GET", AGENT, None::<&()>)?.json_of()
    }

    /// Says how far it is.
    pub fn report(&self, text: &str, progress: Option<u32>) -> Result<(), Error> {
        let report = AgentReport { text: text.to_owned(), progress };
        self.send("POST", &format!("{AGENT}/report"), Some(&report)).map(drop)
    }

    /// Says that it is done, and so is all below it.
    pub fn done(&self) -> Result<(), Error> {
        self.send("POST", &format!("{AGENT}/done"), None::<&()>).map(drop)
    }

    /// A secret of the agent that asks.
    pub fn agent_secret(&self, name: &str) -> Result<AgentSecretValue, Error> {
        let address = format!("{AGENT}/secrets/{}", path_segment(name));
        self.send("GET", &address, None::<&()>)?.json_of()
    }

    /// The names of all that is kept for one's agents.
    pub fn agent_secrets(&self) -> Result<Vec<AgentSecret>, Error> {
        self.read_all(AGENT_SECRETS, &[])
    }

    /// Keeps a secret for one's agents.
    pub fn set_agent_secret(&self, of: &SecretOf, name: &str, value: &Secret) -> Result<(), Error> {
        let (of, name, value) = (of.clone(), name.to_owned(), value.clone());
        self.send("PUT", AGENT_SECRETS, Some(&NewAgentSecret { of, name, value })).map(drop)
    }

    /// Takes one away.
    pub fn remove_agent_secret(&self, of: &SecretOf, name: &str) -> Result<(), Error> {
        let which = WhichSecret { of: of.clone(), name: name.to_owned() };
        self.send("POST", &format!("{AGENT_SECRETS}/remove"), Some(&which)).map(drop)
    }

    /// Lets a child of the agent that asks go on, with a fresh token.
    pub fn renew_child(&self, id: &str) -> Result<RenewedAgent, Error> {
        let address = format!("{AGENT}/children/{}/renew", path_segment(id));
        self.send("POST", &address, None::<&()>)?.json_of()
    }

    /// Starts a child of the agent that asks: its token is the subject, and proves the actor
    /// (RFC 8693 §2.1, §4.4).
    pub fn start_child(
        &self,
        client: &Client,
        new: &NewAgent,
        now: Timestamp,
    ) -> Result<StartedAgent, Error> {
        let own = self.access_token()?;
        let (ttl, depth) = (new.ttl_seconds.map(number), new.depth.map(number));
        let scope = new.permissions.to_string();
        let client_id = self.parts.brand.client_id.clone();
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("client_id", client_id.as_str()),
            ("subject_token", own.expose()),
            ("subject_token_type", TYPE_ACCESS_TOKEN),
            ("actor_token", own.expose()),
            ("actor_token_type", TYPE_ACCESS_TOKEN),
            (NAME, new.name.as_str()),
        ];
        parameters.extend(ttl.as_deref().map(|ttl| (TTL, ttl)));
        parameters.extend(depth.as_deref().map(|depth| (DEPTH, depth)));
        if !scope.is_empty() {
            parameters.push(("scope", &scope));
        }
        let endpoint = format!("{}{}", self.server, path::TOKEN);
        let granted =
            redeem(&self.http, &endpoint, &parameters, None).map_err(|why| match why {
                NoTokens::Refused(refusal) => refusal.into_error(&self.server, "to start a child"),
                NoTokens::Unavailable { why, .. } => why.into(),
            })?;
        let token = granted.tokens.access_token;
        let life = std::time::Duration::from_secs(granted.tokens.expires_in.unwrap_or_default());
        let agent = client.as_bearer(&self.server, &token)?.itself()?;
        Ok(StartedAgent { agent, token, token_expires_at: now + life })
    }
}

fn address(id: &str, more: &str) -> String {
    format!("{AGENTS}/{}{more}", path_segment(id))
}

fn number(number: u32) -> String {
    number.to_string()
}
