//! The audit log.

use hallpass_issuer::audit::export::{Export, Form};
use hallpass_issuer::tokens::Actor;
use hallpass_issuer::{Issuer, Origin};
use hallpass_store::AuditFilter;

use crate::admin::command::books::{Answer as Books, Command, Portion, Position};
use crate::admin::command::{Answer, Refused};

/// A portion is at least so long, if there is so much.
const PORTION: usize = 4 * 1024 * 1024;

pub(super) async fn execute(issuer: &Issuer, command: Command) -> Result<Answer, Refused> {
    let answer = match command {
        Command::Keys => Books::Keys(issuer.audit_keys().await?),
        Command::RotateKey => {
            Books::Keys(issuer.rotate_audit_key(&Actor::Operator, &Origin::default()).await?)
        }
        Command::Export(Position::Whole { since, until }) => {
            issuer.write_denied(true).await?;
            Books::Portion(whole(issuer, issuer.export_audit(since, until).await?).await?)
        }
        Command::Export(Position::WholeOn(export)) => Books::Portion(whole(issuer, export).await?),
        Command::Export(Position::Csv { since, until, mut before }) => {
            let filter = AuditFilter { since, until, ..AuditFilter::default() };
            let mut text = String::new();
            let next = loop {
                let (more, next) = issuer.export_rows(Form::Csv, &filter, before).await?;
                text.push_str(&more);
                match next {
                    Some(on) if text.len() < PORTION => before = Some(on),
                    next => break next,
                }
            };
            let next = next.map(|before| Position::Csv { since, until, before: Some(before) });
            Books::Portion(Portion { text, next })
        }
    };
    Ok(Answer::Books(answer))
}

async fn whole(issuer: &Issuer, mut export: Export) -> Result<Portion, Refused> {
    let mut text = String::new();
    while text.len() < PORTION {
        match issuer.export_audit_on(&mut export).await? {
            Some(more) => text.push_str(&more),
            None => return Ok(Portion { text, next: None }),
        }
    }
    Ok(Portion { text, next: Some(Position::WholeOn(export)) })
}
