//! `hallpass demo`: the whole story on one screen, on real parts.
//!
//! A real server process on an embedded database in a scratch directory, the real command
//! line with a home of its own, and a scripted person who fills in the real pages. Every
//! number is measured while it runs.
//!
//! | module | what |
//! |---|---|
//! | [`town`] | the scratch directory, the server, the command line, the thief's plain HTTP |
//! | [`person`] | Ada, who reads pages and presses buttons |
//! | [`programs`] | an agent, a job, a tool of another name |
//! | [`screen`] | what is shown |
//!
//! To add a step: a function here, and one line in [`story`].

mod person;
mod programs;
mod screen;
mod town;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Command;

use crate::system::Stopwatch;
use person::Person;
use screen::Screen;
use town::Town;

/// The demo's access tokens live this long, so that nobody has to wait for a refresh.
const ACCESS_TOKEN_TTL: Duration = Duration::from_secs(3);
/// And a lost refresh answer can be asked for again this long.
const REFRESH_GRACE: Duration = Duration::from_secs(1);

/// Its part of the tree.
pub(crate) fn command() -> Command {
    Command::new("demo")
        .about("See the whole story on one screen, in a scratch directory")
        .after_help(
            "Starts a real server on an embedded database in a scratch directory, with a scripted \
         person who approves. Needs nothing, changes nothing, and removes what it made.",
        )
}

/// Tells the story.
pub(crate) fn run() -> ExitCode {
    let mut screen = Screen::new();
    match story(&mut screen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.failed(&error);
            ExitCode::FAILURE
        }
    }
}

fn story(screen: &mut Screen) -> Result<()> {
    let whole = Stopwatch::start();
    screen.title("A real server, a real database, and a scripted person called Ada.");
    let mut town = Town::found()?;
    let mut ada = begin(screen, &mut town)?;
    browser_login(screen, &town, &mut ada)?;
    call(screen, &town)?;
    let stolen = silent_refresh(screen, &town)?;
    theft(screen, &town, &stolen)?;
    device_login(screen, &town, &mut ada)?;
    leaked_token(screen, &town)?;
    programs::agent(screen, &town)?;
    programs::job(screen, &town)?;
    programs::brand(screen, &town)?;
    revocation(screen, &town)?;
    let records = town.stop()?;
    screen.end(whole.elapsed(), records);
    Ok(())
}

fn begin(screen: &mut Screen, town: &mut Town) -> Result<Person> {
    let watch = Stopwatch::start();
    town.start_server(ACCESS_TOKEN_TTL, REFRESH_GRACE)?;
    let took = watch.elapsed();
    screen.step("A server starts on an empty database", took);
    screen.command("hallpass serve");
    screen.says(&format!("ready at {}", town.url()));
    let watch = Stopwatch::start();
    let mut ada = Person::new(town.url());
    ada.set_up(&town.setup_link()?).context("the set-up page")?;
    screen.step("Ada follows its one-time link and becomes the administrator", watch.elapsed());
    screen.says("password kept as argon2id; the link is good for nothing now");
    Ok(ada)
}

fn browser_login(screen: &mut Screen, town: &Town, ada: &mut Person) -> Result<()> {
    let watch = Stopwatch::start();
    let mut login = town.begin(&["login", town.url(), "--web", "--no-browser", "--json"])?;
    let url = login.event("url")?;
    ada.approve_in_browser(&url).context("the consent page")?;
    login.finish()?;
    screen.step("She signs her terminal in through the browser", watch.elapsed());
    screen.command(&format!("hallpass login {}", town.url()));
    screen.says("authorization code with PKCE, answered to a loopback address");
    Ok(())
}

fn call(screen: &mut Screen, town: &Town) -> Result<()> {
    let watch = Stopwatch::start();
    let answer = town.hallpass(&["api", "GET", "/api/v1/whoami"])?;
    ensure!(answer.contains(person::EMAIL), "the API does not know her: {answer}");
    screen.step("She calls an API as herself", watch.elapsed());
    screen.command("hallpass api GET /api/v1/whoami");
    screen.says(&format!("200, {} ({})", person::NAME, person::EMAIL));
    Ok(())
}

