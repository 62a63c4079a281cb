//! The layers: flags, variables, one TOML file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::settings::SETTINGS;
use super::value::Value;

/// What every variable of the server begins with.
pub const VARIABLE_PREFIX: &str = "HALLPASS_SERVER_";
/// More than any configuration needs.
const MAX_FILE_LEN: u64 = 256 * 1024;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Flag,
    Variable,
    /// A variable that a brand names.
    Named(String),
    File {
        path: PathBuf,
        line: usize,
    },
}

/// Values as given, the strongest layer of each setting.
#[derive(Clone, Default)]
pub struct Layers {
    given: BTreeMap<&'static str, (String, Place)>,
    /// What was wrong while reading; told with everything else that is wrong.
    complaints: Vec<Complaint>,
}

/// One thing that is wrong, where it is, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint(String);

impl Complaint {
    /// One line, whatever the file or the variable had in it: a terminal shows this.
    fn new(what: &str) -> Self {
        Self(hallpass_core::text::presentable(what, 400))
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// One line for each thing that is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Complaints(Vec<Complaint>),
}

impl Layers {
    /// Adds the flags: `(name, text)` by setting name. Call it first.
    pub fn flags(&mut self, flags: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in flags {
            if let Some(name) = known(&name) {
                self.offer(name, text, Place::Flag);
            }
        }
    }

    /// Adds the variables that begin with [`VARIABLE_PREFIX`]; others are passed over.
    pub fn variables(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (variable, text) in variables {
            let Some(suffix) = variable.strip_prefix(VARIABLE_PREFIX) else { continue };
            let name = suffix.to_ascii_lowercase();
            if text.is_empty() || name == "config" || is_service_link(suffix) {
                continue;
            }
            match known(&name) {
                Some(name) if suffix == name.to_ascii_uppercase() => {
                    self.offer(name, text, Place::Variable);
                }
                _ => {
                    let right =
                        |right: &str| format!("{VARIABLE_PREFIX}{}", right.to_ascii_uppercase());
                    let hint = hint(&name, right);
                    self.complain(format!("there is no variable {variable}{hint}"));
                }
            }
        }
    }

    /// Adds one variable of another name, which counts less than those of ours and more than the
    /// file. Call it last.
    pub fn variable(&mut self, variable: &str, setting: &str, text: String) {
        let Some(name) = known(setting) else { return };
        let stronger = self.given.get(name);
        if stronger.is_none_or(|(_, place)| matches!(place, Place::File { .. })) {
            self.given.insert(name, (text, Place::Named(variable.to_owned())));
        }
    }

    /// What is given for a setting, as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|(text, _)| text.as_str()).filter(|text| !text.is_empty())
    }

    /// Adds a TOML file.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |why| ConfigError::Unreadable { path: path.to_owned(), why };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > MAX_FILE_LEN {
            return Err(unreadable(std::io::Error::other("it is too large to be one")));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        self.toml(path, &text);
        Ok(())
    }

    /// Adds the text of a TOML file; `path` is for complaints only.
    pub fn toml(&mut self, path: &Path, text: &str) {
        let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let place = |at: usize| format!("{} line {}", path.display(), line_of(at));
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                return self.complain(format!("{}: {}", place(at), error.message().trim()));
            }
        };
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            let Some(name) = known(key.get_ref()) else {
                let shown = hallpass_core::text::presentable(key.get_ref(), 60);
                let hint = hint(key.get_ref(), str::to_owned);
                self.complain(format!("{}: there is no setting {shown}{hint}", place(at)));
                continue;
            };
            match as_text(value.get_ref()) {
                Some(text) => {
                    let line = line_of(at);
                    self.offer(name, text, Place::File { path: path.to_owned(), line });
                }
                None => self.complain(format!(
                    "{}: {name} must be a text, a whole number or a list of texts",
                    place(at)
                )),
            }
        }
    }

    /// Whether a flag gave this setting.
    pub fn is_flag(&self, name: &str) -> bool {
        matches!(self.given.get(name), Some((_, Place::Flag)))
    }

    /// A stronger layer was offered earlier and stands.
    fn offer(&mut self, name: &'static str, text: String, place: Place) {
        self.given.entry(name).or_insert((text, place));
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(Complaint::new(&what));
    }

    /// What was wrong while reading.
    pub(super) fn complaints(&self) -> Vec<Complaint> {
        self.complaints.clone()
    }

    /// Reads one setting, or its default.
    pub(super) fn read<T: Value>(
        &self,
        name: &'static str,
        default: &str,
        complaints: &mut Vec<Complaint>,
    ) -> Option<T> {
        let given = self.given.get(name).filter(|(text, _)| !text.is_empty());
        let text = given.map_or(default, |(text, _)| text.as_str());
        if text.is_empty() {
            return T::absent();
        }
        T::read(text)
            .map_err(|why| {
                let place = match given.map(|(_, place)| place) {
                    Some(Place::Flag) => format!("--{}", name.replace('_', "-")),
                    Some(Place::Named(variable)) => variable.clone(),
                    Some(Place::Variable) => {
                        format!("{VARIABLE_PREFIX}{}", name.to_ascii_uppercase())
                    }
                    Some(Place::File { path, line }) => {
                        format!("{} line {line}: {name}", path.display())
                    }
                    None => name.to_owned(),
                };
                complaints.push(Complaint::new(&format!("{place}: {why}")));
            })
            .ok()
    }
}

impl fmt::Debug for Layers {
    /// Names only: a value may be a database URL with a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.given.iter().map(|(name, (_, place))| (name, place))).finish()
    }
}

fn known(name: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|setting| setting.name).find(|known| *known == name)
}

