//! git's credential helpers (gitcredentials(7), git-credential(1)): `get`, `store`, `erase`,
//! `capability`. Any other operation is one that we do not know yet: silence (CLIENT I1).

use clap::{Arg, ArgAction, ArgMatches, Command};
use hallpass_core::Secret;
use hallpass_core::brand::Brand;

use super::pick::{Asker, Given, Pick, SILENCE};
use super::{line, operation, request, text};
use crate::{Exit, Failure, Input, Output};

pub(super) fn command(brand: &Brand) -> Command {
    Command::new("git")
        .about(format!("git: credential.helper = '!{}'", line(brand, "credential git")))
        .arg(operation())
        .arg(
            Arg::new("bearer")
                .long("bearer")
                .action(ArgAction::SetTrue)
                .help("Authorization: Bearer, where git can (2.46), instead of a password"),
        )
}

/// What git says about a request, as far as it matters here.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    protocol: String,
    host: String,
    username: Option<String>,
    password: Option<String>,
    authtype: bool,
}

impl Asked {
    /// `key=value` lines up to an empty one. Unknown keys are ignored; `url` is taken apart
    /// by git before it comes here.
    fn read(request: &str) -> Self {
        let mut asked = Self::default();
        for line in request.lines().take_while(|line| !line.is_empty()) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.to_owned();
            match key {
                "protocol" => asked.protocol = value,
                "host" => asked.host = value,
                "username" => asked.username = Some(value),
                "password" | "credential" => asked.password = Some(value),
                "capability[]" => asked.authtype |= value == "authtype",
                _ => {}
            }
        }
        asked
    }

    fn asker(&self) -> Asker {
        let address = format!("{}://{}", self.protocol, self.host);
        Asker { address, username: self.username.clone() }
    }
}

pub(super) fn run(
    pick: &mut Pick<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    match text(matches, "operation") {
        "get" => {
            let asked = Asked::read(&request(pick, stdin)?);
            if let Given::Token(handed) = pick.for_asker(out, &asked.asker())? {
                let bearer = asked.authtype && matches.get_flag("bearer");
                let label = handed.account.as_ref().map(|account| account.label().to_owned());
                // A user name must be there, even where nobody looks at it.
                let name = asked.username.clone().filter(|name| !name.is_empty()).or(label);
                let name = name.unwrap_or_else(|| "oauth2".to_owned());
                let ends = handed.expires_at.map(|end| end.secs());
                out.data(answer(&name, &handed.token, ends, bearer).expose().as_bytes())?;
            }
        }
        "erase" => {
            let asked = Asked::read(&request(pick, stdin)?);
            // The server refused it: the next one is a fresh one. Nobody is signed out by
            // one refusal, which may be about the repository.
            if let (Some(password), Some(client)) =
                (asked.password.clone(), pick.client_for(&asked.asker()))
            {
                client.suspect(&Secret::new(password)).map_err(|error| pick.refuse(&error))?;
            }
        }
        "capability" => out.data(b"version 0\ncapability authtype\n")?,
        _ => {}
    }
    Ok(SILENCE)
}

/// What git reads. The text holds the token.
fn answer(name: &str, token: &Secret, ends: Option<i64>, bearer: bool) -> Secret {
    // A line feed in a name would be a line of its own.
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let token = token.expose();
    let mut text = if bearer {
        format!("capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\n")
    } else {
        format!("username={name}\npassword={token}\n")
    };
    if let Some(ends) = ends {
        text.push_str(&format!("password_expiry_utc={ends}\n"));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: client-I1
    #[test]
    fn golden_transcripts() {
        let token = Secret::new("at-1");
        insta::assert_snapshot!(
            answer("ada@example.com", &token, Some(1_795_351_440), false).expose(), @r"
        username=ada@example.com
        password=at-1
        password_expiry_utc=1795351440
        ");
        insta::assert_snapshot!(answer("x", &token, None, true).expose(), @r"
        capability[]=authtype
        authtype=Bearer
        credential=at-1
        ephemeral=1
        ");
        assert_eq!(
            answer("a\nquit=1", &token, None, false).expose(),
            "username=aquit=1\npassword=at-1\n"
        );
        let asked = Asked::read(
            "capability[]=authtype\nprotocol=https\nhost=git.example.com\npath=a/b.git\n\
             username=ada\nwwwauth[]=Basic\nquit=0\n\nhost=evil.example\n",
        );
        assert_eq!(asked.asker().address, "https://git.example.com");
        assert_eq!((asked.username.as_deref(), asked.authtype), (Some("ada"), true));
    }

    // proves: client-I1, client-H7
    #[test]
    fn a_variables_token_is_for_its_own_server() {
        let server = || {
            let town = Town::new().piped().var("HALLPASS_TOKEN", "token-x");
            town.var("HALLPASS_SERVER", "https://id.example.com")
        };
        let said = |host: &str, flags: &str| {
            let mut town = server();
            town.stdin(format!("protocol=https\nhost={host}\n\n").as_bytes());
            let done = town.run(&format!("hallpass credential git {flags} get"));
            assert_eq!((done.exit, done.stderr.as_str()), (Exit::Usable, ""), "{done:?}");
            done.stdout
        };
        let answer = "username=oauth2\npassword=token-x\n";
        assert_eq!(said("id.example.com", ""), answer);
        assert_eq!(said("git.example.com", ""), "");
        assert_eq!(said("git.example.com", "--for https://git.example.com"), answer);
        assert_eq!(said("evil.example", "--for https://git.example.com"), "");
        assert_eq!(said("git.example.com", "--for https://git.example.com -v --json"), answer);
    }

    // proves: client-I1
    #[test]
    fn an_operation_that_nobody_knows_is_met_with_silence() {
        for operation in ["store", "frobnicate", "erase"] {
            let mut town = Town::new().piped();
            town.stdin(b"protocol=https\nhost=git.example.com\nusername=a\npassword=b\n\n");
            let done = town.run(&format!("hallpass credential git {operation}"));
            let silence = (Exit::Usable, String::new(), String::new());
            assert_eq!((done.exit, done.stdout, done.stderr), silence, "{operation}");
        }
        let done = Town::new().piped().run("hallpass credential git capability");
        assert_eq!(done.stdout, "version 0\ncapability authtype\n");
    }
}