/// Lets the access token end, and calls again. Answers the refresh token from before, as a
/// thief would hold it who had copied the file with the tokens.
fn silent_refresh(screen: &mut Screen, town: &Town) -> Result<town::Copy> {
    let before = town.copy_credentials()?;
    screen.wait("Her access token lives 3 seconds in this demo; it ends …");
    std::thread::sleep(ACCESS_TOKEN_TTL + Duration::from_millis(200));
    let watch = Stopwatch::start();
    let answer = town.hallpass(&["api", "GET", "/api/v1/whoami"])?;
    let took = watch.elapsed();
    ensure!(answer.contains(person::EMAIL), "the API does not know her any more: {answer}");
    let after = town.copy_credentials()?;
    ensure!(!before.same_access_token(&after), "the access token was not replaced");
    ensure!(!before.same_refresh_token(&after), "the refresh token was not rotated");
    screen.step("The next call refreshes it first, without a word", took);
    screen.command("hallpass api GET /api/v1/whoami");
    screen.says("200; a new access token, and the refresh token was rotated, too");
    // Her next refresh spends the successor, and with that nobody may ask for it again.
    std::thread::sleep(ACCESS_TOKEN_TTL + Duration::from_millis(200));
    town.hallpass(&["whoami"])?;
    Ok(before)
}

fn theft(screen: &mut Screen, town: &Town, stolen: &town::Copy) -> Result<()> {
    let watch = Stopwatch::start();
    let (status, error) = town.redeem(stolen)?;
    let took = watch.elapsed();
    ensure!(status == 400 && error == "invalid_dpop_proof", "the thief got {status} {error}");
    screen.step("A thief uses a refresh token copied a moment ago", took);
    screen.says(&format!("{status} {error}; it is bound to a key that was not copied with it"));
    town.hallpass(&["whoami"])?;
    let told = town.hallpass(&["session", "list", "--json"])?;
    ensure!(told.contains("copy_tried"), "nobody tells Ada of the copy: {told}");
    screen.says("Ada's own terminal goes on, and her list of sign-ins tells of the copy");
    Ok(())
}

fn device_login(screen: &mut Screen, town: &Town, ada: &mut Person) -> Result<()> {
    let watch = Stopwatch::start();
    let mut login = town.begin(&["login", town.url(), "--device", "--json"])?;
    let code = login.event("user_code")?;
    ada.approve_device(&code).context("the device page")?;
    screen.wait(&format!("Ada approved {code} elsewhere; the terminal asks every 5 seconds …"));
    login.finish()?;
    screen.step("She signs in again, this time over SSH, with a code", watch.elapsed());
    screen.command(&format!("hallpass login {} --device", town.url()));
    screen.says(&format!("code {code}, typed on another machine; RFC 8628"));
    Ok(())
}

fn leaked_token(screen: &mut Screen, town: &Town) -> Result<()> {
    let watch = Stopwatch::start();
    let token = town.hallpass(&["token", "create", "ci", "--expires", "30d"])?;
    let token = token.trim();
    let took = watch.elapsed();
    let before = town.call_with(token)?;
    ensure!(before == 200, "a token just made is answered {before}");
    screen.step("She makes a token for her CI", took);
    screen.command("hallpass token create ci --expires 30d");
    screen.says("shown once and kept as a digest; its checksum tells it from a typing error");
    let watch = Stopwatch::start();
    let reported = town.report_leaked(token)?;
    let after = town.call_with(token)?;
    let took = watch.elapsed();
    ensure!(reported < 300, "the desk for leaked tokens answered {reported}");
    ensure!(after == 401, "a token reported as leaked is answered {after}");
    screen.step("It lands in a public log; who finds it hands it in", took);
    screen.command(&format!("curl --json '{{\"tokens\":[\"hp_user_…\"]}}' {}", town.leak_desk()));
    screen.says(&format!("{before} before, {after} after; Ada sees in her list what became of it"));
    Ok(())
}

fn revocation(screen: &mut Screen, town: &Town) -> Result<()> {
    let token = town.hallpass(&["token", "print"])?;
    let token = token.trim();
    let before = town.call_with(token)?;
    ensure!(before == 200, "the token is refused before it was revoked: {before}");
    let watch = Stopwatch::start();
    town.hallpass(&["logout"])?;
    screen.step("She signs out", watch.elapsed());
    screen.command("hallpass logout");
    let watch = Stopwatch::start();
    let after = town.call_with(token)?;
    let took = watch.elapsed();
    ensure!(after == 401, "a revoked token is answered {after}");
    screen.step("The very next call with the token that was good a moment ago", took);
    screen.says(&format!("{before} before, {after} after: over when it says so"));
    Ok(())
}
