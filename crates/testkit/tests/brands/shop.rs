//! A server in a brand, its site, Ada, and her shell.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use hallpass_core::brand::Brand;
use hallpass_testkit::cli::{self, Cli};
use hallpass_testkit::front::Front;
use hallpass_testkit::person::Person;
use hallpass_testkit::process::{Finished, Running};
use hallpass_testkit::server::{Account, Plan, Server};
use hallpass_testkit::tree;

/// A tool's server and site; Ada owns the organization acme and its project genome.
pub(crate) struct Shop {
    pub(crate) brand: Brand,
    pub(crate) file: PathBuf,
    pub(crate) front: Front,
    pub(crate) server: Server,
    pub(crate) ada: Account,
    pub(crate) person: Person,
    pub(crate) shell: Cli,
}

impl Shop {
    pub(crate) async fn open(name: &str) -> Result<Self> {
        Self::of(name, Plan::new()).await
    }

    /// One whose server is set up as `plan` says, besides what is its brand's.
    pub(crate) async fn of(name: &str, plan: Plan) -> Result<Self> {
        let file = tree::root().join(format!("brands/{name}.toml"));
        let brand = Brand::parse(&std::fs::read_to_string(&file)?)?;
        let front = Front::start(brand.clone()).await?;
        let path = file.to_str().context("a path in UTF-8")?;
        let plan = plan.set("brand_file", path).set("device_interval", "1s").behind(&front);
        let server = plan.start().await?;
        let ada = server.person("ada@example.com", "Ada").await?;
        let person = Person::signed_in(&server, &ada).await?;
        let shell = shell(&server, &brand)?;
        let shop = Self { brand, file, front, server, ada, person, shell };
        shop.admin(&["org", "create", "acme", "--owner", &shop.ada.email]).await?;
        shop.admin(&["project", "create", "acme/genome"]).await?;
        Ok(shop)
    }

    /// Another home of the same person's.
    pub(crate) fn another(&self) -> Result<Cli> {
        shell(&self.server, &self.brand)
    }

    pub(crate) async fn admin(&self, words: &[&str]) -> Result<String> {
        let brand = self.file.to_str().context("a path in UTF-8")?;
        self.server.admin(&[words, &["--brand-file", brand]].concat(), "").await
    }

    /// A personal token of Ada's.
    pub(crate) async fn token(&self, name: &str) -> Result<String> {
        self.admin(&["token", "create", "--user", &self.ada.email, "--name", name]).await
    }

    pub(crate) async fn run(&self, line: &str) -> Result<Finished> {
        self.shell.run(&line.split(' ').collect::<Vec<_>>()).await
    }

    /// Signs the shell in with a code.
    pub(crate) async fn sign_in(&self, shell: &Cli, command: &[&str]) -> Result<Finished> {
        let mut login = shell.start(&[command, &["--device"]].concat())?;
        let code = code(&mut login, &self.brand).await?;
        self.person.decide_device(&code, "approve").await?;
        login.finished().await
    }
}

fn shell(server: &Server, brand: &Brand) -> Result<Cli> {
    let shell = Cli::new(server)?.program(&brand.name);
    let shell = shell.variable(&brand.variable("SERVER"), &server.url());
    Ok(shell.variable(&brand.variable("STORE"), "file"))
}

/// The code that a prompt shows: a word of letters of its groups' lengths.
pub(crate) async fn code(running: &mut Running, brand: &Brand) -> Result<String> {
    let lengths = brand.user_code.groups.clone();
    cli::written(running, "a code", |text| {
        let mut words = text.split(|c: char| !c.is_ascii_uppercase() && c != '-');
        words
            .rfind(|word| {
                let groups: Vec<_> = word.split('-').map(str::len).collect();
                groups == lengths
            })
            .map(str::to_owned)
    })
    .await
}

/// The same command under a umask that hides nothing.
pub(crate) fn careless(command: &Command) -> Command {
    let mut loose = Command::new("sh");
    loose.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    loose.arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            loose.env(name, value);
        }
    }
    if let Some(dir) = command.get_current_dir() {
        loose.current_dir(dir);
    }
    loose
}
