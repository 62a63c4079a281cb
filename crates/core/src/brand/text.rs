//! A brand's texts with what is known filled in, and our command lines as its tree spells them.

use super::{Argument, Brand, VERBS};

/// No verb of ours has more words.
const WORDS: usize = 3;

/// `text` with what stands in braces in the place of its name. A line that names something
/// that is not known is left out; where `||` parts it, the first part counts that is known.
/// A box keeps its edges, whatever stands in it.
pub fn filled(text: &str, facts: &[(&str, Option<String>)]) -> String {
    let line = |line: &str| match line.contains("||") {
        true => line.split("||").find_map(|part| known(part.trim_matches(' '), facts)),
        false => known(line, facts),
    };
    squared(text.lines().filter_map(line).collect()).join("\n")
}

/// The line, if everything that it names is known.
fn known(line: &str, facts: &[(&str, Option<String>)]) -> Option<String> {
    let mut said = line.to_owned();
    for (name, value) in facts {
        let braced = format!("{{{name}}}");
        if line.contains(&braced) {
            said = said.replace(&braced, value.as_ref()?);
        }
    }
    Some(said)
}

/// The lines of each box as wide as its widest.
fn squared(mut lines: Vec<String>) -> Vec<String> {
    for lines in lines.chunk_by_mut(|one, next| edge(one).is_some() == edge(next).is_some()) {
        let width = lines.iter().filter_map(|line| Some(least(line, edge(line)?))).max();
        for line in lines {
            if let (Some(edge), Some(width)) = (edge(line), width) {
                let inner = line.trim_end_matches(edge);
                let (inner, fill) = match edge {
                    '│' => (inner.trim_end_matches(' '), " "),
                    _ => (inner, "─"),
                };
                let more = width.saturating_sub(inner.chars().count() + 1);
                *line = format!("{inner}{}{edge}", fill.repeat(more));
            }
        }
    }
    lines
}

/// What a line of a box ends with.
fn edge(line: &str) -> Option<char> {
    let ends = [('┌', '┐'), ('╭', '╮'), ('├', '┤'), ('│', '│'), ('└', '┘'), ('╰', '╯')];
    let is = |(starts, ends): &(char, char)| line.starts_with(*starts) && line.ends_with(*ends);
    ends.into_iter().find(is).map(|(_, ends)| ends)
}

/// The least width of a line of a box: what is written, a blank if there was one, and the edge.
fn least(line: &str, edge: char) -> usize {
    let inner = line.trim_end_matches(edge);
    let blank = usize::from(edge == '│' && inner.ends_with(' '));
    match edge {
        '│' => inner.trim_end_matches(' ').chars().count() + blank + 1,
        _ => line.chars().count(),
    }
}

impl Brand {
    /// The place of a verb of ours in the tree, if it has another name there.
    pub fn place_of(&self, verb: &str) -> Option<&str> {
        self.commands.iter().find(|(_, placed)| *placed == verb).map(|(place, _)| place.as_str())
    }

    /// Whether a command line of ours, `agent run`, can be typed in this tree.
    pub fn has(&self, line: &str) -> bool {
        self.commands.is_empty() || self.leading_verb(line).is_some()
    }

    /// A command line of ours, `token create ci`, as somebody types it in this tool, if it can be
    /// typed there.
    pub fn line(&self, line: &str) -> Option<String> {
        self.has(line).then(|| self.spelt(&self.name, &format!("{} {line}", self.name)))
    }

    /// Whether a text of the brand's says what to type.
    pub fn names_a_command(&self, text: &str) -> bool {
        let places = self.commands.keys().chain(self.calls.keys());
        places.into_iter().any(|place| text.contains(&format!("{} {place}", self.name)))
    }

    /// Whether `command` is a command line of ours that this tree has no place for.
    pub fn lacks(&self, program: &str, command: &str) -> bool {
        let line = command.strip_prefix(program).and_then(|rest| rest.strip_prefix(' '));
        let Some(line) = line.map(|line| &line[leading_flags(line)..]) else { return false };
        let verb = line.split(' ').next().unwrap_or_default();
        let call = |place: &String| {
            line.strip_prefix(&**place).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        VERBS.contains(&verb) && !self.has(line) && !self.calls.keys().any(call)
    }

    /// The verb of ours that `line` begins with, with as many words as are placed as one.
    fn leading_verb<'t>(&self, line: &'t str) -> Option<(&'t str, &str)> {
        let end_of_word = |at: usize| {
            let no_word = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
            line[at..].find(no_word).map_or(line.len(), |length| at + length)
        };
        let mut end = end_of_word(0);
        let mut found = None;
        for _ in 0..WORDS {
            let verb = &line[..end];
            found = self.place_of(verb).map(|place| (verb, place)).or(found);
            if !line[end..].starts_with(' ') {
                break;
            }
            end = end_of_word(end + 1);
        }
        found
    }

