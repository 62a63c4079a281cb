//! What a page about a tool says that its brand file and its help decide.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::{Arg, Command};
use hallpass_cli::Exit;
use hallpass_core::brand::{Brand, Format, SourceKind};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_testkit::tree;

/// What stands below this line is written by the test.
const MARK: &str =
    "<!-- Below this line: written by a test, from the brand file and the help texts. -->\n";

/// Where the tool's pages are.
const PAGES: &str = "docs/tools";

/// What is called otherwise only by brands that name it.
const EVERYWHERE: [&str; 6] = ["token", "server", "profile", "org", "project", "store"];

#[test]
fn the_pages_of_the_tools_are_what_their_brands_say() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for entry in std::fs::read_dir(tree::root().join("brands"))? {
        let file = entry?.path();
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if name == "hallpass" {
            continue;
        }
        let brand = Brand::parse(&std::fs::read_to_string(&file)?)?;
        let path = tree::root().join(format!("{PAGES}/{name}.md"));
        let page = std::fs::read_to_string(&path)
            .with_context(|| format!("{PAGES}/{name}.md: every tool has a page"))?;
        let written = page.split(MARK).next().unwrap_or_default().trim_end();
        let wanted = format!("{written}\n\n{MARK}{}", reference(&brand)?);
        if page != wanted {
            std::fs::write(&path, wanted)?;
            stale.push(name);
        }
    }
    anyhow::ensure!(
        stale.is_empty(),
        "{PAGES}: {stale:?} were stale; they are written anew: look at them and commit them"
    );
    Ok(())
}

/// What can stand in a table of a brand file, as its reader itself says it.
fn keys(table: &str) -> Vec<String> {
    let text = if table.is_empty() { "zz = 1".to_owned() } else { format!("[{table}]\nzz = 1") };
    let error = toml::from_str::<Brand>(&text).expect_err("there is no such key");
    error.message().split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

// proves: HP17
#[test]
fn every_key_of_a_brand_is_explained() -> anyhow::Result<()> {
    let page = std::fs::read_to_string(tree::root().join("docs/brands.md"))?;
    let told =
        |key: &str| ["`", " `", "`."].iter().any(|end| page.contains(&format!("`{key}{end}")));
    let tables = [
        "look",
        "user_code",
        "tokens",
        "vault",
        "keys",
        "sources",
        "login",
        "logout",
        "status",
        "config",
        "pages",
        "words",
        "roles",
    ];
    let mut missing = Vec::new();
    for key in keys("").iter().filter(|key| !tables.contains(&key.as_str())) {
        let named = ["texts", "failures", "exits", "calls", "help"].contains(&key.as_str());
        if !(told(key) || named && page.contains(&format!("`{key}."))) {
            missing.push(key.clone());
        }
    }
    for table in tables {
        let keys = keys(table).into_iter().map(|key| format!("{table}.{key}"));
        missing.extend(keys.filter(|key| !told(key)));
    }
    for table in ["texts", "calls.x"] {
        let words = keys(table).into_iter().filter(|key| !told(key));
        missing.extend(words.map(|key| format!("{table}.{key}")));
    }
    anyhow::ensure!(missing.is_empty(), "docs/brands.md does not explain {missing:?}");
    Ok(())
}

fn reference(brand: &Brand) -> anyhow::Result<String> {
    let mut page = String::new();
    commands(brand, &mut page)?;
    if is_for_agents(brand) {
        agents(brand, &mut page)?;
        exits(brand, &mut page)?;
        return Ok(page);
    }
    sources(brand, &mut page)?;
    kept(brand, &mut page)?;
    exits(brand, &mut page)?;
    server(brand, &mut page)?;
    Ok(page)
}

fn commands(brand: &Brand, page: &mut String) -> anyhow::Result<()> {
    page.push_str(
        "\n## Every command\n\n| command | what it does | its options |\n|---|---|---|\n",
    );
    for (name, command) in leaves(&brand.name, &hallpass_cli::command(brand)) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let positional = command.get_positionals().filter(|arg| !arg.is_hide_set()).map(argument);
        let line: Vec<String> = std::iter::once(name).chain(positional).collect();
        let options = command.get_opts().chain(command.get_arguments().filter(|a| is_switch(a)));
        let mut options: Vec<String> = options.filter(|arg| is_its_own(arg)).map(option).collect();
        options.sort();
        options.dedup();
        writeln!(page, "| `{}` | {about} | {} |", line.join(" "), options.join(" "))?;
    }
    writeln!(page, "\n`{} COMMAND --help` says what each option means.", brand.name)?;
    Ok(())
}

