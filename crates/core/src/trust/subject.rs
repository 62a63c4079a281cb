//! GitHub's `sub`, in both of its forms: `repo:acme/warehouse:…`, and since July 2026 for new,
//! renamed and transferred repositories `repo:acme@123/warehouse@456:…`.
//!
//! It decides nothing by itself. It is read to see that it and the claims beside it say the same:
//! a subject that cannot be read, or says something else, is a token that we do not understand.

use super::claims::{Claim, Claims};

/// A subject that begins with `repo:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubSubject {
    /// The owner's name.
    pub owner: String,
    /// Their number, in the newer form.
    pub owner_id: Option<String>,
    /// The repository's name, without its owner.
    pub name: String,
    /// Its number, in the newer form.
    pub repository_id: Option<String>,
    /// What follows: `ref:refs/heads/main`, `environment:production`, `pull_request`.
    pub context: String,
}

/// Why a subject is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// It is not `repo:OWNER/NAME:…`.
    #[error("sub is not of the form repo:OWNER/NAME:…")]
    Form,
    /// A name with characters that no name has.
    #[error("sub has a name in it that GitHub does not give")]
    Name,
    /// One id, where there are two or none.
    #[error("sub has an id for one of owner and repository only")]
    HalfIds,
    /// It and a claim beside it differ.
    #[error("sub and the claim {0} say different things")]
    Disagrees(&'static str),
}

impl GithubSubject {
    /// Reads a subject in either form.
    pub fn parse(sub: &str) -> Result<Self, BadSubject> {
        let rest = sub.strip_prefix("repo:").ok_or(BadSubject::Form)?;
        let (repository, context) = rest.split_once(':').ok_or(BadSubject::Form)?;
        let (owner, name) = repository.split_once('/').ok_or(BadSubject::Form)?;
        if context.is_empty() {
            return Err(BadSubject::Form);
        }
        let (owner, owner_id) = with_id(owner)?;
        let (name, repository_id) = with_id(name)?;
        if owner_id.is_some() != repository_id.is_some() {
            return Err(BadSubject::HalfIds);
        }
        let context = context.to_owned();
        Ok(Self { owner, owner_id, name, repository_id, context })
    }

    /// Whether it says what the claims beside it say.
    pub fn agrees(&self, claims: &Claims) -> Result<(), BadSubject> {
        let repository = format!("{}/{}", self.owner, self.name);
        must_be(claims, "repository", &repository)?;
        if claims.get("repository_owner") != Claim::Missing {
            must_be(claims, "repository_owner", &self.owner)?;
        }
        if let Some(id) = &self.owner_id {
            must_be(claims, "repository_owner_id", id)?;
        }
        if let Some(id) = &self.repository_id {
            must_be(claims, "repository_id", id)?;
        }
        if let Some(name) = self.context.strip_prefix("ref:") {
            must_be(claims, "ref", name)?;
        }
        if let Some(name) = self.context.strip_prefix("environment:") {
            // GitHub writes ':' as '%3A' and leaves '%3A' as it is, so that two environments
            // have one subject. The claim is what tells them apart (attack-23).
            let claim = claims.text("environment");
            if claim.is_none_or(|claim| claim.replace(':', "%3A") != name) {
                return Err(BadSubject::Disagrees("environment"));
            }
        }
        Ok(())
    }
}

fn must_be(claims: &Claims, name: &'static str, value: &str) -> Result<(), BadSubject> {
    let same = claims.text(name).is_some_and(|claim| claim == value);
    if same { Ok(()) } else { Err(BadSubject::Disagrees(name)) }
}

/// A name, and the number behind an `@`.
pub(super) fn with_id(text: &str) -> Result<(String, Option<String>), BadSubject> {
    let (name, id) = match text.split_once('@') {
        Some((name, id)) => (name, Some(id)),
        None => (text, None),
    };
    let number = |id: &str| (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    if !is_name(name) || !id.is_none_or(number) {
        return Err(BadSubject::Name);
    }
    Ok((name.to_owned(), id.map(str::to_owned)))
}

/// What an owner or a repository can be called.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}
