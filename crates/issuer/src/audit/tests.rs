//! The books: sealed, exported, proved; and what was denied.

use hallpass_core::Secret;
use hallpass_core::wire::audit::{Jwks, Row};
use hallpass_core::wire::tokens::NewToken;
use hallpass_store::AuditFilter;
use hallpass_verdict::Ask;
use proptest::prelude::*;

use super::line::{beginning, chained, hex, write};
use crate::admin::NewUser;
use crate::tests::house::{House, home};
use crate::tokens::Actor;
use crate::{Issuer, Origin};

use super::export::Form;
use super::verify::{Bad, verify};

/// The whole log, as it is exported.
async fn exported(issuer: &Issuer) -> String {
    let mut export = issuer.export_audit(None, None).await.unwrap();
    let mut text = String::new();
    while let Some(portion) = issuer.export_audit_on(&mut export).await.unwrap() {
        text.push_str(&portion);
    }
    text
}

/// A house in which something has happened, sealed in several turns.
async fn busy() -> House {
    let house = House::new().await;
    house.issuer.seal_audit().await.unwrap();
    for name in ["ada", "bo", "=cy \u{202e}\"\\\n"] {
        let id = name.len();
        let new = NewUser {
            email: format!("p{id}@example.com"),
            name: name.to_owned(),
            password: None,
            admin: false,
        };
        let user = house.issuer.create_user(new, "system").await.unwrap();
        house.issuer.disable_user(user.id, "system").await.unwrap();
        house.issuer.seal_audit().await.unwrap();
        house.pass(1);
    }
    house
}

async fn log() -> (String, Jwks) {
    let house = busy().await;
    (exported(&house.issuer).await, house.issuer.audit_keys().await.unwrap())
}

// proves: HP14, attack-47
#[tokio::test]
async fn what_was_sealed_is_proved_without_a_database() {
    let house = busy().await;
    let rows = house.issuer.0.store.audit().count().await.unwrap();
    let text = exported(&house.issuer).await;
    let keys = house.issuer.audit_keys().await.unwrap();
    assert_eq!(keys.keys.len(), 1);
    let proven = verify(text.as_bytes(), None).unwrap();
    assert_eq!(proven.rows, Some((1, i64::try_from(rows).unwrap())));
    assert_eq!((proven.unsealed, proven.pinned), (0, false));
    assert!(proven.checkpoints >= 3, "{proven:?}");
    assert!(verify(text.as_bytes(), Some(keys)).unwrap().pinned);
    // Somebody who has the database but not the master key can chain anew, and not sign.
    let other = busy().await.issuer.audit_keys().await.unwrap();
    let bad = verify(text.as_bytes(), Some(other)).unwrap_err();
    assert!(bad.what.contains("none of those that are trusted"), "{bad}");
    // Nothing new: no new checkpoint.
    assert_eq!(house.issuer.seal_audit().await.unwrap(), 0);
    let books = house.issuer.books().await.unwrap();
    assert_eq!((books.sealed, books.unsealed), (i64::try_from(rows).unwrap(), 0));
}

