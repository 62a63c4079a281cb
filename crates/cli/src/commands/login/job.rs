//! `login --oidc`: as the CI job that this is. Nothing is asked, and nothing is written to disk.

use hallpass_client::JobLogin;
use hallpass_client::target::Asked;
use hallpass_core::{Scope, Timestamp};
use serde::Serialize;

use super::options::Options;
use super::told;
use crate::arguments::Globals;
use crate::{Context, Failure, Output, layout, words};

/// Trades the job's identity for a pass, and says how the later steps have it.
pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    options: &Options,
) -> Result<(), Failure> {
    let client = (cx.client)(options.selection.clone());
    let project = project(cx, globals)?;
    let login = client.login_as_job(project).map_err(|error| told(&error, cx, options))?;
    if out.json {
        return out.json(&view(&login));
    }
    tell(cx, out, &login);
    Ok(())
}

/// The project that the pass is to be for, if the command line or a variable names one.
fn project(cx: &Context<'_>, globals: &Globals) -> Result<Option<String>, Failure> {
    let Asked { org, project } = globals.into();
    let said = |name| cx.environment.var(&cx.brand.variable(name));
    // What both say by variables, whoever trades reads himself; here it only has to be whole.
    let (org, project) = match project {
        Some(project) => (org, Some(project)),
        None => (org.or_else(|| said("ORG")), said("PROJECT")),
    };
    match (org, project) {
        (_, None) => Ok(None),
        (None, Some(project)) if project.contains('/') => Ok(Some(project)),
        (Some(org), Some(project)) if !project.contains('/') => {
            Ok(Some(format!("{org}/{project}")))
        }
        (Some(org), Some(project)) if project.split('/').next() == Some(&*org) => Ok(Some(project)),
        _ => Err(Failure::usage(
            "a job signs in to one project: write ORG/PROJECT",
            format!("{} login --oidc --project ORG/PROJECT", cx.program),
        )),
    }
}

fn tell(cx: &Context<'_>, out: &mut Output<'_>, login: &JobLogin) {
    let paint = out.paint();
    out.success(&format!("Signed this job in to {} ({})", login.server, login.platform));
    let now = cx.clock.now();
    let mut pairs = vec![
        ("Project", paint.foreign(&login.project, 120)),
        ("Allowed", paint.foreign(&login.scope.to_string(), 1000)),
        ("By policy", paint.foreign(&login.policy, 60)),
    ];
    if let Some(at) = login.expires_at {
        let left = words::duration(at.since(now));
        let more = if login.again { "; a step that needs it for longer gets another" } else { "" };
        pairs.push(("Ends", format!("in {left}{more}")));
    }
    let fields = layout::fields(&pairs, out.terminal.width, paint);
    out.line(fields.trim_end_matches('\n'));
    if login.waits {
        out.sentence("The later steps of this job are signed in too. Nothing was written to disk.");
        return;
    }
    if !login.again {
        out.warning(
            "nothing here could keep its pass, so it was revoked; a server takes this identity \
             once, and the later steps are not signed in",
        );
        return;
    }
    out.sentence(
        "Nothing was kept, and the pass of this step was revoked: on this machine each step \
         trades for one of its own.",
    );
    let server = cx.brand.variable("SERVER");
    let mut lines = Vec::new();
    if cx.environment.var(&server).is_none() {
        lines.push(format!("{server}={}", login.server));
    }
    if !login.stands {
        lines.push(format!("{}=auto", cx.brand.variable("OIDC")));
    }
    if !lines.is_empty() {
        out.sentence("For that, set in the job's environment:");
    }
    for line in lines {
        out.line(&format!("  {}", paint.foreign(&line, 300)));
    }
}

/// `login --oidc --json`.
#[derive(Serialize)]
struct View<'a> {
    schema_version: u32,
    event: &'static str,
    platform: &'static str,
    server: &'a str,
    project: &'a str,
    policy: &'a str,
    scopes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    later_steps: &'static str,
}

fn view(login: &JobLogin) -> View<'_> {
    let scope: &Scope = &login.scope;
    View {
        schema_version: 1,
        event: "authenticated",
        platform: login.platform.name(),
        server: &login.server,
        project: &login.project,
        policy: &login.policy,
        scopes: scope.iter().collect(),
        expires_at: login.expires_at,
        later_steps: match login {
            JobLogin { waits: true, .. } => "find_it",
            JobLogin { again: true, .. } => "trade_again",
            JobLogin { .. } => "have_none",
        },
    }
}

#[cfg(test)]
mod tests {
    use hallpass_client::Platform;

    use super::*;
    use crate::Exit;
    use crate::testing::Town;

    fn login() -> JobLogin {
        JobLogin {
            platform: Platform::GitHub,
            server: "https://id.example.com".into(),
            project: "acme/warehouse".into(),
            policy: "trp_1".into(),
            scope: "runs:create".parse().unwrap(),
            expires_at: None,
            waits: true,
            stands: true,
            again: true,
        }
    }

    // proves: jobs-1
    #[test]
    fn a_project_is_named_whole_or_refused() {
        let of = |variables: &[(&'static str, &str)], org: Option<&str>, named: Option<&str>| {
            let town =
                variables.iter().fold(Town::new(), |town, (name, value)| town.var(name, value));
            let (org, project) = (org.map(str::to_owned), named.map(str::to_owned));
            let globals = Globals { org, project, ..Globals::default() };
            town.with(|cx| super::project(cx, &globals)).map_err(|failure| failure.exit)
        };
        let whole = || Ok(Some("acme/w".to_owned()));
        assert_eq!(of(&[], None, None), Ok(None));
        assert_eq!(of(&[], None, Some("acme/w")), whole());
        assert_eq!(of(&[], Some("acme"), Some("w")), whole());
        assert_eq!(of(&[], Some("acme"), Some("acme/w")), whole());
        assert_eq!(of(&[("HALLPASS_PROJECT", "acme/w")], None, None), whole());
        assert_eq!(of(&[("HALLPASS_ORG", "acme"), ("HALLPASS_PROJECT", "w")], None, None), whole());
        // A flag says all of it; half a project, or another organization's, is none.
        assert_eq!(of(&[("HALLPASS_ORG", "other")], None, Some("acme/w")), whole());
        assert_eq!(of(&[], Some("other"), Some("acme/w")), Err(Exit::Usage));
        assert_eq!(of(&[("HALLPASS_PROJECT", "acme/w")], Some("other"), None), Err(Exit::Usage));
        assert_eq!(of(&[("HALLPASS_PROJECT", "w")], None, None), Err(Exit::Usage));
    }

    // proves: jobs-1
    #[test]
    fn it_says_how_the_later_steps_have_it() {
        let said = |login: &JobLogin| Town::new().columns(90).told(|cx, out| tell(cx, out, login));
        insta::assert_snapshot!(said(&login()), @"
        ✓ Signed this job in to https://id.example.com (GitHub Actions)
          Project     acme/warehouse
          Allowed     runs:create
          By policy   trp_1
          The later steps of this job are signed in too. Nothing was written to disk.
        ");
        let own = JobLogin { waits: false, stands: false, ..login() };
        let own = said(&JobLogin { platform: Platform::Buildkite, ..own });
        let words = own.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("was revoked: on this machine each step trades"), "{own}");
        assert!(own.contains("HALLPASS_SERVER=https://id.example.com"), "{own}");
        assert!(own.contains("HALLPASS_OIDC=auto"), "{own}");
        let once = said(&JobLogin { waits: false, again: false, ..login() });
        assert!(once.contains("later steps are not signed in"), "{once}");
    }
}
