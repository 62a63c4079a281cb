//! Which flow is chosen, and what is launched (CLIENT group A).

use std::path::Path;

use anyhow::Result;
use hallpass_testkit::cli::{self, Cli, write_script};
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::terminal::Terminal;
use hallpass_testkit::wait;

use crate::desk::{Desk, request_address};

/// Runs `login` at a terminal until it has said what it chose, and stops it. Answers what
/// it said.
async fn chosen(shell: &Cli, flags: &[&str]) -> Result<String> {
    let mut terminal = shell.at_terminal(&[&["login", "-v"], flags].concat())?;
    terminal.shows("because").await?;
    terminal.shows("Waiting for").await?;
    terminal.type_text("\u{3}")?;
    let (code, shown) = terminal.finished().await?;
    assert_eq!(code, Some(130), "{shown}");
    Ok(unwrapped(&shown))
}

/// Without line breaks.
fn unwrapped(shown: &str) -> String {
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

// proves: client-A1
#[tokio::test]
async fn without_a_display_it_is_a_code_and_no_process() -> Result<()> {
    let desk = Desk::set().await?;
    let said = chosen(&desk.shell(&[])?, &[]).await?;
    assert!(said.contains("device sign-in, because"), "{said}");
    // A container on which the tests run says so first.
    assert!(said.contains("there is no display") || said.contains("this is a container"), "{said}");
    assert_eq!(desk.traps.sprung(), "");
    Ok(())
}

// proves: client-A2
#[tokio::test]
async fn over_ssh_and_in_containers_it_is_a_code_unless_web_is_asked_for() -> Result<()> {
    let desk = Desk::set().await?;
    for (variable, value, why) in [
        (
            "SSH_CONNECTION",
            "192.0.2.1 50000 192.0.2.2 22",
            "an SSH session (SSH_CONNECTION is set)",
        ),
        ("REMOTE_CONTAINERS", "true", "a container (REMOTE_CONTAINERS)"),
        ("CODESPACES", "true", "a container (CODESPACES)"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1", "a container (KUBERNETES_SERVICE_HOST)"),
    ] {
        let shell = desk.shell(&[("DISPLAY", ":0"), (variable, value)])?;
        let said = chosen(&shell, &[]).await?;
        assert!(said.contains(&format!("device sign-in, because this is {why}")), "{said}");
        let said = chosen(&shell, &["--web", "--no-browser"]).await?;
        assert!(said.contains("browser sign-in, because you asked for it"), "{said}");
    }
    assert_eq!(desk.traps.sprung(), "");
    Ok(())
}

// proves: client-A3, J01
#[tokio::test]
async fn the_variable_browser_decides() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")])?;
    let (launcher, opened) = shell.launcher(0)?;
    let shell = shell.variable("BROWSER", &launcher);
    let mut terminal = shell.at_terminal(&["login", "-v"])?;
    terminal.shows("browser sign-in, because BROWSER is set").await?;
    let url = opened_at(&opened).await?;
    assert!(url.starts_with(&desk.server.at("/oauth/authorize?")), "{url}");
    desk.come_back(&url).await?;
    let (code, shown) = terminal.finished().await?;
    assert_eq!(code, Some(0), "{shown}");

    // A display makes no difference: none means none.
    let never = desk.shell(&[("DISPLAY", ":0"), ("BROWSER", "none")])?;
    let said = chosen(&never, &["--web"]).await?;
    assert!(said.contains("Open this address in a browser on this machine"), "{said}");
    assert_eq!(desk.traps.sprung(), "");
    Ok(())
}

/// The address that a launcher of [`Cli::launcher`] was given.
async fn opened_at(file: &Path) -> Result<String> {
    wait::until("the launcher", async || {
        Ok(std::fs::read_to_string(file).ok().map(|text| text.trim_end().to_owned()))
    })
    .await
}

// proves: client-A4
#[tokio::test]
async fn on_wsl_windows_opens_the_address_and_no_shell_reads_it() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[("WSL_DISTRO_NAME", "Debian")])?;
    // What comes before it in the chain fails.
    write_script(&shell.home().join("wslview"), "exit 1")?;
    write_script(
        &shell.home().join("powershell.exe"),
        "printf '%s\\n' \"$@\" > \"$HOME/arguments\"",
    )?;
    let path = format!("{}:/usr/bin:/bin", shell.home().display());
    let shell = shell.variable("PATH", &path);
    let mut login = shell.start(&["login", "--web"])?;
    let url =
        cli::written(&mut login, "the address", |text| request_address(&desk.server, text)).await?;
    let arguments = opened_at(&shell.home().join("arguments")).await?;
    assert!(arguments.contains("-EncodedCommand"), "{arguments}");
    // An address has characters that a shell would act on; none is there to be read.
    assert!(url.contains('&') && !arguments.contains('&'), "{arguments}");
    desk.come_back(&url).await?;
    assert_eq!(login.finished().await?.code, Some(0));
    Ok(())
}

