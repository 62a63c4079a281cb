//! Answers: data on standard output, prose on standard error.

use std::io::{self, Write as _};
use std::process::ExitCode;

use hallpass_core::wire::tokens::Token as Personal;
use hallpass_core::{Secret, Timestamp};
use hallpass_server::admin::Answer;
use hallpass_server::admin::command::books::Answer as Books;
use hallpass_server::admin::command::legacy;
use serde_json::json;

/// Prints an answer.
pub(super) fn tell(answer: &Answer, json: bool) -> ExitCode {
    let data = if json { in_json(answer) } else { None };
    let plain = || in_words(answer);
    let (data, prose) = data.map_or_else(plain, |data| (data, String::new()));
    out(&data, &prose)
}

/// Writes data and prose to where each belongs.
pub(super) fn out(data: &str, prose: &str) -> ExitCode {
    let written = io::stdout()
        .lock()
        .write_all(data.as_bytes())
        .and_then(|()| io::stderr().lock().write_all(prose.as_bytes()));
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lists are one object a line. What only says that it is done says so in JSON, too.
fn in_json(answer: &Answer) -> Option<String> {
    Some(match answer {
        Answer::Done(what) => one_line(&json!({"changed": true, "what": what})),
        Answer::Unchanged(what) => one_line(&json!({"changed": false, "what": what})),
        Answer::OrgCreated(org) => one_line(org),
        Answer::ProjectCreated(project) => one_line(project),
        Answer::TokenCreated(created) => one_line(created),
        Answer::Users(rows) => lines_of(rows),
        Answer::Clients(rows) => lines_of(rows),
        Answer::SigningKeys(rows) => lines_of(rows),
        Answer::Audit(rows) => lines_of(rows),
        Answer::Books(Books::Keys(keys)) => one_line(keys),
        Answer::Books(Books::Portion(portion)) => portion.text.clone(),
        Answer::Orgs(rows) => lines_of(rows),
        Answer::Projects(rows) => lines_of(rows),
        Answer::Members(rows) => lines_of(rows),
        Answer::Tokens(rows) => lines_of(rows),
        Answer::LegacyPhase(phase) => one_line(phase),
        Answer::LegacyImported(imported) => one_line(imported),
        Answer::LegacyReport(rows) => lines_of(rows),
        Answer::UserCreated { id } => one_line(&json!({"id": id})),
        Answer::ClientCreated { secret } => {
            one_line(&json!({"secret": secret.as_ref().map(Secret::expose)}))
        }
        Answer::Patterns(patterns) => lines_of(&patterns.patterns),
    })
}

/// Data for standard output, and prose for standard error.
fn in_words(answer: &Answer) -> (String, String) {
    let data = |data: &str| (format!("{data}\n"), String::new());
    let prose = |prose: String| (String::new(), prose + "\n");
    match answer {
        Answer::Done(what) | Answer::Unchanged(what) => prose(format!("{what}.")),
        Answer::UserCreated { id } => data(id),
        Answer::OrgCreated(org) => data(&org.id),
        Answer::ProjectCreated(project) => data(&project.id),
        Answer::TokenCreated(created) => data(created.value.expose()),
        Answer::ClientCreated { secret: Some(secret) } => data(secret.expose()),
        Answer::ClientCreated { secret: None } => prose("The client is registered.".to_owned()),
        Answer::Books(Books::Keys(keys)) => (one_line(keys), String::new()),
        Answer::LegacyPhase(phase) => data(&in_phase(phase.as_ref())),
        Answer::LegacyImported(imported) => prose(imported_words(*imported)),
        listed => (table(listed), String::new()),
    }
}

fn in_phase(phase: Option<&legacy::Phase>) -> String {
    let Some(legacy::Phase { phase, since, deprecated_since, sunset }) = phase else {
        return "no phase: nothing of an older system was imported yet".to_owned();
    };
    let end = match sunset {
        Some(at) => format!("its tokens end {at}"),
        None => "its tokens do not end by themselves".to_owned(),
    };
    format!("phase {phase} since {since}; deprecated since {deprecated_since}; {end}")
}

fn imported_words(legacy::Imported { read, imported }: legacy::Imported) -> String {
    let before = match read - imported {
        0 => String::new(),
        known => format!("; {known} were known before and stay as they are"),
    };
    format!("{imported} of {read} tokens are new{before}.")
}

/// One JSON object a line.
pub(super) fn lines_of<T: serde::Serialize>(rows: &[T]) -> String {
    rows.iter().filter_map(|row| serde_json::to_string(row).ok()).map(|row| row + "\n").collect()
}

fn one_line<T: serde::Serialize>(row: &T) -> String {
    lines_of(std::slice::from_ref(row))
}

fn table(answer: &Answer) -> String {
    let rows: Vec<Vec<String>> = match answer {
        Answer::Users(users) => users
            .iter()
            .map(|user| {
                let role = if user.admin { "admin" } else { "user" };
                let disabled = since(&user.disabled_at, "disabled");
                vec![
                    user.id.clone(),
                    user.email.clone(),
                    shown(&user.name),
                    role.to_owned(),
                    disabled,
                ]
            })
            .collect(),
        Answer::Clients(clients) => clients
            .iter()
            .map(|client| {
                let kind = if client.confidential { "confidential" } else { "public" };
                let disabled = since(&client.disabled_at, "disabled");
                vec![client.id.clone(), shown(&client.name), kind.to_owned(), disabled]
            })
            .collect(),
        Answer::SigningKeys(keys) => keys
            .iter()
            .map(|key| {
                let from = format!("signs from {}", key.signs_from);
                vec![key.id.clone(), key.alg.clone(), from, since(&key.signs_until, "until")]
            })
            .collect(),
        Answer::Audit(rows) => rows
            .iter()
            .map(|row| {
                let detail = row.detail.as_deref().map(shown).unwrap_or_default();
                vec![
                    row.at.to_string(),
                    row.actor.clone(),
                    row.action.clone(),
                    row.subject.clone(),
                    detail,
                ]
            })
            .collect(),
        Answer::Orgs(orgs) => orgs
            .iter()
            .map(|org| {
                let archived = since(&org.disabled_at, "archived");
                vec![org.id.clone(), org.slug.clone(), shown(&org.name), archived]
            })
            .collect(),
        Answer::Projects(projects) => projects
            .iter()
            .map(|project| {
                let archived = since(&project.disabled_at, "archived");
                vec![project.id.clone(), project.place.clone(), shown(&project.name), archived]
            })
            .collect(),
        Answer::Members(members) => members
            .iter()
            .map(|it| vec![it.user.clone(), it.email.clone(), shown(&it.name), it.role.clone()])
            .collect(),
        Answer::Tokens(tokens) => {
            tokens.iter().map(|listed| personal(&listed.user, &listed.token)).collect()
        }
        Answer::LegacyReport(tokens) => tokens.iter().map(older).collect(),
        _ => Vec::new(),
    };
    aligned(&rows)
}

fn personal(user: &str, token: &Personal) -> Vec<String> {
    let reach = match (&token.scope, token.projects.as_slice()) {
        (None, []) => String::new(),
        (scope, projects) => {
            let scope = scope.iter().map(ToString::to_string);
            scope.chain(projects.iter().cloned()).collect::<Vec<_>>().join(" ")
        }
    };
    let end = match (token.leaked_at, token.overlap_until) {
        (Some(at), _) => format!("leaked, revoked {at}"),
        (None, Some(at)) => format!("rotated, until {at}"),
        (None, None) => since(&token.expires_at, "until"),
    };
    vec![
        token.id.clone(),
        user.to_owned(),
        shown(&token.name),
        format!("{}…{}", token.prefix, token.last_four),
        used(token.last_used_at, token.last_used_address.as_deref()),
        end,
        reach,
    ]
}

fn older(token: &legacy::Token) -> Vec<String> {
    vec![
        token.id.clone(),
        token.project.clone(),
        token.role.clone(),
        shown(&token.name),
        token.owner.clone().unwrap_or_default(),
        used(token.last_used_at, token.last_used_address.as_deref()),
        since(&token.expires_at, "until"),
    ]
}

fn used(at: Option<Timestamp>, address: Option<&str>) -> String {
    match (at, address) {
        (None, _) => "never used".to_owned(),
        (Some(at), None) => format!("used {at}"),
        (Some(at), Some(address)) => format!("used {at} from {}", shown(address)),
    }
}

fn since(at: &Option<Timestamp>, word: &str) -> String {
    at.map(|at| format!("{word} {at}")).unwrap_or_default()
}

/// Names come from elsewhere, and a terminal obeys what it prints.
fn shown(text: &str) -> String {
    // Whole: what is cut can be neither searched nor copied.
    hallpass_core::text::presentable(text, usize::MAX)
}

fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (n, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(n) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use hallpass_server::admin::command::AuditRow;

    use super::*;

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let rows = [vec!["a".to_owned(), "bcd".to_owned()], vec!["efg".to_owned(), String::new()]];
        assert_eq!(aligned(&rows), "a    bcd\nefg\n");
    }

    #[test]
    fn nothing_is_cut() {
        let detail = "org_01M8N3CZ4J6J3PVMGNG8TZCA2P prj_01M8N3CZ4J6J3PVMGNG8TZCA2P: ".repeat(9);
        let row = AuditRow {
            seq: 1,
            at: Timestamp::from_secs(0),
            actor: "system".to_owned(),
            action: "member.set".to_owned(),
            subject: "usr_1".to_owned(),
            address: None,
            detail: Some(detail.clone()),
        };
        assert!(table(&Answer::Audit(vec![row])).contains(detail.trim()));
    }
}
