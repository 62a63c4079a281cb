//! Files that look as another tool wants them.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::{fs, path::Path};

use serde_json::json;

use super::*;
use crate::system::{SystemRandom, SystemTimes};
use crate::vault::{FileVault, Vault as _};

const TOKEN: &str = "[vault]\nformat = 'token'\nfile = 'token'";
const FIELDS: &str = "[vault]\nformat = 'fields'\n[vault.fields]\naccess_token = 'access_token'\n\
    refresh_token = 'refresh_token'\nid_token = 'id_token'\nstored_at = 'stored_at'\n\
    expires_at = 'expires_at'\ntoken_type = 'token_type'\nendpoint = 'token_endpoint'";

fn vault(dir: &Path, rules: &str) -> FileVault {
    let brand = Brand::parse(&format!("{}\n{rules}", hallpass_core::brand::HALLPASS)).unwrap();
    FileVault::new(dir, Arc::new(SystemTimes), Arc::new(SystemRandom))
        .shaped(Shape::of(&brand).unwrap())
}

fn sign_in(vault: &FileVault, account: &str, token: &str) {
    let shape = vault.shape.as_ref().unwrap();
    let mut new = shape.foreign(Timestamp::from_secs(1_741_190_400));
    let credential = &mut new.credentials[0];
    credential.key.account = account.to_owned();
    credential.refresh_token = Some(Secret::new("refresh"));
    credential.endpoints.token = Some("https://id.example.com/token".to_owned());
    credential.rest.insert(ID_TOKEN.to_owned(), "identity".into());
    let access = credential.access.as_mut().unwrap();
    access.token = Secret::new(token);
    access.expires_in = Some(3600);
    let credential = new.credentials[0].clone();
    vault
        .change(&mut |contents| {
            contents.profiles = new.profiles.clone();
            contents.profiles.values_mut().for_each(|profile| profile.key = credential.key.clone());
            contents.credentials = vec![credential.clone()];
            contents.current.clone_from(&new.current);
            true
        })
        .unwrap();
}

// proves: ST03
#[test]
fn a_bare_token_is_all_that_is_in_its_file() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".scitoolkit");
    let vault = vault(&dir, TOKEN);
    assert!(vault.read().unwrap().is_empty());
    sign_in(&vault, "usr_ada", "sct_user_1");
    let file = dir.join("token");
    assert_eq!(fs::read_to_string(&file).unwrap(), "sct_user_1\n");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&dir)), (0o600, 0o700));
    let state = fs::read_to_string(dir.join("account.json")).unwrap();
    assert!(state.contains("usr_ada") && !state.contains("sct_user_1"), "{state}");

    let read = vault.read().unwrap().credentials.remove(0);
    assert_eq!(read.key.account, "usr_ada");
    assert_eq!(read.access.unwrap().token.expose(), "sct_user_1");

    // Somebody else's token is not taken for hers.
    fs::write(&file, "sct_user_2").unwrap();
    let read = vault.read().unwrap().credentials.remove(0);
    assert_eq!((&*read.key.account, read.kind), ("", CredentialKind::Given));
    assert_eq!(read.access.unwrap().token.expose(), "sct_user_2");
    for bad in ["", "two words", "{"] {
        fs::write(&file, bad).unwrap();
        assert!(matches!(vault.read(), Err(VaultError::Corrupt { .. })), "{bad}");
    }

    fs::write(&file, "sct_user_2").unwrap();
    vault
        .change(&mut |contents| {
            *contents = Contents::default();
            true
        })
        .unwrap();
    assert!(!file.exists() && !dir.join("account.json").exists());
}

// proves: SM03, SC02
#[test]
fn members_are_called_what_the_tool_calls_them() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), FIELDS);
    sign_in(&vault, "usr_ada", "access-1");
    let file = dir.path().join("credentials.json");
    let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let expected = json!({
        "access_token": "access-1", "endpoint": "https://id.example.com/token",
        "expires_at": 1_741_194_000.0, "id_token": "identity", "refresh_token": "refresh",
        "stored_at": 1_741_190_400.0, "token_type": "Bearer",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(written[name], *value, "{name}");
    }
    let text = fs::read_to_string(&file).unwrap();
    for secret in ["\"access-1\"", "\"identity\"", "\"refresh\""] {
        assert_eq!(text.matches(secret).count(), 1, "{text}");
    }
    let read = vault.read().unwrap().credentials.remove(0);
    assert_eq!(read.access.unwrap().token.expose(), "access-1");
    assert_eq!(read.refresh_token.unwrap().expose(), "refresh");
    assert_eq!(read.rest[ID_TOKEN], "identity");

    // As the tool itself wrote it, before there was us.
    let older = json!({
        "access_token": "old", "expires_at": 1_741_276_800.0, "stored_at": 1_741_190_400.0,
    });
    fs::write(&file, older.to_string()).unwrap();
    let read = vault.read().unwrap().credentials.remove(0);
    let access = read.access.unwrap();
    assert_eq!((access.token.expose(), access.expires_in), ("old", Some(86_400)));
    for bad in ["{", "{}", "[1]"] {
        fs::write(&file, bad).unwrap();
        assert!(matches!(vault.read(), Err(VaultError::Corrupt { .. })), "{bad}");
    }
}
