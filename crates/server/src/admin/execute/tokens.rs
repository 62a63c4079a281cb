//! Personal tokens, and what a scanner looks for.

use hallpass_core::ends::Ends;
use hallpass_core::wire::tokens::NewToken;
use hallpass_issuer::tokens::{Actor, TokenError};
use hallpass_issuer::{Issuer, Origin};
use hallpass_store::Store;

use super::{PORTION, find, said};
use crate::admin::command::tokens::{Command, Pattern, Patterns, Token};
use crate::admin::command::{Answer, Refused};

pub(super) async fn execute(
    issuer: &Issuer,
    store: &Store,
    command: Command,
) -> Result<Answer, Refused> {
    let here = Origin::default();
    match command {
        Command::Create { user, name, expires, projects, scopes } => {
            let new = NewToken {
                name,
                expires_at: end(issuer, expires.as_deref(), "--expires")?,
                scope: scope(&scopes)?,
                projects,
                user: Some(user),
            };
            let created = issuer.create_token(&Actor::Operator, new, &here).await?;
            Ok(Answer::TokenCreated(Box::new(created)))
        }
        Command::List { user: Some(user) } => {
            let user = find(store, &user).await?;
            Ok(Answer::Tokens(of(issuer, &user).await?))
        }
        Command::List { user: None } => all(issuer, store).await,
        Command::Revoke { id } => {
            issuer.revoke_token(&Actor::Operator, &id, &here).await?;
            Ok(said(true, format!("{id} is revoked")))
        }
        Command::Patterns => Ok(Answer::Patterns(patterns(issuer))),
    }
}

/// When something ends, as the operator said it.
pub(super) fn end(
    issuer: &Issuer,
    text: Option<&str>,
    flag: &str,
) -> Result<Option<hallpass_core::Timestamp>, Refused> {
    let Some(text) = text else { return Ok(None) };
    let ends: Ends = text.parse().map_err(|why| Refused::input(format!("{flag}: {why}")))?;
    Ok(ends.from(issuer.now()))
}

fn scope(names: &[String]) -> Result<Option<hallpass_core::Scope>, Refused> {
    if names.is_empty() {
        return Ok(None);
    }
    let scope = names.join(" ").parse();
    scope.map(Some).map_err(|error| Refused::input(format!("--scope: {error}")))
}

async fn all(issuer: &Issuer, store: &Store) -> Result<Answer, Refused> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let portion = store.users().list(after, PORTION).await?;
        let Some(last) = portion.last() else { return Ok(Answer::Tokens(all)) };
        after = Some(last.id);
        for user in &portion {
            all.extend(of(issuer, user).await?);
        }
    }
}

async fn of(issuer: &Issuer, user: &hallpass_store::User) -> Result<Vec<Token>, Refused> {
    let id = user.id.to_string();
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page =
            issuer.tokens_of(&Actor::Operator, Some(&id), cursor.as_deref(), PORTION).await?;
        let listed = |token| Token { user: user.email.clone(), token };
        all.extend(page.items.into_iter().map(listed));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

fn patterns(issuer: &Issuer) -> Patterns {
    let config = issuer.config();
    let patterns = issuer.token_patterns().into_iter().map(|pattern| Pattern {
        id: pattern.id.to_owned(),
        description: pattern.description.to_owned(),
        prefix: pattern.prefix,
        regex: pattern.regex,
        checksum: pattern.checksum,
        example: pattern.example,
    });
    Patterns {
        title: config.brand.title.clone(),
        brand: config.brand.name.clone(),
        issuer: config.public_url.issuer().to_owned(),
        patterns: patterns.collect(),
    }
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        match &error {
            TokenError::Failed(_) => Self::store(error.to_string()),
            TokenError::Unknown => Self::input(
                "there is no such token, or it has ended; hallpass admin token list shows those that are there",
            ),
            _ => Self::input(error.to_string()),
        }
    }
}
