//! Tokens of an older system.

use hallpass_issuer::Issuer;
use hallpass_issuer::legacy::{Defaults, InUse, LegacyError, Move, Phase as At, Step};

use super::tokens::end;
use super::{ACTOR, said};
use crate::admin::command::legacy::{Command, Imported, Phase, Token};
use crate::admin::command::{Answer, Refused};

pub(super) async fn execute(issuer: &Issuer, command: Command) -> Result<Answer, Refused> {
    match command {
        Command::Import { file, project, role, owner } => {
            let role = role.map(|role| role.parse()).transpose();
            let role = role.map_err(|error| Refused::input(format!("--role: {error}")))?;
            let defaults = Defaults { project, role, owner };
            let done = issuer.import_legacy(&file, defaults, ACTOR).await?;
            let (read, imported) = (done.read, done.imported);
            Ok(Answer::LegacyImported(Imported { read, imported }))
        }
        Command::Show => {
            let kept = issuer.load_legacy_move().await;
            let kept = kept.map_err(LegacyError::from)?;
            Ok(Answer::LegacyPhase(kept.map(phase)))
        }
        Command::Phase { phase, sunset, back } => step(issuer, phase, sunset, back).await,
        Command::Report { project } => {
            let report = issuer.legacy_report(project.as_deref()).await?;
            Ok(Answer::LegacyReport(report.into_iter().map(token).collect()))
        }
        Command::Revoke { id } => {
            let done = issuer.revoke_legacy(&id, ACTOR).await?;
            Ok(said(done, format!("{id} is revoked")))
        }
        Command::RevokeProject { project } => {
            let count = issuer.revoke_legacy_of(&project, ACTOR).await?;
            Ok(said(count > 0, format!("{count} legacy tokens of {project} are revoked")))
        }
    }
}

async fn step(
    issuer: &Issuer,
    phase: Option<String>,
    sunset: Option<String>,
    back: bool,
) -> Result<Answer, Refused> {
    let phase = phase.map(|phase| phase.parse()).transpose().map_err(LegacyError::from)?;
    let sunset = match &sunset {
        None => None,
        Some(text) => Some(end(issuer, Some(text), "--sunset")?),
    };
    let (to, changed) = issuer.step_legacy(Step { phase, sunset, back }, ACTOR).await?;
    let end = match to.sunset {
        Some(at) => format!("its tokens end {at}"),
        None => "its tokens do not end by themselves".to_owned(),
    };
    // Allowed in any order; whoever meant to import first is told. The phase has been changed by
    // then, whether or not the tokens can be counted.
    let none = match (issuer.legacy_report(None).await, to.phase) {
        (Ok(report), _) if !report.is_empty() => "",
        (Ok(_), At::A) => {
            "; there are no such tokens here now: hallpass admin legacy import takes them over"
        }
        (Ok(_), _) => "; there are no such tokens here now",
        (Err(error), _) => {
            tracing::warn!(cause = %error, "the tokens of an older system could not be counted");
            ""
        }
    };
    Ok(said(changed, format!("Phase {}; {end}{none}", to.phase.as_str())))
}

fn phase(kept: Move) -> Phase {
    Phase {
        phase: kept.phase.as_str().to_owned(),
        since: kept.since,
        deprecated_since: kept.deprecated_since,
        sunset: kept.sunset,
    }
}

fn token(InUse { token, project, owner }: InUse) -> Token {
    Token {
        id: token.id.to_string(),
        name: token.name,
        project,
        role: token.role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
        owner,
        created_at: token.created_at,
        last_used_at: token.last_used_at,
        last_used_address: token.last_used_address,
        expires_at: token.expires_at,
    }
}

impl From<LegacyError> for Refused {
    fn from(error: LegacyError) -> Self {
        match &error {
            LegacyError::Failed(_) => Self::store(error.to_string()),
            LegacyError::Raced => Self::server(error.to_string()),
            _ => Self::input(error.to_string()),
        }
    }
}
