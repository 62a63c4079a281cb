//! Tokens that an older system of this tool left in files, one for each project, in the
//! directory that the brand names (ST14): found, and after a sign-in revoked and deleted.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use hallpass_core::Secret;
use hallpass_core::text::presentable;
use hallpass_core::wire::api::Whoami;
use hallpass_core::wire::path::WHOAMI;
use zeroize::Zeroizing;

use crate::Error;
use crate::client::Parts;
use crate::discovery::{Said, auth_config, discover, parse_server};
use crate::http::Http;
use crate::oauth::is_b64token;
use crate::revoke::revoke;
use crate::vault::VaultError;
use crate::vault::kept::KeptFile;

/// Longer than this is nobody's token.
const MAX_SIZE: u64 = 16 * 1024;

pub use hallpass_core::wire::metadata::LegacyPhase;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyToken {
    /// The project that it is for: the file's name.
    pub project: String,
    /// The file.
    pub path: PathBuf,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyCleaned {
    /// Which.
    pub token: LegacyToken,
    /// Why it is still there; `None` if it was revoked and deleted.
    pub kept: Option<String>,
}

/// The directory that the brand names, below the home directory.
pub(crate) fn directory(parts: &Parts) -> Option<PathBuf> {
    let named = parts.brand.tokens.legacy_dir.as_ref()?;
    Some(parts.environment.home()?.join(named))
}

/// Those that there are, by name. What cannot be read is not one of them.
pub(crate) fn find(parts: &Parts) -> Vec<LegacyToken> {
    let Some(entries) = directory(parts).and_then(|dir| std::fs::read_dir(dir).ok()) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let project = entry.file_name().into_string().ok()?;
            read(parts, &path).map(|_| LegacyToken { project, path })
        })
        .collect();
    found.sort_by(|a, b| a.project.cmp(&b.project));
    found
}

/// The token in a file: a plain file with one token of the older system, and nothing else.
fn read(parts: &Parts, path: &Path) -> Option<Secret> {
    let metadata = path.symlink_metadata().ok().filter(|metadata| metadata.is_file())?;
    if metadata.len() > MAX_SIZE {
        return None;
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_SIZE as usize));
    std::fs::File::open(path).ok()?.take(MAX_SIZE).read_to_string(&mut text).ok()?;
    let prefix = parts.brand.tokens.legacy_prefix.as_deref().unwrap_or_default();
    let token = text.trim_end_matches(['\r', '\n']);
    (is_b64token(token) && token.starts_with(prefix)).then(|| Secret::new(token))
}

/// The one that is kept for this project, if there is one.
pub(crate) fn of_project(parts: &Parts, project: &str) -> Option<Secret> {
    hallpass_core::pin::is_name(project).then_some(())?;
    read(parts, &directory(parts)?.join(project))
}

/// Revokes them at `server` and deletes their files. One that could not be revoked keeps
/// its file: it is the only thing left to revoke it with.
pub(crate) fn clean(
    parts: &Parts,
    http: &Http,
    server: &str,
    tokens: &[LegacyToken],
) -> Result<Vec<LegacyCleaned>, Error> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let found = discover(http, &parse_server(server)?, &parts.brand.client_id, Said::default())?;
    let endpoint = found.metadata.revocation_endpoint.as_deref();
    let clean = |token: &LegacyToken| -> Result<(), String> {
        let text = read(parts, &token.path).ok_or("it is no longer there")?;
        // RFC 7009 §2.2: also if the server does not know it, it is good nowhere there.
        revoke(http, endpoint, &found.client_id, &text, None).map_err(|why| why.to_string())?;
        std::fs::remove_file(&token.path)
            .map_err(|error| format!("it was revoked, but its file cannot be deleted: {error}"))
    };
    let done = tokens
        .iter()
        .map(|token| LegacyCleaned { token: token.clone(), kept: clean(token).err() })
        .collect();
    // The directory goes with the last of them, if it is empty then.
    if let Some(dir) = directory(parts) {
        let _ = std::fs::remove_dir(dir);
    }
    Ok(done)
}

/// How far the move away from the older system is. Where there is none, nothing of it is left.
pub(crate) fn phase(http: &Http, server: &str) -> Result<LegacyPhase, Error> {
    let config = auth_config(http, &parse_server(server)?)?;
    Ok(config.and_then(|config| config.legacy_phase).unwrap_or(LegacyPhase::C))
}

/// It is good for a project, and not for what was asked.
pub(crate) fn other(parts: &Parts, whoami: &Whoami) -> Error {
    let of = whoami.project.as_ref();
    Error::OlderToken {
        word: parts.brand.words.project.clone(),
        of: of.map(|of| presentable(&format!("{}/{}", of.org, of.slug), 90)),
    }
}