/// Another key signs, and whoever trusts the first can follow; nobody else is believed.
// proves: HP14
#[tokio::test]
async fn a_log_is_proved_across_a_change_of_the_key() {
    let house = busy().await;
    let old = house.issuer.audit_keys().await.unwrap();
    let (actor, here) = (Actor::Operator, Origin::default());
    let both = house.issuer.rotate_audit_key(&actor, &here).await.unwrap();
    assert_eq!((both.keys.len(), &both.keys[0]), (2, &old.keys[0]));
    let change = async |name: &str| {
        let email = format!("{name}@example.com");
        let new = NewUser { email, name: name.to_owned(), password: None, admin: false };
        house.issuer.create_user(new, "system").await.unwrap();
        house.issuer.seal_audit().await.unwrap();
        // Keys are told apart by when they were made.
        house.pass(1);
    };
    change("late").await;
    house.issuer.rotate_audit_key(&actor, &here).await.unwrap();
    change("later").await;
    let text = exported(&house.issuer).await;
    let all = house.issuer.audit_keys().await.unwrap();
    let kid = |n: usize| all.keys[n].kid.clone();
    let proven = verify(text.as_bytes(), Some(old.clone())).unwrap();
    assert_eq!(proven.keys, [kid(0), kid(1), kid(2)]);
    assert_eq!(proven.announced, [kid(1), kid(2)]);
    let proven = verify(text.as_bytes(), Some(all.clone())).unwrap();
    assert_eq!((proven.keys.len(), proven.announced.len()), (3, 0));
    assert_eq!(verify(text.as_bytes(), None).unwrap().keys.len(), 3);
    // The last one alone does not prove what came before it.
    let last = Jwks { keys: vec![all.keys[2].clone()] };
    assert!(verify(text.as_bytes(), Some(last)).unwrap_err().what.contains("are trusted"));
    // Nothing is trusted that no trusted key announced: in a part that begins behind the first
    // announcement the first key is of no use.
    let announced = text.lines().position(|line| line.contains("audit_key.create")).unwrap();
    let signed = |line: &str| line.starts_with("{\"checkpoint\"");
    let after = text.lines().skip(announced).position(signed).unwrap() + announced;
    let row: Row = serde_json::from_str(text.lines().nth(announced).unwrap()).unwrap();
    let beginning = format!(
        "{{\"hallpass_audit\":1,\"after\":{},\"hash\":\"{}\"}}\n",
        row.n.unwrap(),
        row.hash.unwrap(),
    );
    let rest: String = text.lines().skip(after + 1).map(|line| format!("{line}\n")).collect();
    let part = beginning + &rest;
    assert!(verify(part.as_bytes(), Some(old)).unwrap_err().what.contains("are trusted"));
    let second = Jwks { keys: vec![all.keys[1].clone()] };
    assert_eq!(verify(part.as_bytes(), Some(second)).unwrap().announced, [kid(2)]);
}

// proves: HP14
#[tokio::test]
async fn a_part_of_the_log_proves_itself_too() {
    let house = busy().await;
    house.pass(3600);
    let since = house.issuer.now();
    let new = NewUser {
        email: "late@example.com".to_owned(),
        name: "Late".to_owned(),
        password: None,
        admin: false,
    };
    house.issuer.create_user(new, "system").await.unwrap();
    let last = i64::try_from(house.issuer.0.store.audit().count().await.unwrap()).unwrap();
    let part = async |since, until| {
        let mut export = house.issuer.export_audit(since, until).await.unwrap();
        let mut text = String::new();
        while let Some(portion) = house.issuer.export_audit_on(&mut export).await.unwrap() {
            text.push_str(&portion);
        }
        verify(text.as_bytes(), None).unwrap().rows
    };
    assert_eq!(part(Some(since), None).await, Some((last, last)));
    assert_eq!(part(None, Some(since)).await, Some((1, last)));
    let before = hallpass_core::Timestamp::from_millis(since.millis() - 1000);
    assert_eq!(part(None, Some(before)).await, Some((1, last - 1)));
    assert_eq!(part(Some(since + std::time::Duration::from_secs(60)), None).await, None);
}