// proves: client-A5, client-A6
#[tokio::test]
async fn no_launcher_can_stop_the_login_or_write_to_the_terminal() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[])?;
    let home = shell.home().to_owned();
    let noise = "echo NOISE; echo NOISE >&2;";
    write_script(&home.join("works"), &format!("{noise} exit 0"))?;
    write_script(&home.join("fails"), &format!("{noise} exit 3"))?;
    write_script(
        &home.join("hangs"),
        &format!("{noise} echo $$ > '{}/hanging'; exec sleep 600", home.display()),
    )?;
    for launcher in ["works", "fails", "hangs", "is-not-there"] {
        let shell = desk.shell(&[("BROWSER", &home.join(launcher).display().to_string())])?;
        let mut terminal = shell.at_terminal(&["login"])?;
        let url =
            terminal.until("the address", |shown| request_address(&desk.server, shown)).await?;
        if launcher == "hangs" {
            opened_at(&home.join("hanging")).await?;
        }
        desk.come_back(&url).await?;
        let (code, shown) = terminal.finished().await?;
        assert_eq!(code, Some(0), "{launcher}: {shown}");
        assert!(shown.contains("Signed in to") && !shown.contains("NOISE"), "{launcher}: {shown}");
    }
    let left = opened_at(&home.join("hanging")).await?;
    // It is the person's browser: it was left to itself, and is ours to clean up.
    process_of(&left)?;
    Ok(())
}

/// Ends a launcher that was left running; it is an error if it was not.
fn process_of(pid: &str) -> Result<()> {
    let pid = rustix::process::Pid::from_raw(pid.parse()?).expect("a process id");
    Ok(rustix::process::kill_process(pid, rustix::process::Signal::KILL)?)
}

// proves: client-A5
#[tokio::test]
async fn the_address_is_on_standard_error_before_a_launcher_runs() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[])?;
    let (told, seen) = (shell.home().join("told"), shell.home().join("seen"));
    let launcher = shell.home().join("launcher");
    write_script(
        &launcher,
        &format!("cp '{0}' '{1}.part'; mv '{1}.part' '{1}'", told.display(), seen.display()),
    )?;
    let shell = shell.variable("BROWSER", &launcher.display().to_string());
    let command = shell.command(&[])?;
    let mut redirected = process::command("sh");
    redirected.args(["-c", "exec \"$0\" login --web 2> \"$1\""]);
    redirected.arg(command.get_program()).arg(&told);
    redirected.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut login = Running::start(&mut redirected)?;
    let seen = opened_at(&seen).await?;
    let url = request_address(&desk.server, &seen).unwrap_or_default();
    assert!(!url.is_empty(), "when the launcher ran, this was there: {seen:?}");
    desk.come_back(&url).await?;
    assert_eq!(login.finished().await?.code, Some(0));
    Ok(())
}