/// "; did you mean …?", if something is near.
fn hint(name: &str, right: impl Fn(&str) -> String) -> String {
    nearest(name).map(|near| format!("; did you mean {}?", right(near))).unwrap_or_default()
}

/// The setting that was probably meant.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SETTINGS
        .iter()
        .map(|setting| (strsim::jaro_winkler(setting.name, &name), setting.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Kubernetes sets variables such as `HALLPASS_SERVER_SERVICE_HOST` and
/// `HALLPASS_SERVER_PORT_8470_TCP` in every pod beside a service of that name.
fn is_service_link(suffix: &str) -> bool {
    suffix == "PORT"
        || ["PORT_", "SERVICE_HOST", "SERVICE_PORT"].iter().any(|p| suffix.starts_with(p))
}

fn as_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Array(items) => {
            let texts: Option<Vec<_>> = items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Some(text.to_string()),
                    _ => None,
                })
                .collect();
            Some(texts?.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Listen, Settings};

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    fn toml(text: &str) -> Result<Settings, ConfigError> {
        let mut layers = Layers::default();
        layers.toml(Path::new("hallpass.toml"), text);
        Settings::read(&layers)
    }

    #[test]
    fn flag_over_variable_over_file_over_default() {
        let mut layers = Layers::default();
        layers.flags(pairs(&[("access_token_ttl", "1m")]));
        layers.variables(pairs(&[
            ("HALLPASS_SERVER_ACCESS_TOKEN_TTL", "2m"),
            ("HALLPASS_SERVER_CODE_TTL", "20s"),
            ("HALLPASS_SERVER_DEVICE_TTL", ""),
            ("HALLPASS_SERVER_PORT_8470_TCP_ADDR", "10.0.0.1"),
            ("HALLPASS_SERVER", "https://elsewhere.example"),
            ("PATH", "/bin"),
        ]));
        layers.toml(
            Path::new("x"),
                "access_token_ttl='3m'\ncode_ttl='30s'\ndevice_ttl='9m'\nlisten=['[::1]:1', '127.0.0.1:2']\nmax_connections=7",
        );
        let settings = Settings::read(&layers).expect("settings");
        let secs = [settings.access_token_ttl, settings.code_ttl, settings.device_ttl]
            .map(|d| d.as_secs());
        assert_eq!(secs, [60, 20, 540]);
        assert_eq!(settings.session_ttl.as_secs(), 14 * 86_400);
        assert_eq!(settings.max_connections, 7);
        assert_eq!(
            settings.listen.iter().map(|listen: &Listen| listen.port()).collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(layers.is_flag("access_token_ttl") && !layers.is_flag("code_ttl"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let complaint = |text: &str| toml(text).expect_err(text).to_string();
        assert_eq!(
            complaint("# hello\n\nacess_token_ttl = '5m'"),
            "hallpass.toml line 3: there is no setting acess_token_ttl; did you mean access_token_ttl?"
        );
        assert_eq!(
            complaint("access_token_ttl = 5"),
            "hallpass.toml line 1: access_token_ttl: \"5\" is not a duration; write a number and a unit: 90s, 5m, 12h, 30d or 1h30m"
        );
        assert!(complaint("\nlisten = 1.5").starts_with("hallpass.toml line 2: listen must be"));
        assert!(complaint("\n\nlisten = ").starts_with("hallpass.toml line 3: "));
        assert!(complaint("zzz = 1").ends_with("there is no setting zzz"));
        let all = complaint("code_ttl = 'x'\ndevice_ttl = 'y'\nlistn = 'z'");
        assert_eq!(all.lines().count(), 3, "{all}");

        let mut layers = Layers::default();
        layers.variables(pairs(&[("HALLPASS_SERVER_LISTN", "x")]));
        let wrong = Settings::read(&layers).expect_err("typo");
        assert_eq!(
            wrong.to_string(),
            "there is no variable HALLPASS_SERVER_LISTN; did you mean HALLPASS_SERVER_LISTEN?"
        );
    }

    #[test]
    fn a_password_is_in_no_message() {
        let mut layers = Layers::default();
        layers.flags(pairs(&[("database_url", "postgres://hush@db/x"), ("code_ttl", "x")]));
        assert!(!format!("{layers:?}").contains("hush"));
        assert!(!Settings::read(&layers).expect_err("code_ttl").to_string().contains("hush"));
    }

    proptest! {
        #[test]
        fn no_file_panics(text in "\\PC{0,200}") {
            let _ = toml(&text);
        }

        #[test]
        fn no_value_of_a_known_key_panics(
            which in 0..SETTINGS.len(),
            value in prop_oneof![
                "[0-9a-z:./,\\[\\]-]{0,20}".prop_map(|text| format!("{text:?}")),
                any::<i64>().prop_map(|number| number.to_string()),
                any::<f64>().prop_map(|number| format!("{number:?}")),
                any::<bool>().prop_map(|truth| truth.to_string()),
                Just("[[1], {a = 2}]".to_owned()),
                Just("2026-11-22".to_owned()),
                Just("{ a = 1 }".to_owned()),
            ],
        ) {
            let name = SETTINGS[which].name;
            let outcome = toml(&format!("{name} = {value}"));
            // Either it is a good value, or the complaint says where.
            if let Err(ConfigError::Complaints(complaints)) = outcome {
                prop_assert!(complaints.iter().all(|c| c.0.contains("hallpass.toml line 1")));
            }
        }

        #[test]
        fn an_unknown_key_is_always_refused(key in "[a-z_]{1,20}") {
            prop_assume!(known(&key).is_none());
            let line = format!("{key} = 'x'");
            prop_assert!(toml(&line).is_err());
        }
    }
}