/// What a forger does to the lines of a log, and what has to be named.
#[tokio::test]
async fn every_change_of_a_row_is_named() {
    let (text, _) = log().await;
    let lines: Vec<&str> = text.lines().collect();
    let rows: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].starts_with("{\"n\":")).collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let named = |lines: &[&str]| verify(joined(lines).as_bytes(), None).unwrap_err();
    for (number, at) in rows.iter().enumerate() {
        let number = i64::try_from(number).unwrap() + 1;
        // Removed.
        let mut forged = lines.clone();
        forged.remove(*at);
        let bad = named(&forged);
        assert!(bad.what.contains(&format!("row {number} should stand")), "{bad}");
        // Repeated.
        let mut forged = lines.clone();
        forged.insert(*at, lines[*at]);
        let bad = named(&forged);
        assert_eq!(bad.row.as_ref().unwrap().0, Some(number), "{bad}");
        assert_eq!(bad.line, *at as u64 + 2, "{bad}");
        // Moved.
        if rows.contains(&(at + 1)) {
            let mut forged = lines.clone();
            forged.swap(*at, at + 1);
            let bad = named(&forged);
            assert_eq!(bad.row.as_ref().unwrap().0, Some(number + 1), "{bad}");
        }
        // Changed.
        let mut row: Row = serde_json::from_str(lines[*at]).unwrap();
        row.actor = "usr_somebody".to_owned();
        let changed = serde_json::to_string(&row).unwrap();
        let mut forged = lines.clone();
        forged[*at] = &changed;
        let bad = named(&forged);
        assert_eq!(bad.row.as_ref().unwrap(), &(Some(number), row.id), "{bad}");
    }
    // Cut off anywhere.
    for end in 1..lines.len() {
        assert!(verify(joined(&lines[..end]).as_bytes(), None).is_err(), "{end}");
    }
    // Changed, and everything after it chained anew: the signature tells.
    let forged = chained_anew(&lines, rows[1]);
    let forged: Vec<&str> = forged.iter().map(String::as_str).collect();
    let bad = named(&forged);
    assert!(bad.what.contains("its hash with it"), "{bad}");
}

/// The log with one row changed and all hashes put right, as far as one can without the key.
fn chained_anew(lines: &[&str], changed: usize) -> Vec<String> {
    let mut before = beginning();
    let mut forged = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.starts_with("{\"n\":") {
            forged.push((*line).to_owned());
            continue;
        }
        let mut row: Row = serde_json::from_str(line).unwrap();
        if at == changed {
            row.actor = "usr_somebody".to_owned();
        }
        before = chained(&before, &row);
        row.hash = Some(hex(&before));
        forged.push(write(&row));
    }
    forged
}

fn named_after(text: &str, at: usize, byte: u8) -> Result<(), Bad> {
    let mut forged = text.as_bytes().to_vec();
    forged[at] = byte;
    verify(&forged, None).map(drop)
}

// proves: HP14
#[tokio::test]
async fn every_change_of_a_byte_is_named() {
    let (text, _) = log().await;
    // Each byte once, and then at random.
    for at in 0..text.len() {
        let byte = text.as_bytes()[at] ^ 1;
        assert!(named_after(&text, at, byte).is_err(), "byte {at} as {byte}");
    }
    let config = ProptestConfig { cases: 2000, ..ProptestConfig::default() };
    let bytes = (0..text.len(), any::<u8>(), any::<bool>());
    proptest!(config, |((at, byte, insert) in bytes)| {
        let mut forged = text.as_bytes().to_vec();
        if insert {
            forged.insert(at, byte);
        } else if forged[at] == byte {
            forged.remove(at);
        } else {
            forged[at] = byte;
        }
        prop_assert!(verify(&forged, None).is_err(), "{at} {byte} {insert}");
    });
}

// proves: HP14
#[tokio::test]
async fn what_is_not_sealed_is_named_and_proves_nothing() {
    let (text, _) = log().await;
    let tail =
        r#"{"id":"aud_x","at":"2026-04-18T10:00:00.000Z","actor":"a","action":"b","subject":"c"}"#;
    let (body, end) = text.trim_end().rsplit_once('\n').unwrap();
    let end = end.replace("\"unsealed\":0", "\"unsealed\":1");
    let proven = verify(format!("{body}\n{tail}\n{end}\n").as_bytes(), None).unwrap();
    assert_eq!((proven.unsealed, proven.first_unsealed.as_deref()), (1, Some("aud_x")));
    // One more or less is noticed.
    assert!(verify(format!("{body}\n{end}\n").as_bytes(), None).is_err());
    assert!(verify(format!("{body}\n{tail}\n{tail}\n{end}\n").as_bytes(), None).is_err());
}

