//! Which token a word on the command line means.

use hallpass_client::Session;
use hallpass_client::tokens::{Found, find};
use hallpass_core::wire::tokens::Token;

use super::refused::{Asked, refused};
use crate::arguments::Globals;
use crate::commands::retry;
use crate::{Context, Exit, Failure, words};

/// The token that each of `words` means: of one's own, or of those of `user`. Nothing is
/// changed before all of them are clear.
pub(super) fn named(
    cx: &Context<'_>,
    globals: &Globals,
    session: &Session,
    words: &[&str],
    user: Option<&str>,
) -> Result<Vec<Token>, Failure> {
    for word in words {
        check_no_secret(cx, globals, word)?;
    }
    let mut listed: Option<Vec<Token>> = None;
    let mut tokens: Vec<Token> = Vec::new();
    for word in words {
        let asked = Asked::about(word);
        let refuse = |error| refused(&error, cx, globals, &asked);
        // With `--user` an id means a token of that person's or none.
        let token = if word.starts_with("tok_") && user.is_none() {
            session.token_by_id(word).map_err(refuse)?
        } else {
            if listed.is_none() {
                listed = Some(session.tokens(user).map_err(refuse)?);
            }
            pick(cx, globals, listed.as_deref().unwrap_or_default(), word, user)?.clone()
        };
        // Twice the same is once.
        if tokens.iter().all(|other| other.id != token.id) {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

fn pick<'t>(
    cx: &Context<'_>,
    globals: &Globals,
    listed: &'t [Token],
    word: &str,
    user: Option<&str>,
) -> Result<&'t Token, Failure> {
    match find(listed, word) {
        Found::One(token) => Ok(token),
        Found::None => Err(unknown(cx, globals, word, user)),
        Found::Several(tokens) => {
            let ids: Vec<_> = tokens
                .iter()
                .map(|token| hallpass_core::text::presentable(&token.id, 60))
                .collect();
            Err(Failure::usage(
                format!("{word:?} is more than one token: {}; say which id", ids.join(", ")),
                retry(cx, globals, &list(user)),
            ))
        }
    }
}

/// There is no such token, or it is somebody else's.
pub(super) fn unknown(
    cx: &Context<'_>,
    globals: &Globals,
    word: &str,
    user: Option<&str>,
) -> Failure {
    let who = user.map_or("you have".to_owned(), |user| format!("{user} has"));
    Failure::new(
        Exit::Other,
        "not_found",
        format!("{who} no token {word:?}; it may have been revoked, or have ended"),
        retry(cx, globals, &list(user)),
    )
    .kept("Nothing was changed.")
}

/// The command that lists those that could have been meant.
fn list(user: Option<&str>) -> String {
    user.map_or("token list".to_owned(), |user| {
        format!("token list --user {}", words::quoted(user))
    })
}

/// Whoever has a leaked token at hand pastes it. It is in the shell's history then, so it
/// is not used, not repeated, and to be revoked.
fn check_no_secret(cx: &Context<'_>, globals: &Globals, word: &str) -> Result<(), Failure> {
    let tokens = &cx.brand.tokens;
    let prefixes = [Some(tokens.prefix.as_str()), tokens.legacy_prefix.as_deref()];
    let body = prefixes.into_iter().flatten().find_map(|prefix| word.strip_prefix(prefix));
    let Some(body) = body.filter(|body| body.len() >= 20 && body.is_ascii()) else {
        return Ok(());
    };
    let last_four = words::quoted(&body[body.len() - 4..]);
    Err(Failure::usage(
        "that is a token itself, and the shell's history has it now; name it by its id, its name \
         or its last four characters, and revoke it",
        retry(cx, globals, &format!("token revoke {last_four}")),
    ))
}

#[cfg(test)]
mod tests {
    use crate::Exit;
    use crate::testing::Town;

    // proves: client-H1
    #[test]
    fn a_token_in_the_place_of_its_name_is_not_used_and_not_repeated() {
        let token = "hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA";
        let town = Town::new().var("HALLPASS_TOKEN", "token-x");
        for verb in ["revoke", "rotate"] {
            let done = town.run(&format!("hallpass token {verb} {token}"));
            assert_eq!((done.exit, done.stdout.as_str()), (Exit::Usage, ""), "{done:?}");
            assert!(!done.stderr.contains(token), "{}", done.stderr);
            assert!(done.stderr.ends_with("Next: hallpass token revoke urKA\n"), "{done:?}");
        }
    }
}
