//! Personal tokens: made, listed, changed, rotated, revoked.
//!
//! A person makes tokens for their scripts, at a page or with a program that they signed in
//! to. A token makes tokens only if it was given that right, and then none that exceeds it.
//! An administrator does all of it for others, signed in and never with a token; whose token
//! it is sees that on their tokens page.
//!
//! | module | what |
//! |---|---|
//! | [`actor`] | who acts |
//! | `bounds` | a child never exceeds its parent |
//! | [`error`] | why nothing became of it |
//! | [`others`] | for whom an administrator acts, and what others did for somebody |

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use hallpass_core::id::{GrantId, ProjectId, TokenId, UserId};
use hallpass_core::permission::implied;
use hallpass_core::scope::{ACCOUNT, AGENTS, TOKENS};
use hallpass_core::text::presentable;
use hallpass_core::wire::api::Page;
use hallpass_core::wire::tokens as wire;
use hallpass_core::{Scope, Timestamp, TokenText};
use hallpass_store::credentials::LEAKED;
use hallpass_store::{Credential, NewToken, Role, Rotate, Successor, TokenKind, User};

use crate::notices::Deed;
use crate::{Issuer, Origin, email};

pub mod actor;
pub(crate) mod bounds;
pub mod error;
pub mod others;
#[cfg(test)]
mod others_tests;
#[cfg(test)]
mod tests;

pub use actor::Actor;
use bounds::Bounds;
pub use error::TokenError;

/// Longest name of a token.
const MAX_NAME: usize = 80;
/// Most projects that a token is narrowed to; who needs more needs no narrowing.
const MAX_PROJECTS: usize = 100;
/// Longest time that a rotated token stays good beside its successor.
pub const MAX_OVERLAP: Duration = Duration::from_secs(90 * 24 * 3600);
/// Most tokens on a page of a list.
pub const MAX_PAGE: u32 = 200;

impl Issuer {
    /// Makes a personal token. Its text is in the answer, this once.
    pub async fn create_token(
        &self,
        actor: &Actor<'_>,
        new: wire::NewToken,
        origin: &Origin,
    ) -> Result<wire::CreatedToken, TokenError> {
        actor.must_manage_tokens()?;
        let bounds = self.bounds_of(actor).await?;
        let owner = self.owner(actor, new.user.as_deref()).await?;
        let name = name(&new.name)?;
        let mut made = Bounds {
            scope: new.scope.map(|scope| self.known_scope(scope)).transpose()?,
            projects: self.named_projects(owner, &new.projects).await?,
            expires_at: new.expires_at,
        };
        if let Some(bounds) = bounds {
            made = bounds.child(made, &self.whole_scope())?;
        }
        self.must_be_future(made.expires_at)?;
        let text = self.mint_token();
        let token = NewToken {
            id: self.new_id(TokenId::new),
            digest: text.digest(),
            prefix: self.0.config.brand.tokens.prefix.clone(),
            last_four: text.last_four().to_owned(),
            owner,
            name,
            scope: made.scope,
            projects: made.projects,
            expires_at: made.expires_at,
            grant_id: self.new_id(GrantId::new),
        };
        let by = self.by_about(actor, origin, owner, Deed::Made(&token.name)).await?;
        let kept = self.0.store.credentials().create(token, &by).await?;
        self.call_for_mail();
        Ok(wire::CreatedToken { token: self.shown(kept).await?, value: text.into_secret() })
    }

