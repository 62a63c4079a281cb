//! Where the sign-in is to be kept: asked once, and remembered (CLIENT D2).

use hallpass_client::vault::{Place, VaultError};
use hallpass_client::{Client, Error, StorePolicy};

use super::options::Options;
use crate::refusal;
use crate::{Context, Exit, Failure, Input, Output, words};

/// Asks, where somebody is there to be asked and a plain file would have to do. `None` if
/// it has to be seen later; the client then says what is wrong, in the right order.
///
/// # Errors
/// With [`Exit::StoreUnavailable`] if the person does not want it.
pub(super) fn agreed(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    client: &Client,
    options: &Options,
) -> Result<Option<Place>, Failure> {
    let streams = out.terminal.streams;
    let somebody = streams.stdin && streams.stderr && !out.json && cx.unattended().is_none();
    if options.selection.store == Some(StorePolicy::None) {
        return Ok(client.store_ready().ok());
    }
    if !somebody {
        return Ok(None);
    }
    let (path, why) = match client.store_ready() {
        Err(Error::Vault(VaultError::Unasked { path, why })) => (path, why),
        ready => return Ok(ready.ok()),
    };
    let shown = words::path(&path, cx.environment.home().as_deref());
    out.line(&format!("Sign-ins are best kept with the keyring, but {why}."));
    let question = format!("Keep them unencrypted in {shown}, readable by you only?");
    let said = stdin.confirm(&question).map_err(|error| {
        let what = format!("the question could not be asked: {error}");
        Failure::new(Exit::StoreUnavailable, "store_unencrypted", what, &options.retry)
    })?;
    if said != Some(true) {
        return Err(Failure::new(
            Exit::StoreUnavailable,
            "store_unencrypted",
            "there is no place to keep a sign-in that you agree to",
            format!("{} login --store keyring", cx.program),
        )
        .kept("Nothing was stored."));
    }
    client
        .remember_store(StorePolicy::File)
        .map_err(|error| refusal::told(&error, cx, &options.retry))?;
    Ok(client.store_ready().ok())
}

/// A sign-in that ends with the command that made it is of no use.
pub(super) fn nowhere(cx: &Context<'_>, place: &Place) -> Failure {
    Failure::usage(
        format!("sign-ins are to be kept in {place}, and this command would end with it"),
        format!("{} login --store auto", cx.program),
    )
}

#[cfg(test)]
mod tests {
    use crate::Exit;
    use crate::testing::Town;

    // proves: client-D2
    #[test]
    fn an_unusable_keyring_is_asked_about_once_and_the_answer_remembered() {
        // Nobody answers at this address, so nothing is ever stored: only the question counts.
        let line = "hallpass login http://127.0.0.1:1 --device";
        let mut town = Town::new().without_a_store();
        town.stdin(b"n");
        let done = town.run(line);
        assert_eq!(done.exit, Exit::StoreUnavailable, "{done:?}");
        assert!(done.stderr.contains("unencrypted in ~/.config/hallpass/credentials.json"));
        assert!(done.stderr.ends_with("Next: hallpass login --store keyring\n"), "{done:?}");
        assert!(!town.home().join(".config/hallpass/settings.json").exists());

        town.stdin(b"y");
        let done = town.run(line);
        assert_eq!(done.exit, Exit::CannotVerify, "{done:?}");
        assert!(done.stderr.contains("Keep them unencrypted"), "{done:?}");
        let settings = std::fs::read(town.home().join(".config/hallpass/settings.json")).unwrap();
        let settings: serde_json::Value = serde_json::from_slice(&settings).unwrap();
        assert_eq!(settings["store"], "file");

        let done = town.run(line);
        assert_eq!(done.exit, Exit::CannotVerify, "{done:?}");
        assert!(!done.stderr.contains("Keep them unencrypted"), "{done:?}");
    }

    // proves: client-D2
    #[test]
    fn who_says_that_a_file_will_do_is_not_asked() {
        for flag in ["--store file", "--insecure-storage"] {
            let line = format!("hallpass login http://127.0.0.1:1 --device {flag}");
            let done = Town::new().without_a_store().run(&line);
            assert_eq!(done.exit, Exit::CannotVerify, "{done:?}");
            assert!(!done.stderr.contains("unencrypted"), "{done:?}");
        }
    }

    // proves: client-D1
    #[test]
    fn a_store_that_is_none_keeps_no_sign_in_and_a_misspelt_one_is_named() {
        let done = Town::new().run("hallpass login --store none");
        assert_eq!(done.exit, Exit::Usage, "{done:?}");
        let done = Town::new().run("hallpass status --store drawer");
        assert_eq!(done.exit, Exit::Usage, "{done:?}");
        let done = Town::new().var("HALLPASS_STORE", "drawer").run("hallpass status");
        assert_eq!(done.exit, Exit::Usage, "{done:?}");
        assert!(done.stderr.contains("drawer"), "{done:?}");
    }
}
