//! Where nobody can sign in, a sign-in is not what comes next: inside an agent, and in a job.

use hallpass_client::Platform;

use super::{agent, client};
use crate::arguments::Globals;
use crate::{Context, Failure, words};

/// A failure as it is told of this command line: what to type next is about the same file.
pub(crate) fn told_here(failure: Failure, cx: &Context<'_>, globals: &Globals) -> Failure {
    let mut failure = without_login(failure, cx, globals);
    if let (Some(flag), Some(file)) = (&cx.brand.vault.file_flag, &globals.file)
        && failure.next.starts_with(&format!("{} ", cx.program))
        && !failure.next.contains(" -- ")
        && !failure.next.ends_with(" --help")
    {
        let file = words::quoted(&file.display().to_string());
        failure.next.push_str(&format!(" --{flag} {file}"));
    }
    failure
}

/// What whoever runs there can do instead.
fn without_login(mut failure: Failure, cx: &Context<'_>, globals: &Globals) -> Failure {
    if agent::is_inside(cx) {
        return agent::without_login(failure, cx, globals);
    }
    // A profile that was named is answered by no variable (CLIENT F4).
    let profile = cx.environment.var(&cx.brand.variable("PROFILE"));
    if failure.code != "not_signed_in" || globals.profile.is_some() || profile.is_some() {
        return failure;
    }
    let unattended = cx.unattended();
    // In a pod there may be a person all the same.
    let lacks = client(cx, globals)
        .job_lacks()
        .filter(|(platform, _)| *platform != Platform::Kubernetes || unattended.is_some());
    let variable = cx.brand.variable("TOKEN");
    let (why, how) = match (lacks, unattended) {
        (Some((_, lacks)), _) => (format!("{lacks}; or set {variable}"), "--oidc"),
        (None, Some(why)) => {
            (format!("{why}, so nobody can sign in here; set {variable}"), "--with-token")
        }
        (None, None) => return failure,
    };
    failure.what = format!("{}: {why}", failure.what);
    failure.next = format!("{} login {how}", cx.program);
    failure.in_our_words()
}

#[cfg(test)]
mod tests {
    use hallpass_core::brand::{Argument, Brand, Call};

    use crate::Exit;
    use crate::testing::Town;

    /// A brand with a call, and words that send somebody to sign in.
    fn own(brand: &mut Brand) {
        let told = "Not logged in. Run: hallpass login".to_owned();
        brand.failures.insert("not_signed_in".to_owned(), told);
        let call = Call {
            method: "GET".to_owned(),
            path: "/things".to_owned(),
            permission: None,
            about: None,
            arguments: Vec::new(),
            options: Vec::new(),
            help: Default::default(),
            place: false,
        };
        brand.calls.insert("things".to_owned(), call);
    }

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    // proves: jobs-1, client-L3
    #[test]
    fn a_job_is_told_what_it_lacks_and_not_to_sign_in() {
        let github = || Town::new().var("CI", "true").var("GITHUB_ACTIONS", "true");
        let cases = [
            (github(), "id-token: write", "hallpass login --oidc"),
            (github().var("HALLPASS_OIDC", "off"), "CI is set", "hallpass login --with-token"),
            (Town::new().var("GITLAB_CI", "true"), "id_tokens: ", "hallpass login --oidc"),
            (Town::new().var("BUILDKITE", "true"), "HALLPASS_OIDC=auto", "hallpass login --oidc"),
            (Town::new().var("CI", "1"), "nobody can sign in here", "hallpass login --with-token"),
        ];
        for (town, lacks, next) in cases {
            for line in ["exec --env A -- true", "token print", "whoami", "status"] {
                let done = town.run(&format!("hallpass {line}"));
                assert_eq!((done.exit, &*done.stdout), (Exit::NotSignedIn, ""), "{line}: {done:?}");
                let said = words(&done.stderr);
                assert!(said.contains(lacks), "{line}: {said}");
                assert!(said.contains("set HALLPASS_TOKEN"), "{line}: {said}");
                assert!(said.ends_with(&format!("Next: {next}")), "{line}: {said}");
            }
        }
        let done = github().brand(own).run("hallpass token print");
        assert!(!done.stderr.contains("Not logged in"), "{done:?}");
        // In a pod there may be somebody.
        let pod = Town::new().var("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        let done = pod.run("hallpass whoami");
        assert!(done.stderr.contains("Next: hallpass login http"), "{done:?}");
    }

    // proves: SN05, client-L3
    #[test]
    fn inside_an_agent_no_line_leads_to_a_sign_in() {
        let town = || Town::new().var("HALLPASS_AUTH_TOKEN", "a.b.c");
        let lines = [
            ("login", Exit::Usage),
            ("login --device", Exit::Usage),
            ("login --no-wait", Exit::Usage),
            ("login --no-wait --json", Exit::Usage),
            ("login --resume", Exit::Usage),
            ("login --with-token", Exit::Usage),
            ("whoami", Exit::NotSignedIn),
            ("status", Exit::NotSignedIn),
            ("profile list", Exit::Usable),
        ];
        for (line, exit) in lines {
            let done = town().run(&format!("hallpass {line}"));
            assert_eq!(done.exit, exit, "{line}: {done:?}");
            let said = words(&format!("{}{}", done.stdout, done.stderr));
            assert!(said.contains("hallpass agent status"), "{line}: {said}");
            assert!(!said.contains("hallpass login"), "{line}: {said}");
        }
        let done =
            town().brand(own).var("HALLPASS_SERVER", "https://id.test").run("hallpass things");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
        assert!(done.stderr.contains("Next: hallpass agent status"), "{done:?}");
        assert!(!done.stderr.contains("Not logged in"), "{done:?}");
    }

    // proves: SC04
    #[test]
    fn what_to_type_next_names_no_server_of_its_own_and_the_file_that_was_named() {
        let town = || {
            Town::new().brand(|brand| {
                brand.login.argument = Argument::None;
                brand.vault.file_flag = Some("credentials-path".to_owned());
                brand.commands.insert("auth login".to_owned(), "login".to_owned());
                brand.commands.insert("auth status".to_owned(), "status".to_owned());
            })
        };
        let next = |town: Town, line: &str| {
            let done = town.run(&format!("hallpass {line}"));
            assert_eq!(done.exit, Exit::NotSignedIn, "{line}: {done:?}");
            words(&done.stderr).rsplit_once("Next: ").unwrap().1.to_owned()
        };
        assert_eq!(next(town(), "auth status"), "hallpass auth login");
        let configured = || town().var("HALLPASS_SERVER", "https://id.test");
        assert_eq!(next(configured(), "auth status"), "hallpass auth login");
        assert_eq!(
            next(town(), "auth status --server https://id.test"),
            "hallpass auth login --server https://id.test"
        );
        assert_eq!(
            next(town(), "--credentials-path x.json auth status"),
            "hallpass auth login --credentials-path x.json"
        );
    }

    // proves: SN05
    #[test]
    fn a_token_file_that_cannot_be_read_is_named() {
        let town = Town::new().var("HALLPASS_AUTH_TOKEN_FILE", "/not/there/token");
        let done = town.run("hallpass agent status");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
        let said = words(&done.stderr);
        assert!(said.contains("HALLPASS_AUTH_TOKEN_FILE names \"/not/there/token\""), "{said}");
        assert!(said.contains("cannot be read: No such file"), "{said}");
        assert!(said.ends_with("Next: ls -l /not/there/token"), "{said}");
    }
}