/// Keeps a token of the older system in its project's file, after the server has said that it
/// is good for that project, of that organization if it is known.
pub(crate) fn keep(
    parts: &Parts,
    http: &Http,
    server: &str,
    (org, project): (Option<&str>, &str),
    text: &Secret,
) -> Result<PathBuf, Error> {
    let word = &parts.brand.words.project;
    let bad = |why: String| Err(Error::BadToken(why));
    if !hallpass_core::pin::is_name(project) {
        return bad(format!("the name of a {word} is letters, digits and '-', so it is for none"));
    }
    let text = text.expose();
    let token = text.trim_end_matches(['\r', '\n']);
    let prefix = parts.brand.tokens.legacy_prefix.as_deref().unwrap_or_default();
    if token.is_empty() {
        return bad("nothing was given".to_owned());
    }
    if !token.starts_with(prefix) || !is_b64token(token) {
        return bad(format!("it is not a token of one {word}"));
    }
    let server = parse_server(server)?;
    let reply = http.get(&server.join(WHOAMI), Some(token))?;
    let whoami: Whoami = match reply.status {
        200 => reply.json()?,
        401 => {
            return Err(Error::Rejected {
                server: server.to_string(),
                what: "this token",
                code: "invalid_token".to_owned(),
                detail: Some("nothing was stored".to_owned()),
            });
        }
        _ => return Err(reply.unexpected().into()),
    };
    if !whoami.older {
        return bad(format!("it is not a token of one {word}"));
    }
    let of = whoami.project.as_ref();
    if !of.is_some_and(|of| of.slug == project && org.is_none_or(|org| org == of.org)) {
        return Err(other(parts, &whoami));
    }
    let Some(dir) = directory(parts) else { return Err(VaultError::NoHome.into()) };
    let file = KeptFile::new(&dir, project, parts.time.clone(), parts.random.clone());
    let held = file.lock()?;
    let target = file.target()?;
    file.store(&target, format!("{token}\n").as_bytes())?;
    // No lock is to lie among the tokens.
    held.remove();
    Ok(target)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{Said, Town};

    /// A home with two tokens of the older system, and what is none.
    fn town() -> (Town, PathBuf) {
        let mut town = Town::new();
        let home = town.home.path().to_owned();
        town.table.home = Some(home.clone());
        let dir = home.join(".scitoolkit/tokens");
        fs::create_dir_all(dir.join("a-directory")).unwrap();
        for (name, text) in [
            ("blast", "stk_1111\n"),
            ("align", "stk_2222"),
            ("notes", "remember the milk\n"),
            ("foreign", "ghp_1111"),
            ("empty", ""),
        ] {
            fs::write(dir.join(name), text).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("blast", dir.join("link")).unwrap();
        (town, dir)
    }

    fn parts(town: &Town) -> Parts {
        let mut parts = town.parts();
        parts.brand.tokens.legacy_dir = Some(".scitoolkit/tokens".into());
        parts.brand.tokens.legacy_prefix = Some("stk_".into());
        parts
    }

    fn revoked(town: &Town) -> Vec<String> {
        town.server.seen("/oauth/revoke").iter().map(|seen| seen.form("token")).collect()
    }

    // proves: ST14
    #[test]
    fn tokens_of_an_older_system_are_found_revoked_and_deleted() {
        let (town, dir) = town();
        let client = crate::Client::new(parts(&town), town.selection());
        let found = client.legacy_tokens();
        let names: Vec<_> = found.iter().map(|token| token.project.as_str()).collect();
        assert_eq!(names, ["align", "blast"]);
        // Looking changes nothing and asks nobody.
        assert!(revoked(&town).is_empty() && dir.join("blast").exists());

        let done = client.clean_legacy(&town.server.origin, &found).unwrap();
        assert!(done.iter().all(|cleaned| cleaned.kept.is_none()), "{done:?}");
        assert_eq!(revoked(&town), ["stk_2222", "stk_1111"]);
        assert!(!dir.join("blast").exists() && !dir.join("align").exists());
        // What is not ours is left alone.
        for name in ["notes", "foreign", "empty", "a-directory", "link"] {
            assert!(dir.join(name).symlink_metadata().is_ok(), "{name}");
        }
        assert!(client.legacy_tokens().is_empty());
        // A brand without an older system looks nowhere.
        assert!(town.client().legacy_tokens().is_empty());
    }

    // proves: ST14
    #[test]
    fn what_could_not_be_revoked_keeps_its_file() {
        let (town, dir) = town();
        let client = crate::Client::new(parts(&town), town.selection());
        town.server.says("/oauth/revoke", Said::text(503, "text/plain", ""));
        let done = client.clean_legacy(&town.server.origin, &client.legacy_tokens()).unwrap();
        assert_eq!(done.len(), 2);
        assert!(done.iter().all(|cleaned| cleaned.kept.as_ref().unwrap().contains("503")));
        assert_eq!(fs::read_to_string(dir.join("blast")).unwrap(), "stk_1111\n");
    }
}
