//! Taking tokens over. The whole file is read and everything in it looked up before the
//! first of them is; a second run takes over what a first one, broken off, did not.

use std::collections::HashMap;

use hallpass_core::id::{ProjectId, TokenId, UserId};
use hallpass_core::role::ProjectRole;
use hallpass_core::text::presentable;
use hallpass_core::{Digest, chance};
use hallpass_store::{LegacyHash, NewLegacy};

use super::file::{self, BadLine, Line, TOO_MANY};
use super::salted::{MOST, Salted};
use super::{Hash, LegacyError};
use crate::Issuer;

/// Tokens in one change of the store.
const PORTION: usize = 500;
const MAX_NAME: usize = 80;
/// What a token may do at most if nothing says so.
pub(super) const ROLE: ProjectRole = ProjectRole::Collaborator;

/// What holds for lines that do not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `ORG/PROJECT`.
    pub project: Option<String>,
    /// The most that it may do there; collaborator if nothing is said.
    pub role: Option<ProjectRole>,
    /// E-mail address or id; nobody's if nothing is said.
    pub owner: Option<String>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Tokens in it.
    pub read: u64,
    /// Those that were not known before. The others stay as they are, revoked ones too.
    pub imported: u64,
}

impl Issuer {
    /// Takes over the tokens of `text` ([`file`]). The first import begins the move, with
    /// phase A. A token that is known already for another project is refused: it would not
    /// be clear what its holder may do.
    pub async fn import_legacy(
        &self,
        text: &str,
        defaults: Defaults,
        actor: &str,
    ) -> Result<Imported, LegacyError> {
        let prefix = self.0.config.brand.tokens.legacy_prefix.clone();
        let prefix = prefix.ok_or(LegacyError::NoPrefix)?;
        let lines = file::read(text, &prefix)?;
        let read = lines.len() as u64;
        let salted = lines.iter().any(|line| matches!(line.hash, Hash::Salted(_)));
        let planned = self.plan(lines, &defaults).await?;
        let begun = self.begun_move(actor).await?;
        if salted {
            // Before the first of them is there: a text may be presented at once.
            self.0.adoption.expect();
        }
        let mut imported = 0;
        for (project, tokens) in planned {
            let mut tokens = tokens.into_iter().peekable();
            while tokens.peek().is_some() {
                let portion: Vec<NewLegacy> = tokens
                    .by_ref()
                    .take(PORTION)
                    .map(|token| NewLegacy {
                        prefix: prefix.clone(),
                        expires_at: begun.sunset,
                        ..token
                    })
                    .collect();
                let by = self.by(actor, None, None);
                imported += self.0.store.legacy().import(project, portion, &by).await?;
            }
        }
        self.catch_up(begun.sunset, actor).await?;
        Ok(Imported { read, imported })
    }

    /// Which tokens go to which project; by line, so that the first bad one is named.
    async fn plan(
        &self,
        lines: Vec<Line>,
        defaults: &Defaults,
    ) -> Result<Vec<(ProjectId, Vec<NewLegacy>)>, LegacyError> {
        let mut projects: HashMap<String, ProjectId> = HashMap::new();
        let mut owners: HashMap<String, UserId> = HashMap::new();
        let mut planned: Vec<(ProjectId, Vec<NewLegacy>)> = Vec::new();
        for line in lines {
            let number = line.number;
            let Some(place) = line.project.clone().or(defaults.project.clone()) else {
                let what = "nothing says which project; name it with --project";
                return Err(BadLine::new(number, what).into());
            };
            let project = match projects.get(&place).copied() {
                Some(id) => id,
                None => {
                    let found = self.legacy_project(&place).await;
                    let id = found.map_err(|error| at_line(number, error))?.id;
                    projects.insert(place, id);
                    id
                }
            };
            let owner = match line.owner.clone().or(defaults.owner.clone()) {
                None => None,
                Some(who) => Some(match owners.get(&who).copied() {
                    Some(id) => id,
                    None => {
                        let found = self.legacy_owner(&who).await;
                        let id = found.map_err(|error| at_line(number, error))?.id;
                        owners.insert(who, id);
                        id
                    }
                }),
            };
            self.not_elsewhere(&line, project).await?;
            let token = self.new_legacy(&line, owner, line.role.or(defaults.role).unwrap_or(ROLE));
            match planned.iter_mut().find(|(id, _)| *id == project) {
                Some((_, tokens)) => tokens.push(token),
                None => planned.push((project, vec![token])),
            }
        }
        Ok(planned)
    }

    /// Its prefix and its end are the deployment's.
    fn new_legacy(&self, line: &Line, owner: Option<UserId>, role: ProjectRole) -> NewLegacy {
        NewLegacy {
            id: self.new_id(TokenId::new),
            hash: match &line.hash {
                Hash::Sha256(digest) | Hash::Sha512(digest) => LegacyHash::Digest(*digest),
                Hash::Salted(salted) => LegacyHash::Salted {
                    lookup: salted.key.clone(),
                    phc: salted.phc.clone(),
                    placeholder: Digest::from_bytes(chance::bytes(&*self.0.random)),
                },
            },
            name: name(line),
            prefix: String::new(),
            last_four: String::new(),
            role,
            owner,
            created_at: line.created,
            expires_at: None,
        }
    }

    async fn not_elsewhere(&self, line: &Line, project: ProjectId) -> Result<(), LegacyError> {
        let known = match &line.hash {
            Hash::Sha256(digest) | Hash::Sha512(digest) => {
                self.0.store.credentials().facts(digest).await?.map(|facts| facts.credential)
            }
            Hash::Salted(salted) => {
                let known = self.0.store.legacy().by_phc(&salted.phc).await?;
                if known.is_none() && self.is_crowded(salted).await? {
                    return Err(BadLine::new(line.number, TOO_MANY).into());
                }
                known
            }
        };
        match known {
            Some(known) if known.project_id != Some(project) => {
                let what = "this token was imported before, for another project";
                Err(BadLine::new(line.number, what).into())
            }
            _ => Ok(()),
        }
    }

    /// Whether so many share its lookup already that one more would be too many.
    async fn is_crowded(&self, salted: &Salted) -> Result<bool, LegacyError> {
        let key = std::slice::from_ref(&salted.key);
        Ok(self.0.store.legacy().candidates(key, self.now()).await?.len() >= MOST)
    }

    /// An end that was set while tokens were taken over is theirs, too.
    async fn catch_up(
        &self,
        given: Option<hallpass_core::Timestamp>,
        actor: &str,
    ) -> Result<(), LegacyError> {
        let Some((text, now)) = self.kept_move().await? else { return Ok(()) };
        if now.sunset != given {
            self.keep_move(Some(text), now, Some(now.sunset), actor).await?;
        }
        Ok(())
    }
}

fn at_line(number: usize, error: LegacyError) -> LegacyError {
    match error {
        LegacyError::Unknown(what) => BadLine::new(number, what).into(),
        other => other,
    }
}

fn name(line: &Line) -> String {
    let given = line.name.as_deref().map(|name| presentable(name, MAX_NAME));
    given.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("legacy {}", line.hash.short()))
}
