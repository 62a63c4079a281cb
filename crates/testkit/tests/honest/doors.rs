//! Where it is asked whether a claim holds.

use std::fmt;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::claims::{Claim, PROJECT};
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
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.way {
            Way::Introspection { .. } => "introspection",
            Way::Check => "/check",
        })
    }
}

impl Door {
    pub(crate) fn introspection(town: &HonestTown) -> Self {
        let (id, secret) = town.caller();
        let authorization = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        Self::new(town, Way::Introspection { authorization })
    }

    pub(crate) fn check(town: &HonestTown) -> Self {
        Self::new(town, Way::Check)
    }

    fn new(town: &HonestTown, way: Way) -> Self {
        let host = town.host();
        Self { wire: Wire::new(host.clone()), host, way }
    }

    /// Whether the claim holds, as far as this door knows.
    pub(crate) async fn admits(&mut self, claim: &Claim) -> Result<bool> {
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
                Ok(match claim.permission {
                    None => answer["active"] == true,
                    Some(permission) => answer["place"]["permissions"]
                        .as_array()
                        .is_some_and(|all| all.iter().any(|one| one == permission)),
                })
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
                match self.wire.ask(&request).await? {
                    (200, _) => Ok(true),
                    (401 | 403, _) => Ok(false),
                    (status, body) => bail!("/check answered {status} {body}"),
                }
            }
        }
    }
}