    /// A page of somebody's live tokens, newest first, and of those that leaked lately:
    /// `user`'s, if an administrator asks, else one's own.
    pub async fn tokens_of(
        &self,
        actor: &Actor<'_>,
        user: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::Token>, TokenError> {
        let owner = self.owner(actor, user).await?;
        let after = cursor.map(str::parse::<TokenId>).transpose().map_err(|_| {
            TokenError::invalid("invalid_cursor", "the cursor is not one that a list answered with")
        })?;
        let (limit, now) = (limit.clamp(1, MAX_PAGE), self.now());
        // One more than asked for says whether there are more.
        let mut found = self.0.store.credentials().of_user(owner, after, limit + 1, now).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
        let mut names = HashMap::new();
        let mut items = Vec::with_capacity(found.len());
        for kept in found {
            items.push(self.shown_with(kept, &mut names).await?);
        }
        Ok(Page { items, next_cursor })
    }

    /// One token of the actor's own; an administrator's own is everybody's.
    pub async fn own_token(&self, actor: &Actor<'_>, id: &str) -> Result<wire::Token, TokenError> {
        let kept = self.theirs(actor, id).await?;
        self.still_shown(kept).await
    }

    /// One token of `owner`'s, if it is the actor's own or they administer.
    pub async fn token_of(
        &self,
        actor: &Actor<'_>,
        owner: UserId,
        id: &str,
    ) -> Result<wire::Token, TokenError> {
        let kept = self.theirs(actor, id).await?;
        if kept.user_id != Some(owner) {
            return Err(TokenError::Unknown);
        }
        self.still_shown(kept).await
    }

    async fn still_shown(&self, kept: Credential) -> Result<wire::Token, TokenError> {
        let leaked = kept.revoke_reason.as_deref() == Some(LEAKED);
        if leaked || kept.is_live(self.now()) {
            self.shown(kept).await
        } else {
            Err(TokenError::Unknown)
        }
    }

    /// Gives a token another name, another end, or both.
    pub async fn change_token(
        &self,
        actor: &Actor<'_>,
        id: &str,
        change: wire::TokenChange,
        origin: &Origin,
    ) -> Result<wire::Token, TokenError> {
        actor.must_manage_tokens()?;
        let mut kept = self.own(actor, id).await?;
        let owner = kept.user_id.ok_or(TokenError::Unknown)?;
        let new_name = change.name.as_deref().map(name).transpose()?;
        if let Some(expires_at) = change.expires_at {
            self.must_be_future(expires_at)?;
            if let Some(bounds) = self.bounds_of(actor).await? {
                let longer = Bounds { expires_at, ..reach(&kept) };
                bounds.must_hold(&longer, &self.whole_scope())?;
            }
        }
        let store = self.0.store.credentials();
        if let Some(name) = new_name {
            let by = self.by(&actor.name(), None, Some(origin));
            kept = store.rename(owner, kept.id, &name, &by).await?.ok_or(TokenError::Unknown)?;
        }
        if let Some(expires_at) = change.expires_at {
            let by = self.by(&actor.name(), None, Some(origin));
            let changed = store.set_expiry(owner, kept.id, expires_at, &by).await?;
            kept = changed.ok_or(TokenError::Unknown)?;
        }
        self.shown(kept).await
    }

    /// Ends a token of the actor's own, or anybody's if an administrator or the operator says
    /// so. When it returns, the token is refused everywhere.
    pub async fn revoke_token(
        &self,
        actor: &Actor<'_>,
        id: &str,
        origin: &Origin,
    ) -> Result<(), TokenError> {
        actor.must_manage_tokens()?;
        let kept = self.own(actor, id).await?;
        let reason = match actor {
            Actor::Operator => "revoked by the operator",
            _ if self.is_own(actor, &kept) => "revoked by its owner",
            _ => "revoked by an administrator",
        };
        let owner = kept.user_id.ok_or(TokenError::Unknown)?;
        let by = self.by_about(actor, origin, owner, Deed::Revoked(&kept.name)).await?;
        let done = self.0.store.credentials().revoke(Some(owner), kept.id, reason, &by).await?;
        self.call_for_mail();
        if done { Ok(()) } else { Err(TokenError::Unknown) }
    }

    /// Makes a successor with the same name and reach, and the same length of life if nothing else
    /// is said. The old one stays good for the overlap, and not at all if that is zero.
    pub async fn rotate_token(
        &self,
        actor: &Actor<'_>,
        id: &str,
        how: impl Into<wire::RotateToken>,
        origin: &Origin,
    ) -> Result<wire::CreatedToken, TokenError> {
        actor.must_manage_tokens()?;
        let wire::RotateToken { overlap_seconds, expires_at } = how.into();
        let old = self.own(actor, id).await?;
        let overlap = overlap_of(overlap_seconds)?;
        self.must_be_future(expires_at.flatten())?;
        let mut expires_by = None;
        if let Some(bounds) = self.bounds_of(actor).await? {
            // What the successor may do, for at most as long as the token that rotates it.
            expires_by = bounds.expires_at;
            let end = expires_at.unwrap_or(expires_by);
            bounds.must_hold(&Bounds { expires_at: end, ..reach(&old) }, &self.whole_scope())?;
        }
        let text = self.mint_token();
        let successor = Successor {
            id: self.new_id(TokenId::new),
            digest: text.digest(),
            prefix: self.0.config.brand.tokens.prefix.clone(),
            last_four: text.last_four().to_owned(),
            grant_id: self.new_id(GrantId::new),
            expires_at,
            expires_by,
        };
        let owner = old.user_id.ok_or(TokenError::Unknown)?;
        let until = (!overlap.is_zero()).then(|| self.now() + overlap);
        let by = self.by_about(actor, origin, owner, Deed::Rotated(&old.name)).await?;
        let credentials = self.0.store.credentials();
        let rotated = credentials.rotate(owner, old.id, successor, until, &by).await?;
        self.call_for_mail();
        match rotated {
            Rotate::Done(kept) => {
                Ok(wire::CreatedToken { token: self.shown(kept).await?, value: text.into_secret() })
            }
            Rotate::Gone => Err(TokenError::Unknown),
            Rotate::Rotated => Err(TokenError::Rotated),
        }
    }

    fn mint_token(&self) -> TokenText {
        TokenText::mint_with_prefix(&self.0.config.brand.tokens.prefix, &*self.0.random)
    }

    /// Whose tokens it is about. Nobody but an administrator who is signed in learns whether
    /// somebody else is there.
    async fn owner(&self, actor: &Actor<'_>, user: Option<&str>) -> Result<UserId, TokenError> {
        let person = actor.person();
        let own = person.filter(|_| actor.is_person()).map(|(id, ..)| id);
        let Some(user) = user else {
            return own.ok_or_else(|| match actor {
                Actor::Operator => TokenError::invalid("invalid_user", "say whose token it is"),
                _ => TokenError::not_allowed(
                    "only a person has tokens; sign in, or present a personal token",
                ),
            });
        };
        if let (Some(own), Some((_, address, _))) = (own, person)
            && (user == own.to_string() || email::normalize(user) == address)
        {
            return Ok(own);
        }
        if !actor.administers() && !matches!(actor, Actor::Operator) {
            return Err(TokenError::not_allowed(
                "only an administrator who is signed in does this for somebody else",
            ));
        }
        let found = self.user_called(user).await?.filter(|user| user.disabled_at.is_none());
        found.map(|user| user.id).ok_or_else(|| {
            TokenError::invalid("unknown_user", "there is no such user, or the account is disabled")
        })
    }

    /// By id, or by e-mail address in any spelling.
    pub(crate) async fn user_called(&self, user: &str) -> Result<Option<User>, crate::Error> {
        Ok(match user.parse::<UserId>() {
            Ok(id) => self.0.store.users().by_id(id).await?,
            Err(_) => self.0.store.users().by_email(&email::normalize(user)).await?,
        })
    }

    /// A live personal token of the actor's own, or anybody's if an administrator or the
    /// operator asks.
    async fn own(&self, actor: &Actor<'_>, id: &str) -> Result<Credential, TokenError> {
        let kept = self.theirs(actor, id).await?;
        if kept.is_live(self.now()) { Ok(kept) } else { Err(TokenError::Unknown) }
    }

    /// The same, in whatever state it is.
    async fn theirs(&self, actor: &Actor<'_>, id: &str) -> Result<Credential, TokenError> {
        let id: TokenId = id.parse().map_err(|_| TokenError::Unknown)?;
        let kept = self.0.store.credentials().by_id(id).await?;
        let kept = kept.filter(|kept| kept.kind == TokenKind::Personal);
        let kept = kept.ok_or(TokenError::Unknown)?;
        let may =
            self.is_own(actor, &kept) || actor.administers() || matches!(actor, Actor::Operator);
        if may { Ok(kept) } else { Err(TokenError::Unknown) }
    }

    /// Whether it is the token of the very person who acts.
    fn is_own(&self, actor: &Actor<'_>, kept: &Credential) -> bool {
        let own = actor.person().filter(|_| actor.is_person()).map(|(id, ..)| id);
        own.is_some() && kept.user_id == own
    }

    fn known_scope(&self, scope: Scope) -> Result<Scope, TokenError> {
        let all = self.0.config.brand.roles.all();
        let known: BTreeSet<&str> =
            all.iter().map(String::as_str).chain([ACCOUNT, AGENTS, TOKENS]).collect();
        scope_within(scope, &known.into_iter().collect::<Vec<_>>(), "a token")
    }

    /// The projects `ORG/PROJECT`, in each of which `owner` has a role now. One that is not
    /// there and one that they may not see are told alike.
    async fn named_projects(
        &self,
        owner: UserId,
        named: &[String],
    ) -> Result<Vec<ProjectId>, TokenError> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        if named.len() > MAX_PROJECTS {
            return Err(TokenError::invalid(
                "invalid_project",
                "a token is narrowed to at most 100 projects",
            ));
        }
        let roles = self.0.store.members().of_user(owner).await?;
        let mut found = BTreeSet::new();
        for name in named {
            let project = match name.split_once('/') {
                Some((org, project)) => self.0.store.projects().by_slug(org, project).await?,
                None => None,
            };
            let theirs = project.filter(|project| {
                project.disabled_at.is_none()
                    && roles.iter().any(|it| match it.role {
                        Role::Project(id, _) => id == project.id,
                        Role::Org(role) => it.org_id == project.org_id && implied(role).is_some(),
                    })
            });
            let theirs = theirs.ok_or_else(|| {
                let shown = presentable(name, 130);
                let why = format!("there is no project {shown} in which the owner has a role; a project is written ORG/PROJECT");
                TokenError::invalid("invalid_project", why)
            })?;
            found.insert(theirs.id);
        }
        Ok(found.into_iter().collect())
    }