    /// `text` with each command line of ours in it as this tree spells it: `tool login` is
    /// `tool auth login`.
    pub fn spelt(&self, program: &str, text: &str) -> String {
        if self.commands.is_empty() {
            return text.to_owned();
        }
        let start = format!("{program} ");
        let mut said = String::with_capacity(text.len() + 16);
        let mut rest = text;
        while let Some(at) = rest.find(&start) {
            let (before, line) = rest.split_at(at + start.len());
            said.push_str(before);
            let flags = leading_flags(line);
            said.push_str(&line[..flags]);
            rest = &line[flags..];
            // A verb of its own keeps a token, where there is one.
            let token = rest.strip_prefix("login --with-token").zip(self.place_of("login-token"));
            if let Some((left, place)) = token {
                said.push_str(place);
                rest = left;
            } else if let Some((verb, place)) = self.leading_verb(rest) {
                said.push_str(place);
                rest = &rest[verb.len()..];
                // Where `login` takes no address, a flag does.
                let word = rest.trim_start_matches(' ').split(' ').next().unwrap_or_default();
                let address = rest.starts_with(' ') && word.contains("://");
                if verb == "login" && address && self.login.argument != Argument::Server {
                    said.push_str(" --server");
                }
            }
        }
        said.push_str(rest);
        said
    }
}

/// How much of a command line is flags with their values, before the command.
fn leading_flags(line: &str) -> usize {
    let mut at = 0;
    while line[at..].starts_with("--") {
        // The flag, and its value.
        for _ in 0..2 {
            match line[at..].find(' ') {
                Some(blank) => at += blank + 1,
                None => return at,
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_filled_in_and_the_rest_left_out() {
        let facts = [("email", Some("ada@example.com".to_owned())), ("org", None)];
        let text = "Logged in as {email}\nOrg: {org}\nBye";
        assert_eq!(filled(text, &facts), "Logged in as ada@example.com\nBye");
        let parted = "{email} of {org} || {email}\n{org} || nobody's";
        assert_eq!(filled(parted, &facts), "ada@example.com\nnobody's");
    }

    #[test]
    fn a_box_keeps_its_edges() {
        let drawn = |code: &str, n: &str| {
            let facts = [("code", Some(code.to_owned())), ("n", Some(n.to_owned()))];
            let text = "Look:\n┌─ Code ───────────┐\n│                  │\n│ {code}           │\n\
                        │ after {n} s      │\n└──────────────────┘\nThere.";
            filled(text, &facts)
        };
        assert_eq!(
            drawn("BCD-FGH-JKL", "600"),
            "Look:\n┌─ Code ───────────┐\n│                  │\n│ BCD-FGH-JKL      │\n\
             │ after 600 s      │\n└──────────────────┘\nThere."
        );
        // What does not fit makes it wider.
        assert_eq!(
            drawn("https://id.example.com", "6"),
            "Look:\n┌─ Code ─────────────────┐\n│                        │\n\
             │ https://id.example.com │\n│ after 6 s              │\n\
             └────────────────────────┘\nThere."
        );
    }

    #[test]
    fn our_command_lines_are_spelt_as_the_tree_has_them() {
        let mut brand = Brand::hallpass();
        let spelt = |brand: &Brand, text: &str| brand.spelt("tool", text);
        assert_eq!(spelt(&brand, "tool login"), "tool login");
        brand.commands = [("auth login", "login"), ("hub token", "token"), ("token in", "logout")]
            .map(|(place, verb)| (place.to_owned(), verb.to_owned()))
            .into();
        for (ours, theirs) in [
            ("tool login", "tool auth login"),
            ("run tool token list, or tool login.", "run tool hub token list, or tool auth login."),
            (
                "tool --server http://x --profile p login",
                "tool --server http://x --profile p auth login",
            ),
            ("tool logout", "tool token in"),
            ("tool login https://x", "tool auth login https://x"),
            ("tool loginx tool --help", "tool loginx tool --help"),
        ] {
            assert_eq!(spelt(&brand, ours), theirs);
        }
        brand.commands.insert("hub agent run".into(), "agent run".into());
        brand.commands.insert("secret get".into(), "agent secret get".into());
        assert_eq!(spelt(&brand, "tool agent run -- CMD"), "tool hub agent run -- CMD");
        assert_eq!(spelt(&brand, "tool agent secret get X"), "tool secret get X");
        assert_eq!(spelt(&brand, "tool agent list"), "tool agent list");
        assert!(brand.has("agent run") && brand.has("token list") && !brand.has("agent list"));
        assert_eq!(
            brand.line("agent run -- CMD").as_deref(),
            Some("hallpass hub agent run -- CMD")
        );
        assert_eq!(brand.line("agent list"), None);
        let lacks = |command: &str| brand.lacks("tool", command);
        assert!(lacks("tool agent list") && lacks("tool --server http://x doctor"));
        assert!(!lacks("tool login") && !lacks("tool --help") && !lacks("unset X"));
        brand.commands.insert("auth token".into(), "login-token".into());
        assert_eq!(spelt(&brand, "tool login --with-token"), "tool auth token");
        brand.login.argument = Argument::None;
        assert_eq!(spelt(&brand, "tool login https://x"), "tool auth login --server https://x");
    }
}
