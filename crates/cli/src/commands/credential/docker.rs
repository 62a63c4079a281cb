//! docker's and podman's credential helpers: `get`, `store`, `erase`, `list`, `version`
//! (CLIENT I3). The program that they start is called `docker-credential-NAME`.

use clap::{ArgMatches, Command};
use hallpass_core::Secret;
use serde_json::json;

use super::pick::{Asker, Given, Pick};
use super::{operation, request, text};
use crate::{Exit, Failure, Input, Output};

/// What docker compares, letter by letter.
const NOT_FOUND: &[u8] = b"credentials not found in native keychain\n";

pub(super) fn command() -> Command {
    Command::new("docker")
        .about("docker and podman: docker-credential-NAME runs this")
        .arg(operation())
}

pub(super) fn run(
    pick: &mut Pick<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    match text(matches, "operation") {
        "get" => {
            let address = request(pick, stdin)?.trim().to_owned();
            let asker = Asker { address: address.clone(), username: None };
            match pick.for_asker(out, &asker) {
                Ok(Given::Token(handed)) => {
                    let account =
                        handed.account.as_ref().map_or("token", |account| account.label());
                    out.data(answer(&address, account, &handed.token).expose().as_bytes())?;
                    Ok(Exit::Usable)
                }
                Ok(Given::NotOurs) => not_found(out),
                // docker shows what stands on standard output, and asks for a password where
                // it is this.
                Err(failure) if failure.exit == Exit::NotSignedIn => {
                    out.failure(&failure);
                    not_found(out)
                }
                Err(failure) => Err(failure),
            }
        }
        // `docker logout` wants it gone; signing out is ours.
        "erase" => Ok(Exit::Usable),
        "store" => Err(Failure::usage(
            "docker login is not needed: the token comes from your sign-in",
            format!("{} login", pick.program()),
        )),
        "list" => {
            out.data(b"{}\n")?;
            Ok(Exit::Usable)
        }
        "version" => {
            let name = &pick.context().brand.name;
            out.data(format!("{name} {}\n", env!("CARGO_PKG_VERSION")).as_bytes())?;
            Ok(Exit::Usable)
        }
        _ => Err(Failure::usage(
            "docker asks for get, store, erase, list or version",
            format!("{} credential docker --help", pick.program()),
        )),
    }
}

fn not_found(out: &mut Output<'_>) -> Result<Exit, Failure> {
    out.data(NOT_FOUND)?;
    Ok(Exit::Other)
}

fn answer(address: &str, account: &str, token: &Secret) -> Secret {
    let said = json!({ "Secret": token.expose(), "ServerURL": address, "Username": account });
    Secret::new(format!("{said}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    fn said(operation: &str, input: &str) -> (Exit, String) {
        let mut town = Town::new().piped().var("HALLPASS_TOKEN", "token-x");
        town.stdin(input.as_bytes());
        let line = format!("hallpass credential docker --for registry.example.com {operation}");
        let done = town.run(&line);
        (done.exit, done.stdout)
    }

    // proves: client-I3
    #[test]
    fn golden_transcripts() {
        let token = r#"{"Secret":"token-x","ServerURL":"registry.example.com","Username":"token"}"#;
        assert_eq!(said("get", "registry.example.com\n"), (Exit::Usable, format!("{token}\n")));
        let (exit, url) = said("get", "https://registry.example.com/v1/");
        assert!(exit == Exit::Usable && url.contains("\"https://registry.example.com/v1/\""));
        let not_found = "credentials not found in native keychain\n".to_owned();
        assert_eq!(said("get", "index.docker.io"), (Exit::Other, not_found.clone()));
        assert_eq!(said("list", ""), (Exit::Usable, "{}\n".to_owned()));
        assert_eq!(said("erase", "registry.example.com"), (Exit::Usable, String::new()));
        assert_eq!(said("store", "{}").0, Exit::Usage);
        assert_eq!(said("version", "").1, format!("hallpass {}\n", env!("CARGO_PKG_VERSION")));
        // Nobody is signed in: docker's own words on standard output, ours beside it.
        let mut town = Town::new().piped();
        town.stdin(b"registry.example.com");
        let done = town.run("hallpass credential docker --for registry.example.com get");
        assert_eq!((done.exit, done.stdout), (Exit::Other, not_found));
        assert!(done.stderr.contains("Next: hallpass login"), "{}", done.stderr);
    }
}