    pub(crate) fn must_be_future(&self, expires_at: Option<Timestamp>) -> Result<(), TokenError> {
        if expires_at.is_some_and(|at| at <= self.now()) {
            return Err(TokenError::invalid(
                "invalid_expiry",
                "the expiry has passed already; give a later one, or revoke the token",
            ));
        }
        Ok(())
    }

    async fn shown(&self, kept: Credential) -> Result<wire::Token, TokenError> {
        self.shown_with(kept, &mut HashMap::new()).await
    }

    /// As its owner sees it. `names` keeps what projects are called, for the next one.
    async fn shown_with(
        &self,
        kept: Credential,
        names: &mut HashMap<ProjectId, String>,
    ) -> Result<wire::Token, TokenError> {
        let mut projects = Vec::with_capacity(kept.projects.len());
        for id in &kept.projects {
            if !names.contains_key(id) {
                names.insert(*id, self.project_name(*id).await?);
            }
            projects.extend(names.get(id).cloned());
        }
        let by_owner = kept.user_id.is_some_and(|owner| owner.to_string() == kept.created_by);
        Ok(wire::Token {
            id: kept.id.to_string(),
            name: kept.name,
            prefix: kept.prefix,
            last_four: kept.last_four,
            scope: kept.scope,
            projects,
            created_at: kept.created_at,
            created_by: (!by_owner).then_some(kept.created_by),
            expires_at: kept.expires_at,
            last_used_at: kept.last_used_at,
            last_used_address: kept.last_used_address,
            rotated_from: kept.rotated_from.map(|id| id.to_string()),
            overlap_until: kept.overlap_until,
            leaked_at: kept.revoked_at,
        })
    }

