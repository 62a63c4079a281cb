//! `agent run -- CMD`: the broker. It registers an agent, starts the program as it, keeps its
//! token fresh while it runs, and ends it at the end, however that comes.

use std::ffi::OsString;
use std::sync::mpsc;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hallpass_client::target::Asked;
use hallpass_client::{Client, Session};
use hallpass_core::Scope;
use hallpass_core::brand::Brand;
use hallpass_core::wire::agents::{NewAgent, SecretOf, StartedAgent};

use super::child::{self, TokenFile};
use super::given::{self, Given};
use super::guard::Guard;
use super::keeper::{Ended, Kept, Starter};
use super::{inside, refused};
use crate::arguments::Globals;
use crate::commands::{client, retry, warn};
use crate::refusal::told;
use crate::system::{self, Target};
use crate::{Context, Exit, Failure, Input, Output};

pub(super) fn command(brand: &Brand) -> Command {
    of(brand, Command::new("run").about("Run a program as an agent of yours"))
        .arg(given::argument())
}

/// The same inside an agent, and nowhere else.
pub(super) fn child_command(brand: &Brand) -> Command {
    of(brand, Command::new("child").about("Inside an agent: run a program as one below it"))
}

fn of(brand: &Brand, command: Command) -> Command {
    let token = brand.variable("AUTH_TOKEN");
    command
        .after_help(format!(
            "The program finds its token in ${token}, and while it runs a fresh one in the file\n\
             that ${token}_FILE names. It gets none of your variables that hold a credential.\n\
             For a container: -- podman run -e {token} …"
        ))
        .arg(
            Arg::new("allow")
                .long("allow")
                .value_name("PERMISSION")
                .action(ArgAction::Append)
                .help("What it may do in the project; may be repeated. Nothing, if absent"),
        )
        .arg(
            Arg::new("ttl")
                .long("ttl")
                .value_name("TIME")
                .default_value("15m")
                .value_parser(ttl)
                .help("How long each of its tokens lives: 10s to 1h"),
        )
        .arg(Arg::new("name").long("name").value_name("NAME").help("What to call it"))
        .arg(
            Arg::new("depth")
                .long("depth")
                .value_name("LEVELS")
                .value_parser(value_parser!(u32).range(0..=8))
                .help("How many levels of agents it may start below itself [default: 2]"),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_name("NAME")
                .action(ArgAction::Append)
                .help("Leave it this variable, though its name says that it is a secret"),
        )
        .arg(
            Arg::new("command")
                .last(true)
                .required(true)
                .num_args(1..)
                .value_name("CMD")
                .value_parser(value_parser!(OsString))
                .help("The program and its arguments"),
        )
}

/// `90s`, `15m`, `1h`, in seconds.
fn ttl(text: &str) -> Result<u32, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600)];
    let said = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(*name)?, *unit)));
    let Some((number, unit)) = said else { return Err("write 90s, 15m or 1h".to_owned()) };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (10..=3600).contains(seconds));
    seconds.ok_or_else(|| "10s at least and 1h at most".to_owned())
}

/// `agent run`: as an agent of a person's; inside an agent, as a child of that one.
pub(super) fn run(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    stdin: &mut dyn Input,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let given = Given::read(cx, stdin, matches)?;
    let client = client(cx, globals);
    // Inside an agent it is a child of that one, whatever sign-in lies around.
    let parent = client.as_agent().map_err(|error| refused(&error, cx, globals, "run"))?;
    if parent.is_some() && !given.secrets.is_empty() {
        return Err(Failure::usage(
            "an agent keeps no secrets for those below it; their owner does",
            retry(cx, globals, "agent run --help"),
        ));
    }
    started(cx, out, globals, matches, (parent, &client), given)
}

/// `agent child`: as a child of the agent that this runs in; a sign-in does not count.
pub(super) fn child(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
) -> Result<Exit, Failure> {
    let parent = inside::session(cx, globals)?;
    let client = client(cx, globals);
    started(cx, out, globals, matches, (Some(parent), &client), Given::default())
}