/// A tool that is used inside an agent has no sign-in of a person's, and nothing to keep.
fn is_for_agents(brand: &Brand) -> bool {
    let agents = |verb: &String| verb.starts_with("agent ") || verb == "completions";
    !brand.commands.is_empty() && brand.commands.values().all(agents)
}

fn agents(brand: &Brand, page: &mut String) -> anyhow::Result<()> {
    let token = brand.variable("AUTH_TOKEN");
    writeln!(
        page,
        "\n## Which credential counts\n\nThe one in the file that `{token}_FILE` names, which is \
         renewed while the agent runs, else the one in `{token}`; nothing else is looked at. `{}` says \
         where the server is.",
        brand.variable("SERVER")
    )?;
    Ok(())
}

/// The commands that do something, by everything that is typed to get there.
fn leaves(name: &str, command: &Command) -> Vec<(String, Command)> {
    let below = command.get_subcommands().filter(|command| !command.is_hide_set());
    let below: Vec<_> = below
        .flat_map(|command| leaves(&format!("{name} {}", command.get_name()), command))
        .collect();
    if below.is_empty() { vec![(name.to_owned(), command.clone())] } else { below }
}

fn argument(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let shown = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    if arg.is_required_set() { shown } else { format!("[{shown}]") }
}

fn is_switch(arg: &Arg) -> bool {
    arg.get_long().is_some() && !arg.get_action().takes_values()
}

fn is_its_own(arg: &Arg) -> bool {
    let named = arg.get_long().is_some_and(|long| !["help", "version"].contains(&long));
    named && !arg.is_hide_set() && !arg.is_global_set()
}

fn option(arg: &Arg) -> String {
    let name = arg.get_long().unwrap_or_default();
    if !arg.get_action().takes_values() {
        return format!("`--{name}`");
    }
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    // A bar ends a cell, in code too.
    format!("`--{name} {}`", value.replace('|', "\\|"))
}

fn sources(brand: &Brand, page: &mut String) -> anyhow::Result<()> {
    page.push_str("\n## Which credential counts\n\nThe first of these that there is:\n\n");
    let flag =
        brand.sources.flag.iter().map(|flag| {
            format!("`--{flag} VALUE`, with a warning: other programs see a command line")
        });
    let order = brand.sources.order.iter().map(|source| match source {
        SourceKind::Variable => format!("the variable `{}`", brand.variable("TOKEN")),
        SourceKind::Workload => "what the platform of a CI job gives it".to_owned(),
        SourceKind::Profile => "the sign-in that is stored".to_owned(),
    });
    for (number, line) in flag.chain(order).enumerate() {
        writeln!(page, "{}. {line}", number + 1)?;
    }
    page.push_str("\n## Variables\n\nAn empty one is an unset one.\n\n| variable | what it says |\n|---|---|\n");
    let more = brand.variables.keys().map(String::as_str);
    let more = more.filter(|name| !EVERYWHERE.contains(name));
    for name in EVERYWHERE.into_iter().chain(more) {
        writeln!(page, "| `{}` | {} |", brand.variable(&name.to_uppercase()), says(name))?;
    }
    Ok(())
}

fn says(variable: &str) -> &'static str {
    match variable {
        "token" => "the token itself; nothing is stored, and no browser opens",
        "auth_token" => "the token of the agent that runs this",
        "server" => "the server's address",
        "profile" => "which of several stored accounts",
        "org" => "the organization that commands are about",
        "project" => "the project that they are about",
        "store" => "where sign-ins are kept: `auto`, `keyring`, `file` or `none`",
        "noninteractive" => "that nobody is there to be asked",
        "keyring_timeout" => "for how many seconds the keyring may stay silent",
        "mode" => {
            "`clerk`, or `local` where the server needs no sign-in; unset: the server is asked"
        }
        "issuer" => "the OpenID provider to sign in at, in place of the server's",
        "client_id" => "the client that this is at that provider",
        "audience" => "whom the provider's tokens have to be for",
        _ => "",
    }
}

