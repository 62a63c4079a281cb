//! `login-token`: keeps a personal token that is given as an argument, on standard input or at a
//! hidden prompt. Only in brands that place it in their tree.

use clap::{Arg, ArgMatches, Command};
use hallpass_client::LoginOptions;
use hallpass_core::Secret;

use super::progress;
use super::token::{From, read};
use crate::arguments::Globals;
use crate::commands::{client, retry};
use crate::{Context, Exit, Failure, Input, Output, own, refusal};

/// The command's part of the tree.
pub fn command() -> Command {
    Command::new("login-token").about("Store a personal token").arg(
        Arg::new("token")
            .value_name("TOKEN")
            .help("Without it, standard input or a hidden prompt gives the token"),
    )
}

/// Checks the token with the server, and keeps it.
pub fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let again = retry(cx, globals, "login-token");
    let from = match matches.get_one::<String>("token").map(String::as_str) {
        None | Some("-") => From::Stdin,
        Some(token) => {
            out.warning(&own::seen_in_argv(cx));
            From::Given(Secret::new(token))
        }
    };
    let text = read(cx, stdin, out.terminal.streams.stdin, &from, &again)?;
    if let Some(why) = of_a_sign_in(text.expose()) {
        return Err(Failure::usage(
            format!("that is no personal token: {why}; such tokens are stored when you sign in"),
            format!("{} login", cx.program),
        ));
    }
    let options = LoginOptions {
        stdin_is_terminal: out.terminal.streams.stdin,
        command: cx.brand.spelt(cx.program, &again),
        ..LoginOptions::default()
    };
    let login = client(cx, globals)
        .login_with_token(text, &options)
        .map_err(|error| refusal::told(&error, cx, &again).in_our_words())?;
    progress::token_kept(cx, out, &login)?;
    Ok(Exit::Usable)
}

/// Why a token is one that a sign-in brings, and nobody carries about.
fn of_a_sign_in(text: &str) -> Option<&'static str> {
    let text = text.trim_ascii();
    let parts = text.split('.').count();
    if parts == 3 && text.starts_with("ey") {
        return Some("it is a JWT, which ends by itself within minutes or hours");
    }
    let refresh = ["refresh_", "hp_rt_"].iter().any(|prefix| text.starts_with(prefix));
    refresh.then_some("it is a refresh token")
}

#[cfg(test)]
mod tests {
    use crate::Exit;
    use crate::testing::Town;

    // proves: SM02
    #[test]
    fn tokens_of_a_sign_in_are_refused_with_a_reason_and_never_repeated() {
        for (token, why) in [("eyJhbGc.eyJzdWI.c2ln", "a JWT"), ("refresh_0123", "a refresh token")]
        {
            let mut town = Town::new().piped().brand(|brand| {
                brand.commands.insert("auth token".into(), "login-token".into());
            });
            town.stdin(token.as_bytes());
            for line in ["hallpass auth token".to_owned(), format!("hallpass auth token {token}")] {
                let done = town.run(&line);
                assert_eq!(done.exit, Exit::Usage, "{done:?}");
                assert!(done.stderr.contains(why) && !done.stderr.contains(token), "{done:?}");
            }
        }
    }
}