/// Runs the program, and ends with what it ended with.
fn started(
    cx: &Context<'_>,
    out: &mut Output<'_>,
    globals: &Globals,
    matches: &ArgMatches,
    (parent, client): (Option<Session>, &Client),
    given: Given,
) -> Result<Exit, Failure> {
    let all = |name| matches.get_many::<String>(name).into_iter().flatten().map(String::as_str);
    if let Some(ours) = all("keep").find(|name| child::is_ours(cx, name)) {
        return Err(Failure::usage(
            format!("--keep {ours}: an agent never holds what its owner signs in with"),
            format!("{} agent run --help", cx.program),
        ));
    }
    let words: Vec<OsString> =
        matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect();
    let ttl = matches.get_one::<u32>("ttl").copied().unwrap_or(900);
    let refuse = |error| refused(&error, cx, globals, "run");
    let new = NewAgent {
        name: matches.get_one::<String>("name").cloned().unwrap_or_else(|| name(&words)),
        project: project(cx, globals, parent.is_some())?,
        permissions: all("allow").collect::<Scope>(),
        ttl_seconds: Some(ttl),
        depth: matches.get_one::<u32>("depth").copied(),
        resources: Vec::new(),
        host: cx.environment.host_name(),
        command: words.first().map(|word| word.to_string_lossy().into_owned()),
    };
    let person = match parent {
        Some(_) => None,
        None => {
            let session = client.session_or_open();
            let retry = retry(cx, globals, "agent run -- CMD");
            Some(session.map_err(|error| told(&error, cx, &retry))?)
        }
    };
    // Where it is started, and where its token goes: nowhere else.
    let (started, server) = match (&person, &parent) {
        (Some(person), _) => (person.start_agent(&new), person.server().to_owned()),
        (None, Some(parent)) => {
            (parent.start_child(client, &new, cx.clock.now()), parent.server().to_owned())
        }
        (None, None) => return Err(Failure::usage("nobody is there", "agent run --help")),
    };
    let StartedAgent { agent, token, .. } = started.map_err(refuse)?;
    if let Some(person) = &person {
        let of = SecretOf::Run(agent.id.clone());
        for (name, value) in &given.secrets {
            if let Err(error) = person.set_agent_secret(&of, name, value) {
                // Nobody renews it: if this does not arrive, it ends with its token.
                let _ = client.as_bearer(&server, &token).and_then(|session| session.done());
                return Err(refuse(error).kept("Nothing was run, and the agent is over."));
            }
        }
        warn(out, &person.take_warnings());
    }
    let keep: Vec<&str> = all("keep").collect();
    let hidden = given.variables.iter().map(String::as_str).filter(|name| !keep.contains(name));
    let hidden: Vec<&str> = hidden.collect();
    let variables = (&*keep, &*hidden);
    let ran = Running { cx, globals, server: &server, id: &agent.id, words: &words, variables };
    let starter = match &person {
        Some(person) => Starter::Person(person),
        None => Starter::Agent(client),
    };
    let ended = ran.run(out, client, starter, token, Duration::from_secs(ttl.into()));
    match ended {
        Ok((code, Ended::ByItself)) => Ok(Exit::Child(code)),
        Ok((code, how)) => {
            let why = match how {
                Ended::Lapsed => "lapsed, for nobody could renew it in time",
                Ended::Stopped | Ended::ByItself => "was stopped",
            };
            out.warning(&format!("Agent {} {why}, and its program ended", agent.id));
            Ok(Exit::Child(code))
        }
        Err(failure) => Err(*failure),
    }
}

/// What it is called, if nobody says: its program.
fn name(words: &[OsString]) -> String {
    let word = words.first().map(std::path::Path::new).and_then(|path| path.file_name());
    let name = word.map(|name| name.to_string_lossy()).unwrap_or_default();
    let name = hallpass_core::text::presentable(&name, 80);
    if name.is_empty() { "agent".to_owned() } else { name }
}

/// The project that this invocation is about. A child has its parent's.
pub(super) fn project(
    cx: &Context<'_>,
    globals: &Globals,
    is_child: bool,
) -> Result<Option<String>, Failure> {
    if is_child {
        let Asked { org, project } = globals.into();
        return match org.or(project) {
            None => Ok(None),
            Some(_) => Err(Failure::usage(
                "a child is for the project of the agent that starts it, and for no other",
                format!("{} agent child -- CMD", cx.program),
            )),
        };
    }
    let target = client(cx, globals)
        .target(&Asked::from(globals))
        .map_err(|error| Failure::usage(error.to_string(), retry(cx, globals, "context show")))?;
    match (target.org, target.project) {
        (Some(org), Some(project)) => Ok(Some(format!("{}/{}", org.name, project.name))),
        (None, Some(_)) => Err(Failure::usage(
            "a project is in an organization: write ORG/PROJECT",
            retry(cx, globals, "agent run --project ORG/PROJECT -- CMD"),
        )),
        (_, None) => Ok(None),
    }
}

