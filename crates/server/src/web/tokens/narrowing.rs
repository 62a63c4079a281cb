//! Allowing a token less than its owner may: what the form offers, and what came back.

use hallpass_core::brand::Brand;
use hallpass_core::permission::PermissionTable;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::scope::{ACCOUNT, Scope, TOKENS};
use hallpass_core::wire::params::Params;
use hallpass_core::wire::tokens::Project;

use super::super::setup::sentence;
use super::super::shown::Shown;

/// More projects than this are typed, not ticked.
pub(super) const TICKABLE: usize = 24;
const PROJECT: &str = "project:";
const SCOPE: &str = "scope:";

/// The choices.
#[derive(Clone, Debug)]
pub(super) struct Narrowing {
    /// Something was chosen, so it is to be seen.
    pub(super) open: bool,
    pub(super) may_make_tokens: bool,
    pub(super) projects: Vec<Choice>,
    /// There are too many projects to tick.
    pub(super) type_projects: bool,
    pub(super) projects_typed: Shown,
    pub(super) scopes: Vec<Choice>,
}

/// One thing that can be ticked.
#[derive(Clone, Debug)]
pub(in crate::web) struct Choice {
    /// The name of its field. Each has its own: no parameter appears twice.
    pub(in crate::web) field: String,
    pub(in crate::web) name: Shown,
    pub(in crate::web) meaning: Option<Shown>,
    pub(in crate::web) chosen: bool,
}

impl Narrowing {
    /// What a person who is in these projects may choose from; as filled in in `form`.
    pub(super) fn of(brand: &Brand, projects: &[Project], form: &Params) -> Self {
        let type_projects = projects.len() > TICKABLE;
        let chosen = |field: &str| form.get(field).is_some();
        let projects: Vec<_> = projects
            .iter()
            .take(if type_projects { 0 } else { TICKABLE })
            .map(|project| {
                let path = format!("{}/{}", project.org, project.slug);
                let field = format!("{PROJECT}{path}");
                let meaning = Shown::some(Some(&project.name))
                    .filter(|name| !name.as_str().eq_ignore_ascii_case(&project.slug));
                Choice { chosen: chosen(&field), field, name: Shown::new(&path), meaning }
            })
            .collect();
        let scopes: Vec<_> = offered(brand)
            .into_iter()
            .map(|name| {
                let field = format!("{SCOPE}{name}");
                let meaning = Shown::long(Some(&meaning(&brand.roles, &name)));
                Choice { chosen: chosen(&field), field, name: Shown::new(&name), meaning }
            })
            .collect();
        let projects_typed = Shown::typed(form.get("projects").unwrap_or_default());
        let open = !projects_typed.is_empty()
            || projects.iter().chain(&scopes).any(|choice| choice.chosen);
        let may_make_tokens = brand.tokens.may_make_tokens;
        Self { open, may_make_tokens, projects, type_projects, projects_typed, scopes }
    }
}

/// The permissions, and then what is about the account.
fn offered(brand: &Brand) -> Vec<String> {
    let account = [ACCOUNT, TOKENS].map(str::to_owned);
    brand.roles.all().into_iter().chain(account).collect()
}

/// What a form narrows to: scope and projects.
pub(super) fn read(brand: &Brand, form: &Params) -> (Option<Scope>, Vec<String>) {
    // Only what was offered; whoever invents fields has no more by it.
    let offered = offered(brand);
    let scope: Scope = form
        .iter()
        .filter_map(|(field, _)| field.strip_prefix(SCOPE))
        .filter(|name| offered.iter().any(|known| known == name))
        .collect();
    let ticked = form.iter().filter_map(|(field, _)| field.strip_prefix(PROJECT));
    let separator = |c: char| c.is_whitespace() || c == ',';
    let typed = form.get("projects").unwrap_or_default().split(separator);
    let projects = ticked.chain(typed).filter(|path| !path.is_empty());
    (Some(scope).filter(|scope| !scope.is_empty()), projects.map(str::to_owned).collect())
}

/// What a scope allows, in a sentence.
pub(in crate::web) fn meaning(table: &PermissionTable, name: &str) -> String {
    let known = match name {
        ACCOUNT => "See who you are and where you are signed in, and end sign-ins.",
        TOKENS => "Make, change and revoke your tokens.",
        "org:read" => "See organizations and who is in them.",
        "org:manage" => "Change organizations, and end them.",
        "billing:manage" => "See and change what organizations pay.",
        "projects:create" => "Make projects.",
        "members:manage" => "Add and remove members, and change their roles.",
        "keys:manage" => "Make, rotate and revoke keys of organizations and projects.",
        "project:read" => "Read in projects.",
        "project:publish" => "Publish in projects.",
        "tokens:manage" => "See and revoke the tokens of projects.",
        "settings:manage" => "Change the settings of projects.",
        _ => return by_role(table, name),
    };
    known.to_owned()
}