async fn denied(house: &House) -> Vec<(String, String, String)> {
    house.issuer.write_denied(false).await.unwrap();
    let filter = AuditFilter::default();
    let found = house.issuer.audit_rows(&filter, None, 200).await.unwrap();
    let denied = found.items.into_iter().filter(|row| row.action.ends_with(".denied"));
    denied.map(|row| (row.action, row.subject, row.detail.unwrap_or_default())).collect()
}

// proves: HP14
#[tokio::test]
async fn what_was_denied_is_written_once_a_minute_and_counted() {
    let house = House::new().await;
    let ada = house.ada().await;
    let wrong = Secret::new("not this one, sorry");
    let sign_in = async |email: &str| {
        house.issuer.sign_in(email, &wrong, None, &home()).await.unwrap_err();
    };
    for _ in 0..3 {
        sign_in("ada@example.com").await;
    }
    sign_in("a password in the wrong field").await;
    let seen = denied(&house).await;
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().any(|(_, subject, _)| *subject == ada.user.id.to_string()), "{seen:?}");
    assert!(seen.iter().any(|(_, subject, _)| subject == "unknown"), "{seen:?}");
    let text = exported(&house.issuer).await;
    assert!(!text.contains("wrong field"), "what was typed is not kept");
    // A minute later it is said how many more there were.
    house.pass(61);
    let seen = denied(&house).await;
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen[0].2.ends_with("; 2 more within a minute were left out"), "{seen:?}");
    // However many there are, there are only so many rows.
    for number in 0..1000 {
        let client = format!("c{number}");
        house.issuer.note_client("client.denied", &client, client.clone(), &home(), "x");
    }
    let seen = denied(&house).await;
    assert!(seen.len() <= 3 + 257, "{}", seen.len());
    verify(exported(&house.issuer).await.as_bytes(), None).unwrap();
}

// proves: HP14
#[tokio::test]
async fn a_revoked_credential_that_is_used_again_is_noted() {
    let house = House::new().await;
    let ada = house.ada().await;
    let new = NewToken { name: "ci".to_owned(), ..NewToken::default() };
    let actor = Actor::Person(&ada.user);
    let token = house.issuer.create_token(&actor, new, &home()).await.unwrap();
    let ask = Ask::default();
    assert!(house.issuer.check(token.value.expose(), &ask).await.unwrap().is_ok());
    house.issuer.disable_user(ada.user.id, "system").await.unwrap();
    assert!(house.issuer.check(token.value.expose(), &ask).await.unwrap().is_err());
    let seen = denied(&house).await;
    let wanted =
        ("check.denied".to_owned(), token.token.id.to_string(), "the account is disabled".into());
    assert_eq!(seen, [wanted]);
    // What was never a token of ours is none of the books' business.
    house.issuer.check("hp_user_0123456789ABCDEFGHIJKLMNOPQRST3OurKA", &ask).await.unwrap().ok();
    assert_eq!(denied(&house).await.len(), 1);
}

#[tokio::test]
async fn what_is_looked_for_is_found_in_every_form() {
    let house = busy().await;
    let only = AuditFilter { action: Some("user.".to_owned()), ..AuditFilter::default() };
    let page = house.issuer.audit_rows(&only, None, 4).await.unwrap();
    assert_eq!(page.items.len(), 4);
    let cursor = page.next_cursor.map(|seq| seq.parse().unwrap());
    let rest = house.issuer.audit_rows(&only, cursor, 4).await.unwrap();
    assert_eq!((rest.items.len(), rest.next_cursor), (2, None));
    assert!(page.items.iter().chain(&rest.items).all(|row| row.action.starts_with("user.")));
    let (csv, next) = house.issuer.export_rows(Form::Csv, &only, None).await.unwrap();
    assert_eq!((csv.lines().count(), next), (7, None));
    let (lines, _) = house.issuer.export_rows(Form::Ndjson, &only, None).await.unwrap();
    assert!(lines.lines().all(|line| serde_json::from_str::<Row>(line).is_ok()));
}