/// A program that runs as an agent.
struct Running<'a> {
    cx: &'a Context<'a>,
    globals: &'a Globals,
    server: &'a str,
    id: &'a str,
    words: &'a [OsString],
    /// Those that it keeps though they look like secrets, and those that it does not get.
    variables: (&'a [&'a str], &'a [&'a str]),
}

impl Running<'_> {
    fn run(
        &self,
        out: &mut Output<'_>,
        client: &hallpass_client::Client,
        starter: Starter<'_>,
        token: hallpass_core::Secret,
        ttl: Duration,
    ) -> Result<(u8, Ended), Box<Failure>> {
        let give_back = |token: &hallpass_core::Secret, code: u8| {
            // Nobody renews it: if this does not arrive, it ends with its token.
            let _ = client.as_bearer(self.server, token).and_then(|session| {
                if code != 0 {
                    let _ = session.report(&format!("its program ended with {code}"), None);
                }
                session.done()
            });
        };
        let file = match TokenFile::make(self.cx, self.id, &token) {
            Ok(file) => Some(file),
            Err(error) => {
                out.warning(&format!(
                    "no file can be made for fresh tokens ({error}); the agent ends with its first one"
                ));
                None
            }
        };
        let mut guard = match Guard::start(self.cx, self.globals, self.server) {
            Ok(guard) => guard,
            Err(error) => {
                give_back(&token, 126);
                return Err(Box::new(self.not_run(out, 126, &format!("no guardian: {error}"))));
            }
        };
        guard.token(&token);
        if let Some(dir) = file.as_ref().and_then(|file| file.path().parent()) {
            guard.directory(dir);
        }
        let mut command = child::command(self.words);
        let (keep, hidden) = self.variables;
        child::strip(self.cx, &mut command, keep);
        for name in hidden {
            command.env_remove(name);
        }
        let path = file.as_ref().map(TokenFile::path);
        child::equip(self.cx, &mut command, self.server, &token, path);
        // From here on signals are the program's.
        let signals = system::Forwarding::begin();
        let mut program = match command.spawn() {
            Ok(program) => program,
            Err(error) => {
                let code = child::not_run(&error);
                give_back(&token, code);
                guard.done();
                return Err(Box::new(self.not_run(out, code, &error.to_string())));
            }
        };
        drop(command);
        guard.process(program.id());
        let target = Target::of(program.id());
        signals.to(target.as_ref());
        let (over, ended) = mpsc::channel::<()>();
        let target_kept = target.as_ref();
        let mut kept = Kept {
            client,
            server: self.server,
            starter,
            id: self.id,
            ttl,
            token,
            file: file.as_ref(),
            guard: &mut guard,
            target: target_kept,
        };
        let (status, how) = std::thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let status = program.wait();
                drop(over);
                status
            });
            let how = kept.keep(&ended);
            (waiting.join(), how)
        });
        let status = status.ok().and_then(Result::ok);
        let code = status.map_or(1, system::code_of);
        give_back(&kept.token, code);
        kept.guard.done();
        Ok((code, how))
    }

    fn not_run(&self, out: &Output<'_>, code: u8, why: &str) -> Failure {
        let name = self.words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        let what = format!("{} cannot be run: {why}", out.paint().foreign(&name, 200));
        let next = retry(self.cx, self.globals, "agent run --help");
        Failure::new(Exit::Child(code), "not_run", what, next)
            .kept("Nothing was run, and the agent is over.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;

    #[test]
    fn a_life_is_said_in_seconds_minutes_or_an_hour() {
        assert_eq!([ttl("10s"), ttl("15m"), ttl("1h")], [Ok(10), Ok(900), Ok(3600)]);
        for bad in ["", "m", "15", "9s", "61m", "2h", "-1m", "1d", "1.5h", "99999999999s", "é"] {
            assert!(ttl(bad).is_err(), "{bad:?}");
        }
    }

    // proves: SN05
    #[test]
    fn nobody_becomes_an_agents_owner_by_a_variable_of_an_agent() {
        // A user's variable does not make an agent, and an agent's does not sign anybody in.
        let done = Town::new().var("HALLPASS_TOKEN", "token-x").run("hallpass agent status");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
        let done = Town::new().var("HALLPASS_AUTH_TOKEN", "a.b.c").run("hallpass status");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
        let done = Town::new().run("hallpass agent run -- true");
        assert_eq!(done.exit, Exit::NotSignedIn, "{done:?}");
        for line in ["agent run", "agent run true", "agent run --ttl 2h -- true"] {
            assert_eq!(Town::new().run(&format!("hallpass {line}")).exit, Exit::Usage, "{line}");
        }
    }
}