    /// `ORG/PROJECT`; the id if it is gone.
    async fn project_name(&self, id: ProjectId) -> Result<String, TokenError> {
        let Some(project) = self.0.store.projects().by_id(id).await? else {
            return Ok(id.to_string());
        };
        let org = self.0.store.orgs().by_id(project.org_id).await?;
        Ok(org.map_or_else(|| id.to_string(), |org| format!("{}/{}", org.slug, project.slug)))
    }
}

/// For how long an old token stays good beside its successor.
pub(crate) fn overlap_of(seconds: u64) -> Result<Duration, TokenError> {
    let overlap = Duration::from_secs(seconds);
    if overlap > MAX_OVERLAP {
        return Err(TokenError::invalid("invalid_overlap", "an overlap is 90 days at most"));
    }
    Ok(overlap)
}

fn reach(kept: &Credential) -> Bounds {
    Bounds {
        scope: kept.scope.clone(),
        projects: kept.projects.clone(),
        expires_at: kept.expires_at,
    }
}

/// A scope that is made of what is known, for `what` it is to narrow.
pub(crate) fn scope_within(scope: Scope, known: &[&str], what: &str) -> Result<Scope, TokenError> {
    let invalid = |why: String| TokenError::invalid("invalid_scope", why);
    if scope.is_empty() {
        return Err(invalid(format!(
            "{what} with an empty scope may do nothing; leave the scope out for everything"
        )));
    }
    let Some(unknown) = scope.iter().find(|name| !known.contains(name)) else {
        return Ok(scope);
    };
    let near = known.iter().max_by(|a, b| {
        strsim::jaro_winkler(a, unknown).total_cmp(&strsim::jaro_winkler(b, unknown))
    });
    let listed = known.join(" ");
    let near = near.filter(|near| strsim::jaro_winkler(near, unknown) > 0.8);
    let hint = near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean {near}?"));
    Err(invalid(format!(
        "there is no scope {} here{hint} The scope of {what} is made of {listed}",
        presentable(unknown, 60),
    )))
}

/// A name as it is kept: what would deceive is refused, not taken out, because two names
/// that look alike would become one.
pub(crate) fn name(text: &str) -> Result<String, TokenError> {
    let text = text.trim();
    let shown = presentable(text, MAX_NAME);
    if shown.is_empty() || shown != text {
        return Err(TokenError::invalid(
            "invalid_name",
            "a name has 1 to 80 characters, and no line breaks or invisible ones among them",
        ));
    }
    // Pasted in the wrong place: a name is kept and shown as it is, and a token never is.
    let is_token = |prefix: &str| TokenText::parse_with_prefix(prefix, text).is_ok();
    if text.rfind('_').is_some_and(|end| is_token(&text[..=end])) {
        return Err(TokenError::invalid(
            "invalid_name",
            "that is the text of a token, which is no name; if it was pasted by mistake, revoke it",
        ));
    }
    Ok(shown)
}