// proves: client-A7
#[tokio::test]
async fn without_a_terminal_nobody_is_asked() -> Result<()> {
    let desk = Desk::set().await?;
    let refused = desk.shell(&[("DISPLAY", ":0")])?.run(&["login"]).await?;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    for way in ["HALLPASS_TOKEN", "--device", "--with-token"] {
        assert!(refused.stderr.contains(way), "no {way} in {}", refused.stderr);
    }
    assert_eq!(desk.traps.sprung(), "");
    assert!(!desk.metrics().await?.contains(r#"route="/oauth/"#), "something was sent");
    Ok(())
}

// proves: client-A8
#[tokio::test]
async fn where_nobody_is_nothing_is_launched_and_nothing_is_asked() -> Result<()> {
    let desk = Desk::set().await?;
    for variable in [("CI", "true"), ("HALLPASS_NONINTERACTIVE", "1")] {
        let shell = desk.shell(&[("DISPLAY", ":0"), variable])?;
        // At a terminal, which would do otherwise.
        for (command, exit) in [
            (&["login"][..], 2),
            (&["login", "--with-token"], 2),
            (&["status"], 3),
            (&["whoami"], 3),
            (&["token", "print"], 3),
            (&["session", "list"], 3),
            (&["api", "GET", "/api/v1/whoami"], 3),
            (&["logout"], 0),
        ] {
            let (code, shown) = shell.at_terminal(command)?.finished().await?;
            assert_eq!(code, Some(exit), "{variable:?} {command:?}: {shown}");
        }
        let mut terminal = shell.at_terminal(&["login", "--web"])?;
        let shown = terminal.shows("Waiting for").await?;
        assert!(!shown.contains("paste") && !shown.contains("is opening"), "{shown}");
        stop(&mut terminal).await?;
    }
    assert_eq!(desk.traps.sprung(), "");
    Ok(())
}

async fn stop(terminal: &mut Terminal) -> Result<()> {
    terminal.type_text("\u{3}")?;
    let (code, shown) = terminal.finished().await?;
    assert_eq!(code, Some(130), "{shown}");
    Ok(())
}

// proves: client-A9
#[tokio::test]
async fn a_command_that_needs_data_never_begins_a_login() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[("DISPLAY", ":0")])?;
    let login = format!("Next: hallpass login {}", desk.server.url());
    for command in [
        &["token", "print"][..],
        &["status"],
        &["status", "--check"],
        &["whoami"],
        &["session", "list"],
        &["session", "end", "ses_x"],
        &["api", "GET", "/api/v1/whoami"],
    ] {
        // At a terminal, where a person could answer, and in a script.
        let (code, shown) = shell.at_terminal(command)?.finished().await?;
        let script = shell.run(command).await?;
        assert_eq!((code, script.code), (Some(3), Some(3)), "{command:?}: {shown} {script:?}");
        for told in [shown, script.stderr] {
            assert_eq!(told.matches(&login).count(), 1, "{command:?}: {told}");
        }
        assert_eq!(script.stdout, "", "{command:?}");
    }
    assert_eq!(desk.traps.sprung(), "");
    let metrics = desk.metrics().await?;
    assert!(!metrics.contains(r#"route="/oauth/"#), "{metrics}");
    Ok(())
}

// proves: client-A11
#[tokio::test]
async fn what_is_pasted_counts_as_much_as_the_callback() -> Result<()> {
    let desk = Desk::set().await?;
    let shell = desk.shell(&[])?;
    let (launcher, opened) = shell.launcher(0)?;
    let shell = shell.variable("BROWSER", &launcher);
    let mut terminal = shell.at_terminal(&["login"])?;
    terminal.shows("paste").await?;
    let callback = desk.person.approve(&opened_at(&opened).await?).await?;
    // Not ours, and the wait goes on.
    terminal.type_text("http://127.0.0.1:1/callback?code=x&state=y\n")?;
    terminal.shows("Ignored").await?;
    terminal.type_text(&format!("{callback}\n"))?;
    let (code, shown) = terminal.finished().await?;
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(shell.run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
    Ok(())
}
