//! Where it is asked whether a claim holds.

use std::fmt;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::claims::{Claim, PROJECT, READ};
use crate::town::HonestTown;
use crate::wire::Wire;

/// One connection of one asker.
pub(crate) struct Door {
    wire: Wire,
    host: String,
    way: Way,
}

enum Way {
    /// `POST /oauth/introspect`, as this client.
    Introspection { authorization: String },
    /// `GET /check`.
    Check,
    /// An API behind a guard in another process, which remembers.
    Guard,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.way {
            Way::Introspection { .. } => "introspection",
            Way::Check => "/check",
            Way::Guard => "the guard",
        })
    }
}

impl Door {
    /// One of each.
    pub(crate) fn all(town: &HonestTown) -> [Self; 3] {
        [Self::introspection(town), Self::guard(town), Self::check(town)]
    }

    fn introspection(town: &HonestTown) -> Self {
        let (id, secret) = town.caller();
        let authorization = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        Self::new(town.host(), Way::Introspection { authorization })
    }

    fn check(town: &HonestTown) -> Self {
        Self::new(town.host(), Way::Check)
    }

    fn guard(town: &HonestTown) -> Self {
        Self::new(town.guarded().host().to_owned(), Way::Guard)
    }

    /// Whether what it says comes from another process than the server's.
    pub(crate) fn is_guard(&self) -> bool {
        matches!(self.way, Way::Guard)
    }

    fn new(host: String, way: Way) -> Self {
        Self { wire: Wire::new(host.clone()), host, way }
    }

    /// Whether the claim holds, as far as this door knows; `None`: it cannot tell now.
    pub(crate) async fn admits(&mut self, claim: &Claim) -> Result<Option<bool>> {
        match &self.way {
            Way::Introspection { authorization } => {
                let mut body = format!("token={}", claim.token);
                if claim.permission.is_some() {
                    body.push_str(&format!("&project={PROJECT}"));
                }
                let request = format!(
                    "POST /oauth/introspect HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                    self.host,
                    body.len()
                );
                let (status, body) = self.wire.ask(&request).await?;
                if status != 200 {
                    bail!("introspection answered {status} {body}");
                }
                let answer: serde_json::Value = serde_json::from_str(&body)?;
                Ok(Some(match claim.permission {
                    None => answer["active"] == true,
                    Some(permission) => answer["place"]["permissions"]
                        .as_array()
                        .is_some_and(|all| all.iter().any(|one| one == permission)),
                }))
            }
            Way::Check => {
                let query = claim
                    .permission
                    .map(|permission| format!("?project={PROJECT}&permission={permission}"));
                let request = format!(
                    "GET /check{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
                    query.unwrap_or_default(),
                    self.host,
                    claim.token
                );
                self.yes_or_no(&request).await
            }
            Way::Guard => {
                let path = match claim.permission {
                    None => "/me".to_owned(),
                    Some(permission) => format!("{}{}", project_path(), route(permission)),
                };
                let request = format!(
                    "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
                    self.host, claim.token
                );
                self.yes_or_no(&request).await
            }
        }
    }

    async fn yes_or_no(&mut self, request: &str) -> Result<Option<bool>> {
        match self.wire.ask(request).await? {
            (200, _) => Ok(Some(true)),
            (401 | 403, _) => Ok(Some(false)),
            // A guard whose lease has run out on a busy machine, and whose question took too long.
            (503, _) if self.is_guard() => Ok(None),
            (status, body) => bail!("{self:?} answered {status} {body}"),
        }
    }
}

/// Where the guarded API speaks of [`PROJECT`].
fn project_path() -> String {
    let (org, project) = PROJECT.split_once('/').unwrap_or_default();
    format!("/orgs/{org}/projects/{project}")
}

/// Where it asks for which permission.
fn route(permission: &str) -> &'static str {
    if permission == READ { "/read" } else { "" }
}