fn kept(brand: &Brand, page: &mut String) -> anyhow::Result<()> {
    let vault = &brand.vault;
    let dir = match &vault.dir {
        Some(dir) => format!("~/{dir}"),
        None => format!("~/.config/{}", brand.config_dir),
    };
    let file = vault.file.as_deref().unwrap_or("credentials.json");
    let service = vault.service.as_ref().unwrap_or(&brand.config_dir);
    page.push_str("\n## Where it is kept\n\n| | |\n|---|---|\n");
    writeln!(page, "| file | `{dir}/{file}`, readable by you only (0600) |")?;
    let format = match vault.format {
        Format::Own => "profiles and their sign-ins, sealed with a key from the keyring".to_owned(),
        Format::Token => "the token, and nothing else".to_owned(),
        Format::Fields => {
            let names: Vec<_> = vault.fields.keys().map(|name| format!("`{name}`")).collect();
            format!("JSON with the members {}", names.join(", "))
        }
    };
    writeln!(page, "| what is in it | {format} |")?;
    writeln!(page, "| keyring | entries of the service `{service}` |")?;
    if vault.refresh_in_keyring {
        writeln!(page, "| refresh token | in the keyring itself, never in a file |")?;
    }
    let without = match (vault.refresh_in_keyring, vault.file_without_question) {
        (true, _) => "no sign-in is kept; a token in the variable works",
        (false, true) => "the file, plain; nobody is asked",
        (false, false) => "the file, plain, once somebody has said that it may be",
    };
    writeln!(page, "| without a keyring | {without} |")?;
    Ok(())
}

fn exits(brand: &Brand, page: &mut String) -> anyhow::Result<()> {
    let known = [
        (Exit::Usable, "it worked; for `status`: there is a usable credential"),
        (Exit::Other, "something else went wrong"),
        (Exit::Usage, "the command line cannot be understood, or cannot be done like that"),
        (Exit::NotSignedIn, "nobody is signed in"),
        (Exit::Rejected, "the server refused the credential"),
        (Exit::CannotVerify, "the server could not be asked; nothing that is stored was changed"),
        (Exit::LoginEnded, "the sign-in was denied, or ran out"),
        (Exit::StoreUnavailable, "the store of credentials cannot be used"),
        (Exit::Interrupted, "stopped with Ctrl-C"),
    ];
    page.push_str("\n## Exit codes\n\n| code | means |\n|---|---|\n");
    for (exit, means) in known {
        let code = brand.exits.get(exit.name()).copied().unwrap_or(exit.code());
        writeln!(page, "| {code} | {means} |")?;
    }
    let own =
        brand.exits.iter().filter(|(state, _)| known.iter().all(|(e, _)| e.name() != **state));
    for (state, code) in own {
        writeln!(page, "| {code} | in the state `{state}` |")?;
    }
    Ok(())
}

fn server(brand: &Brand, page: &mut String) -> anyhow::Result<()> {
    writeln!(
        page,
        "\n## The server\n\n`hallpass serve --brand-file {}.toml` has its names, colours and roles. \
         Tokens that people make begin with `{}`{}.\n",
        brand.name,
        brand.tokens.prefix,
        match &brand.keys.prefix {
            Some(prefix) => format!(", keys with `{prefix}`"),
            None => String::new(),
        }
    )?;
    for (address, page_of_ours) in &brand.pages.aliases {
        writeln!(page, "- `{address}` is the page at `{page_of_ours}`")?;
    }
    if !brand.pages.aliases.is_empty() {
        page.push('\n');
    }
    page.push_str("| role | may |\n|---|---|\n");
    let roles = &brand.roles;
    for role in [OrgRole::Owner, OrgRole::Admin, OrgRole::Member] {
        let may = roles.of_org(role).iter().map(|may| format!("`{may}`")).collect::<Vec<_>>();
        writeln!(page, "| {} of an organization | {} |", role.as_str(), may.join(", "))?;
    }
    for role in [ProjectRole::Owner, ProjectRole::Collaborator, ProjectRole::Viewer] {
        let may = roles.of_project(role).iter().map(|may| format!("`{may}`")).collect::<Vec<_>>();
        writeln!(page, "| {} of a {} | {} |", role.as_str(), brand.words.project, may.join(", "))?;
    }
    Ok(())
}
