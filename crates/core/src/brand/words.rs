//! What a brand calls things, and its words in sentences of ours.

use serde::Deserialize;

use super::PARTS;

/// What things are called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    /// A project: `toolkit`.
    pub project: String,
    /// The button that leads to a new personal token, and its page.
    pub new_token: String,
    /// The button that leads to a new key, and its page.
    pub new_key: String,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            project: "project".to_owned(),
            new_token: "Make a token".to_owned(),
            new_key: "New key".to_owned(),
        }
    }
}

impl Words {
    /// What a project is called, at the beginning of a line.
    pub fn project_heading(&self) -> String {
        let mut letters = self.project.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    /// A sentence of ours with this brand's word for a project: `PROJECT` and `projects`, too.
    /// What stands in quotes, in an address, a flag, a permission or a command is no such word.
    pub fn worded(&self, text: &str) -> String {
        let ours = Self::default().project;
        if self.project == ours {
            return text.to_owned();
        }
        let spellings = [
            ("project", self.project.clone()),
            ("Project", self.project_heading()),
            ("PROJECT", self.project.to_ascii_uppercase()),
        ];
        let mut said = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(letter) = text[at..].chars().next() {
            let (before, rest) = text.split_at(at);
            let found = spellings.iter().find_map(|(ours, theirs)| {
                let after = rest.strip_prefix(ours)?;
                is_a_word(before, ours, after).then_some((ours.len(), &**theirs))
            });
            match found {
                Some((length, theirs)) => {
                    said.push_str(theirs);
                    at += length;
                }
                None => {
                    said.push(letter);
                    at += letter.len_utf8();
                }
            }
        }
        said
    }
}

/// Whether `ours` stands there as a word of a sentence.
fn is_a_word(before: &str, ours: &str, after: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "-_=$}".contains(c);
    // `ORG/PROJECT` is a place to be filled in, `/project` an address.
    let address = |c: char| "/.:@".contains(c);
    let begins = before
        .chars()
        .next_back()
        .is_none_or(|c| !part(c) && (!address(c) || (c == '/' && ours == "PROJECT")));
    let after = after.strip_prefix('s').unwrap_or(after);
    let mut next = after.chars();
    let ends = next.next().is_none_or(|c| {
        !part(c) && c != '/' && (!address(c) || next.next().is_none_or(|c| !part(c)))
    });
    begins && ends && !is_quoted(before) && !is_a_command(before, after)
}

/// Whether what follows is quoted: somebody's own words, or what they are to type.
fn is_quoted(before: &str) -> bool {
    let open = |quote: char| before.matches(quote).count() % 2 == 1;
    let curly = before.rfind('“').is_some_and(|at| !before[at..].contains('”'));
    open('"') || open('`') || curly
}

/// Whether it is the verb of ours: `tool project create`.
fn is_a_command(before: &str, after: &str) -> bool {
    let parts = PARTS.iter().find(|(verb, _)| *verb == "project").map_or(&[][..], |(_, it)| *it);
    let next = after.strip_prefix(' ').unwrap_or_default();
    let next = next.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
    before.ends_with(' ') && parts.contains(&next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_the_brands_word_and_what_is_no_word_of_it_stays() {
        let words = Words { project: "toolkit".to_owned(), ..Words::default() };
        for (ours, theirs) in [
            ("Make projects.", "Make toolkits."),
            ("Project", "Toolkit"),
            ("a project's keys: project by project", "a toolkit's keys: toolkit by toolkit"),
            ("a project is written ORG/PROJECT.", "a toolkit is written ORG/TOOLKIT."),
            ("[ORG/]PROJECT, or ORG[/PROJECT]", "[ORG/]TOOLKIT, or ORG[/TOOLKIT]"),
            ("project:read, projects:create", "project:read, projects:create"),
            ("--project ORG/PROJECT", "--project ORG/TOOLKIT"),
            ("$TOOL_PROJECT, {project}, ?project=x", "$TOOL_PROJECT, {project}, ?project=x"),
            ("/orgs/acme/projects/atlas, project-id", "/orgs/acme/projects/atlas, project-id"),
            ("see tool project list", "see tool project list"),
            (
                "no \"project\" and no “my project” in a project",
                "no \"project\" and no “my project” in a toolkit",
            ),
            ("projection, subproject", "projection, subproject"),
        ] {
            assert_eq!(words.worded(ours), theirs);
            assert_eq!(Words::default().worded(ours), ours);
        }
    }
}
