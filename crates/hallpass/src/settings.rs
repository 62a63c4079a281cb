//! The server's settings as flags: one for each line of [`SETTINGS`].

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use hallpass_core::brand::Mode;
use hallpass_server::config::{ConfigError, Layers, SETTINGS, Setting, VARIABLE_PREFIX};

use crate::{brand, system};

/// Flags for those settings that `wanted` lets through, and `--config`.
pub(crate) fn flags(wanted: impl Fn(&Setting) -> bool) -> Vec<Arg> {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help_heading("Where")
        .help(format!("A TOML file with settings [or ${VARIABLE_PREFIX}CONFIG]"));
    let settings = SETTINGS.iter().filter(|setting| wanted(setting)).map(flag);
    settings.chain([config]).collect()
}

fn flag(setting: &Setting) -> Arg {
    let default = match setting.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let arg = Arg::new(setting.name)
        .long(setting.name.replace('_', "-"))
        .value_name(setting.value)
        .help_heading(setting.group)
        .action(if setting.list { ArgAction::Append } else { ArgAction::Set })
        .help(format!("{}{default}", setting.help.trim()));
    // A switch need not say that it is on.
    match setting.value {
        "BOOL" => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => arg,
    }
}

/// All layers: flags, then variables, then the file that a flag or a variable names.
pub(crate) fn layers(matches: &ArgMatches) -> Result<Layers, ConfigError> {
    let mut layers = Layers::default();
    // The tool that this program is, is the server's too, unless a flag of its own says another.
    let brand = matches.get_one::<PathBuf>(crate::brand::FLAG);
    let own = matches.try_get_one::<String>("brand_file").ok().flatten();
    let branded = brand.filter(|_| own.is_none()).map(|file| file.display().to_string());
    layers.flags(branded.map(|file| ("brand_file".to_owned(), file)));
    layers.flags(SETTINGS.iter().filter_map(|setting| {
        let values = matches.try_get_many::<String>(setting.name).ok().flatten()?;
        let text = values.map(String::as_str).collect::<Vec<_>>().join(",");
        Some((setting.name.to_owned(), text))
    }));
    let variables = system::server_variables();
    let named = variables
        .iter()
        .find(|(name, value)| name == &format!("{VARIABLE_PREFIX}CONFIG") && !value.is_empty())
        .map(|(_, path)| PathBuf::from(path));
    layers.variables(variables);
    let file = matches.get_one::<PathBuf>("config").cloned().or(named);
    if let Some(file) = file.as_deref().map(Path::new) {
        layers.file(file)?;
    }
    of_brand(&mut layers);
    Ok(layers)
}

/// What the brand's own variables say about who signs in: with them, and a restart, a tool's
/// server goes over to a provider elsewhere. A file counts less, as it does for every variable.
fn of_brand(layers: &mut Layers) {
    // What is wrong with the file is said when it is used.
    let Some(brand) = layers.text("brand_file").and_then(|path| brand::read(Path::new(path)).ok())
    else {
        return;
    };
    for (name, setting) in
        [("mode", "local"), ("issuer", "outside_issuer"), ("client_id", "outside_client_id")]
    {
        let Some(variable) = brand.variables.get(name) else { continue };
        let Some(text) = system::variable(variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        let text = match (name, text.parse::<Mode>()) {
            ("mode", Ok(mode)) => (mode == Mode::Local).to_string(),
            _ => text,
        };
        layers.variable(variable, setting, text);
    }
}
