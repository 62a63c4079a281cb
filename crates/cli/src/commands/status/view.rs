//! `status` for programs.

use hallpass_client::status::At;
use hallpass_client::{Masked, Source, State, Status, Target, Warning};
use hallpass_core::Timestamp;
use hallpass_core::wire::api::Whose;
use hallpass_core::wire::tokens::{Org, Project};
use serde::Serialize;

use crate::commands::context::ChosenView;

/// `status --json` (CLIENT G3). Never the token.
#[derive(Serialize)]
pub(super) struct View<'a> {
    schema_version: u32,
    state: &'static str,
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    source: SourceView<'a>,
    store: Store,
    server: &'a str,
    issuer: Option<&'a str>,
    account: Option<AccountView<'a>>,
    scopes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenView<'a>>,
    expires_at: Option<Timestamp>,
    org: Option<ChosenView<'a>>,
    project: Option<ChosenView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceView<'a>>,
    /// Questions of agents, with `--check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals_waiting: Option<usize>,
    warnings: Vec<WarningView>,
}

/// What the server says about the place, with `--check`.
#[derive(Serialize)]
struct PlaceView<'a> {
    /// A key belongs there.
    bound: bool,
    org: &'a Org,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a Project>,
}

impl<'a> From<&'a At> for PlaceView<'a> {
    fn from(at: &'a At) -> Self {
        Self { bound: at.whose != Whose::User, org: &at.org, project: at.project.as_ref() }
    }
}

/// What a token that was handed over is, without its secret.
#[derive(Serialize)]
struct TokenView<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_four: Option<&'a str>,
}

impl<'a> From<&'a Masked> for TokenView<'a> {
    fn from(token: &'a Masked) -> Self {
        let ends = token.ends.as_ref();
        Self {
            kind: token.kind.name(),
            prefix: ends.map(|(prefix, _)| prefix.as_str()),
            last_four: ends.map(|(_, last_four)| last_four.as_str()),
        }
    }
}

#[derive(Serialize)]
struct SourceView<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// Where credentials are kept, in JSON.
#[derive(Serialize)]
pub(crate) struct Store {
    kind: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyring: Option<&'static str>,
}

/// Whose a credential is, in JSON.
#[derive(Serialize)]
pub(crate) struct AccountView<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// A warning, in JSON.
#[derive(Serialize)]
pub(crate) struct WarningView {
    code: &'static str,
    message: String,
}

impl From<&hallpass_client::vault::Place> for Store {
    fn from(place: &hallpass_client::vault::Place) -> Self {
        Self { kind: place.kind, path: place.path.display().to_string(), keyring: place.keyring }
    }
}

impl<'a> From<&'a hallpass_client::status::Account> for AccountView<'a> {
    fn from(account: &'a hallpass_client::status::Account) -> Self {
        Self { id: &account.id, email: account.email.as_deref(), name: account.name.as_deref() }
    }
}

impl From<&Warning> for WarningView {
    fn from(warning: &Warning) -> Self {
        let code = match warning {
            Warning::VariableWins { .. } => "variable_wins",
            Warning::Selection { .. } => "selection",
            Warning::LooseMode { .. } => "loose_mode",
            Warning::NotSaved { .. } => "not_saved",
            Warning::NotRevoked { .. } => "not_revoked",
            Warning::SetAside { .. } => "set_aside",
            Warning::NotRemembered { .. } => "not_remembered",
            Warning::ClockSkew { .. } => "clock_skew",
            Warning::EndsSoon { .. } => "ends_soon",
            Warning::NoSuchPlace { .. } => "no_such_place",
            Warning::NarrowToken { .. } => "narrow_token",
            Warning::Unsaid { .. } => "unsaid",
            _ => "other",
        };
        Self { code, message: warning.to_string() }
    }
}

/// What `--json` tells; `waiting` are questions of agents, if they were asked for.
pub(super) fn view<'a>(
    status: &'a Status,
    target: &'a Target,
    approvals_waiting: Option<usize>,
) -> View<'a> {
    let (kind, name) = match &status.source {
        Source::Explicit => ("explicit", None),
        Source::Variable { name } => ("variable", Some(name.as_str())),
        Source::Workload { platform } => ("workload", Some(platform.name())),
        Source::Profile { name } => ("profile", Some(name.as_str())),
        Source::None => ("none", None),
    };
    let reason = match &status.state {
        State::Ended { reason, .. }
        | State::Malformed { reason }
        | State::Rejected { reason }
        | State::CannotVerify { reason }
        | State::StoreUnavailable { reason } => Some(reason.as_str()),
        State::NotSignedIn
        | State::Valid
        | State::Refreshable
        | State::Expired
        | State::LocalMode
        | State::KeyMissing => None,
    };
    View {
        schema_version: 1,
        state: status.state.name(),
        usable: status.state.class().is_none(),
        reason,
        source: SourceView { kind, name },
        store: (&status.store).into(),
        server: &status.server,
        issuer: status.issuer.as_deref(),
        account: status.account.as_ref().map(AccountView::from),
        scopes: status.scope.iter().flat_map(|scope| scope.iter()).collect(),
        token: status.token.as_ref().map(TokenView::from),
        expires_at: status.expires_at,
        org: target.org.as_ref().map(ChosenView::from),
        project: target.project.as_ref().map(ChosenView::from),
        place: status.place.as_ref().map(PlaceView::from),
        approvals_waiting,
        warnings: status
            .warnings
            .iter()
            .map(WarningView::from)
            .chain(
                target
                    .ignored
                    .iter()
                    .map(|why| WarningView { code: "directory_ignored", message: why.clone() }),
            )
            .collect(),
    }
}
