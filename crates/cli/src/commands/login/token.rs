//! Tokens that are there already: from standard input, a hidden prompt or a file.
//! Never from the command line (CLIENT H1).

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hallpass_core::Secret;

use crate::{Context, Failure, Input};

/// No token is longer (CLIENT H2). One byte more is read, so that the client can tell.
const LIMIT: u64 = 16 * 1024;

/// Where a token is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// `--with-token`: standard input, or a hidden prompt if that is a terminal.
    Stdin,
    /// `--token-file`; `-` is standard input.
    File(PathBuf),
    /// The command line itself, in a brand that takes it there.
    Given(Secret),
}

/// Reads it, as it is; the client takes one newline off its end and checks it.
pub fn read(
    cx: &Context<'_>,
    stdin: &mut dyn Input,
    stdin_is_terminal: bool,
    from: &From,
    retry: &str,
) -> Result<Secret, Failure> {
    let unreadable = |name: &str, error: io::Error| {
        Failure::usage(format!("the token cannot be read from {name}: {error}"), retry)
    };
    let from_stdin = match from {
        From::Given(token) => return Ok(token.clone()),
        From::Stdin => true,
        From::File(path) => path == Path::new("-"),
    };
    if from_stdin && stdin_is_terminal {
        return ask(cx, stdin, retry);
    }
    let bytes = match from {
        From::File(path) if !from_stdin => {
            read_file(path).map_err(|error| unreadable(&path.display().to_string(), error))?
        }
        _ => stdin.read_all(LIMIT).map_err(|error| unreadable("standard input", error))?,
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(Failure::usage("that is not a token: it is not text", retry)),
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn ask(cx: &Context<'_>, stdin: &mut dyn Input, retry: &str) -> Result<Secret, Failure> {
    if let Some(why) = cx.unattended() {
        return Err(Failure::usage(
            format!("{why}, so nobody is asked; pipe the token into standard input"),
            format!("{} login --token-file FILE", cx.program),
        ));
    }
    match stdin.hidden("Token (it is not shown):") {
        Ok(Some(token)) => Ok(token),
        Ok(None) => Err(Failure::new(
            crate::Exit::Interrupted,
            "cancelled",
            "the sign-in was stopped; nothing was stored",
            retry,
        )),
        Err(error) => Err(Failure::usage(format!("the token cannot be asked for: {error}"), retry)),
    }
}

/// `--token VALUE` was on the command line.
pub(crate) fn refused_in_argv(cx: &Context<'_>) -> Failure {
    let variable = cx.brand.variable("TOKEN");
    Failure::usage(
        format!(
            "--token is not accepted: a command line is seen by other programs and kept in the \
             shell's history. --with-token reads standard input, --token-file FILE a file, and \
             {variable} signs in a script"
        ),
        format!("{} login --with-token", cx.program),
    )
    .kept("Nothing was stored. If that was a real token, revoke it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exit;
    use crate::testing::Town;

    // proves: client-H1
    #[test]
    fn a_token_on_the_command_line_is_refused_and_never_repeated() {
        for line in [
            "hallpass login --token hp_user_abc",
            "hallpass login --token=hp_user_abc",
            "hallpass --token hp_user_abc status",
            "hallpass whoami --token hp_user_abc",
        ] {
            let done = Town::new().run(line);
            assert_eq!(done.exit, Exit::Usage, "{line}");
            assert!(done.stdout.is_empty(), "{line}");
            assert!(!done.stderr.contains("hp_user_abc"), "{line}: {}", done.stderr);
            for way in ["--with-token", "--token-file", "HALLPASS_TOKEN"] {
                assert!(done.stderr.contains(way), "{line}: {}", done.stderr);
            }
        }
        insta::assert_snapshot!(Town::new().run("hallpass login --token x").stderr, @"
        error: --token is not accepted: a command line is seen by other programs and
          kept in the shell's history. --with-token reads standard input, --token-file
          FILE a file, and HALLPASS_TOKEN signs in a script
          Nothing was stored. If that was a real token, revoke it.
          Next: hallpass login --with-token
        ");
    }

    fn read_in(town: &Town, from: &From) -> Result<Secret, Failure> {
        let terminal = town.terminal().streams.stdin;
        town.with(|cx| read(cx, &mut town.input(), terminal, from, "hallpass login --with-token"))
    }

    // proves: client-H2
    #[test]
    fn a_token_comes_from_a_pipe_a_prompt_or_a_file() {
        let mut piped = Town::new().piped();
        piped.stdin(b"from-a-pipe\n");
        assert_eq!(read_in(&piped, &From::Stdin).unwrap().expose(), "from-a-pipe\n");
        let dash = From::File("-".into());
        assert_eq!(read_in(&piped, &dash).unwrap().expose(), "from-a-pipe\n");

        let mut typed = Town::new();
        typed.stdin(b"typed");
        assert_eq!(read_in(&typed, &From::Stdin).unwrap().expose(), "typed");

        let file = piped.home().join("token");
        std::fs::write(&file, "from-a-file").unwrap();
        assert_eq!(read_in(&piped, &From::File(file)).unwrap().expose(), "from-a-file");
        let missing = From::File(piped.home().join("missing"));
        assert_eq!(read_in(&piped, &missing).unwrap_err().exit, Exit::Usage);
        piped.stdin(b"\xff\xfe");
        assert_eq!(read_in(&piped, &From::Stdin).unwrap_err().exit, Exit::Usage);
    }

    // proves: client-A8
    #[test]
    fn nobody_is_asked_where_nobody_is() {
        for variable in ["CI", "HALLPASS_NONINTERACTIVE"] {
            let failure = read_in(&Town::new().var(variable, "true"), &From::Stdin).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.contains(variable), "{}", failure.what);
        }
    }
}