/// A brand's own permissions are words of its own: `runs:create` is "Create runs". Who has them is what
/// we know besides.
fn by_role(table: &PermissionTable, name: &str) -> String {
    let of_project = [
        (ProjectRole::Viewer, "everybody in a project"),
        (ProjectRole::Collaborator, "collaborators and owners of a project"),
        (ProjectRole::Owner, "owners of a project"),
    ];
    let of_org = [
        (OrgRole::Member, "everybody in an organization"),
        (OrgRole::Admin, "admins and owners of an organization"),
        (OrgRole::Owner, "owners of an organization"),
    ];
    let in_project = of_project.iter().find(|(role, _)| table.of_project(*role).contains(name));
    let in_org = of_org.iter().find(|(role, _)| table.of_org(*role).contains(name));
    let who: Vec<_> =
        in_project.map(|(_, who)| *who).into_iter().chain(in_org.map(|(_, who)| *who)).collect();
    let who = who.join(", or ");
    match name.split_once(':') {
        Some((noun, verb)) => {
            let [noun, verb] = [noun, verb].map(|word| word.replace(['-', '_', ':'], " "));
            sentence(&format!("{verb} {noun}, as {who} may"))
        }
        None => format!("What {who} may do under this name."),
    }
}

/// What a token may do, for the list.
pub(super) fn summary(
    brand: &Brand,
    you: &str,
    scope: Option<&Scope>,
    projects: &[String],
) -> Shown {
    let what = match scope {
        None if brand.tokens.may_make_tokens => format!("everything that {you} may do"),
        None => format!("everything that {you} may do, except make tokens"),
        Some(scope) => format!("only {}", listed(scope.iter().map(str::to_owned).collect())),
    };
    let place = match projects {
        [] => String::new(),
        some => format!(", in {} alone", listed(some.to_vec())),
    };
    Shown::typed(&format!("{what}{place}"))
}

/// `a, b and 3 more`.
fn listed(words: Vec<String>) -> String {
    const NAMED: usize = 3;
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] if words.len() <= NAMED + 1 => {
            format!("{} and {last}", first.join(", "))
        }
        many => format!("{} and {} more", many[..NAMED].join(", "), many.len() - NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(org: &str, slug: &str) -> Project {
        Project {
            id: "prj_1".to_owned(),
            org: org.to_owned(),
            slug: slug.to_owned(),
            name: "Genomes".to_owned(),
            role: None,
            archived_at: None,
        }
    }

    fn form(query: &str) -> Params {
        Params::parse(query.as_bytes()).expect("a form")
    }

    #[test]
    fn without_a_tick_nothing_is_narrowed() {
        let brand = Brand::hallpass();
        assert_eq!(read(&brand, &form("name=ci")), (None, vec![]));
        assert!(!Narrowing::of(&brand, &[project("acme", "genome")], &form("")).open);
    }

    #[test]
    fn what_was_ticked_comes_back_and_stays_ticked() {
        let brand = Brand::hallpass();
        let sent = form("scope:project:read=yes&project:acme/genome=yes&scope:invented=yes");
        let (scope, projects) = read(&brand, &sent);
        assert_eq!(scope.expect("narrowed").to_string(), "project:read");
        assert_eq!(projects, ["acme/genome"]);
        let again = Narrowing::of(&brand, &[project("acme", "genome")], &sent);
        let chosen: Vec<_> = again.scopes.iter().filter(|scope| scope.chosen).collect();
        assert!(again.open && again.projects[0].chosen);
        assert!(chosen.len() == 1 && chosen[0].name.as_str() == "project:read");
    }

    #[test]
    fn of_many_projects_some_are_typed() {
        let brand = Brand::hallpass();
        let many: Vec<_> = (0..100).map(|n| project("acme", &format!("p{n}"))).collect();
        let sent = form("projects=acme/p1,+acme/p2");
        let narrowing = Narrowing::of(&brand, &many, &sent);
        assert!(narrowing.type_projects && narrowing.projects.is_empty() && narrowing.open);
        assert_eq!(read(&brand, &sent).1, ["acme/p1", "acme/p2"]);
    }

    #[test]
    fn every_scope_has_a_sentence() {
        let brand = Brand::hallpass();
        for name in offered(&brand) {
            let said = meaning(&brand.roles, &name);
            assert!(said.ends_with('.') && !said.starts_with("What "), "{name}: {said}");
        }
        let mut table = PermissionTable::default();
        table.project.collaborator.insert("runs:create".to_owned());
        let said = meaning(&table, "runs:create");
        assert_eq!(said, "Create runs, as collaborators and owners of a project may.");
    }

    #[test]
    fn what_it_may_do_is_said_in_a_line() {
        let brand = Brand::hallpass();
        let say = |scope: Option<&str>, projects: &[&str]| {
            let scope: Option<Scope> = scope.map(|text| text.parse().expect("a scope"));
            let projects: Vec<_> = projects.iter().map(|path| (*path).to_owned()).collect();
            summary(&brand, "you", scope.as_ref(), &projects).to_string()
        };
        assert_eq!(say(None, &[]), "everything that you may do, except make tokens");
        assert_eq!(say(Some("a b"), &["o/p"]), "only a and b, in o/p alone");
        assert_eq!(say(Some("a b c d e"), &[]), "only a, b, c and 2 more");
    }
}
