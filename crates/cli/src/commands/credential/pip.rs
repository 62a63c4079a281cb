//! The command line of Python's `keyring`, which pip, uv and twine run: `get SERVICE USER`,
//! and `--mode creds` for user name and password (CLIENT I5).

use clap::{Arg, ArgMatches, Command};

use super::pick::{Asker, Given, Pick};
use super::{operation, text};
use crate::{Exit, Failure, Output};

pub(super) fn command() -> Command {
    Command::new("pip")
        .about("pip, uv, twine: a program named keyring runs this")
        .arg(
            Arg::new("mode")
                .long("mode")
                .value_name("MODE")
                .value_parser(["password", "creds"])
                .default_value("password")
                .hide_possible_values(true)
                .hide_default_value(true)
                .help("password, or creds for the user name before it"),
        )
        .arg(operation())
        .arg(Arg::new("service").value_name("SERVICE").help("Where it will be sent"))
        .arg(Arg::new("username").value_name("USER").help("The account"))
}

pub(super) fn run(
    pick: &mut Pick<'_>,
    out: &mut Output<'_>,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    if text(matches, "operation") != "get" {
        return Err(Failure::usage(
            "only get is answered here; the token comes from your sign-in",
            format!("{} login", pick.program()),
        ));
    }
    let username = Some(text(matches, "username").to_owned()).filter(|name| !name.is_empty());
    let asker = Asker { address: text(matches, "service").to_owned(), username: username.clone() };
    // keyring says nothing and ends with 1 where it has nothing.
    let Given::Token(handed) = pick.for_asker(out, &asker)? else { return Ok(Exit::Other) };
    if text(matches, "mode") == "creds" {
        let account = handed.account.as_ref().map(|account| account.label().to_owned());
        let name = username.or(account).unwrap_or_else(|| "__token__".to_owned());
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        out.data(format!("{name}\n").as_bytes())?;
    }
    out.data(handed.token.expose().as_bytes())?;
    out.data(b"\n")?;
    Ok(Exit::Usable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    // proves: client-I5
    #[test]
    fn golden_transcripts() {
        let said = |line: &str| {
            let town = Town::new().piped().var("HALLPASS_TOKEN", "token-x");
            let done = town.run(&format!("hallpass credential pip --for pypi.example.com {line}"));
            (done.exit, done.stdout)
        };
        let pypi = "https://pypi.example.com/simple/";
        assert_eq!(said(&format!("get {pypi} ada")), (Exit::Usable, "token-x\n".into()));
        assert_eq!(said("get pypi.example.com __token__"), (Exit::Usable, "token-x\n".into()));
        let creds = format!("--mode creds get {pypi}");
        assert_eq!(said(&creds), (Exit::Usable, "__token__\ntoken-x\n".into()));
        assert_eq!(said(&format!("{creds} ada")), (Exit::Usable, "ada\ntoken-x\n".into()));
        assert_eq!(said("get https://pypi.org/simple/ ada"), (Exit::Other, String::new()));
        assert_eq!(said("set https://pypi.example.com ada").0, Exit::Usage);
    }
}
