//! Who is heard about organization and project, and in which order.

use super::*;
use crate::client::Client;
use crate::testing::Town;

/// Somebody in a directory of hers.
struct There {
    environment: crate::testing::Table,
    home: PathBuf,
    dir: PathBuf,
}

impl Environment for There {
    fn raw_var(&self, name: &str) -> Option<String> {
        self.environment.raw_var(name)
    }
    fn home(&self) -> Option<PathBuf> {
        Some(self.home.clone())
    }
    fn working_dir(&self) -> Option<PathBuf> {
        Some(self.dir.clone())
    }
}

/// A client of `town`, in `dir` below her home.
fn client(town: &Town, dir: &str) -> Client {
    let home = town.home.path().to_owned();
    let dir = home.join(dir);
    std::fs::create_dir_all(&dir).unwrap();
    let environment = std::sync::Arc::new(There { environment: town.table.clone(), home, dir });
    Client::new(Parts { environment, ..town.parts() }, Selection::default())
}

fn write(town: &Town, path: &str, text: &str) {
    let path = town.home.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn asked(org: &str, project: &str) -> Asked {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Asked { org: some(org), project: some(project) }
}

/// `lab/tools`, and who chose each.
fn told(target: &Target) -> String {
    let part = |chosen: &Option<Chosen>| {
        chosen.as_ref().map_or("-".to_owned(), |c| format!("{} by {}", c.name, c.by.kind()))
    };
    format!("{}, {}", part(&target.org), part(&target.project))
}

// proves: RB12
#[test]
fn flag_then_variable_then_directory_then_profile() {
    // What each of them says: nothing, an organization, a project of the same or of
    // another organization, a project alone.
    const SAYS: [(&str, &str); 5] =
        [("", ""), ("lab", ""), ("lab", "tools"), ("other", "things"), ("", "alone")];
    for n in 0..SAYS.len().pow(4) {
        let pick = |level: u32| SAYS[n / SAYS.len().pow(level) % SAYS.len()];
        let levels = [pick(0), pick(1), pick(2), pick(3)];
        let kinds = ["flag", "variable", "directory", "profile"];
        // Said again, in the plainest words: the first organization; the first project that
        // is not of another organization than the one chosen above it.
        let org = levels.iter().position(|(org, _)| !org.is_empty());
        let project = levels.iter().enumerate().position(|(level, (own, project))| {
            let above = levels[..level].iter().find(|(org, _)| !org.is_empty());
            let foreign = above.is_some_and(|(org, _)| !own.is_empty() && own != org);
            !project.is_empty() && !foreign
        });
        let name = |found: Option<usize>,
                    which: fn(&(&'static str, &'static str)) -> &'static str| {
            found.map_or("-".to_owned(), |n| format!("{} by {}", which(&levels[n]), kinds[n]))
        };
        let expected = format!("{}, {}", name(org, |l| l.0), name(project, |l| l.1));

        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let by = |level: usize| match level {
            0 => Chooser::Flag,
            1 => Chooser::Variable { name: "V".into() },
            2 => Chooser::Directory { path: "D".into() },
            _ => Chooser::Profile { name: "P".into() },
        };
        let said = levels.iter().enumerate();
        let said = said.map(|(n, (org, project))| Said::new(by(n), some(org), some(project)));
        assert_eq!(told(&settle(said.map(Result::unwrap).collect())), expected, "{levels:?}");
    }
}

// proves: RB12
#[test]
fn everybody_is_asked() {
    let mut town = Town::new();
    town.sign_in();
    let kept = client(&town, "work").keep_target(&Kept::Project(Some("lab".into()), "old".into()));
    assert_eq!(kept.unwrap(), "default");
    let says =
        |town: &Town, dir: &str, asked: &Asked| told(&client(town, dir).target(asked).unwrap());
    let nothing = Asked::default();
    assert_eq!(says(&town, "work", &nothing), "lab by profile, old by profile");
    write(&town, "work/.hallpass.toml", "org = 'lab'\nproject = 'tools'\n");
    assert_eq!(says(&town, "work/deep/er", &nothing), "lab by directory, tools by directory");
    town.table.variables.insert("HALLPASS_PROJECT".into(), "lab/new".into());
    assert_eq!(says(&town, "work", &nothing), "lab by variable, new by variable");
    assert_eq!(says(&town, "work", &asked("other", "")), "other by flag, -");
    assert_eq!(says(&town, "work", &asked("", "x/y")), "x by flag, y by flag");
    // Empty is unset.
    town.table.variables.insert("HALLPASS_PROJECT".into(), String::new());
    assert_eq!(says(&town, "elsewhere", &nothing), "lab by profile, old by profile");
    // A token from outside opens no store.
    town.table.variables.insert("HALLPASS_TOKEN".into(), "hp_x".into());
    assert_eq!(says(&town, "elsewhere", &nothing), "-, -");
}

#[test]
fn a_contradiction_is_refused_and_a_bad_name_is_not_sent_anywhere() {
    let town = Town::new();
    let refused = |asked: &Asked| client(&town, "work").target(asked).unwrap_err().to_string();
    assert!(refused(&asked("lab", "other/tools")).contains("a project of \"other\""));
    for bad in ["a/b/c", "../x", "a b", "-x", "/", "x/"] {
        assert!(refused(&asked("", bad)).contains("none is called like that"), "{bad}");
    }
}

#[test]
fn a_file_counts_at_its_own_server_and_inside_its_own_tree() {
    let town = Town::new();
    town.sign_in();
    let target = |dir: &str| client(&town, dir).target(&Asked::default()).unwrap();
    let server = &town.server.origin;
    write(&town, "work/.hallpass.toml", &format!("server = '{server}'\norg = 'lab'"));
    assert_eq!(told(&target("work")), "lab by directory, -");
    for (text, why) in [
        ("server = 'https://evil.example'\norg = 'lab'", "it is about https://evil.example"),
        ("server = 'ftp://x'\norg = 'lab'", "no address"),
        ("token = 'x'", "unknown field"),
        ("org = 'a b'", "none is called like that"),
    ] {
        write(&town, "work/.hallpass.toml", text);
        let found = target("work");
        assert_eq!(told(&found), "-, -", "{text}");
        assert!(found.ignored.as_ref().unwrap().contains(why), "{found:?}");
    }
    // A repository is where the search ends.
    write(&town, ".hallpass.toml", "org = 'home'");
    assert_eq!(told(&target("some/where")), "home by directory, -");
    write(&town, "some/.git/HEAD", "");
    assert_eq!(told(&target("some/where")), "-, -");
    // Outside of home and of a repository only the directory itself counts.
    let outside = tempfile::tempdir().unwrap();
    let deep = outside.path().join("deep");
    std::fs::create_dir(&deep).unwrap();
    std::fs::write(outside.path().join(".hallpass.toml"), "").unwrap();
    assert_eq!(find(&deep, Some(town.home.path()), ".hallpass.toml"), None);
    assert!(find(outside.path(), Some(town.home.path()), ".hallpass.toml").is_some());
    // A link may lead anywhere.
    std::os::unix::fs::symlink(outside.path().join(".hallpass.toml"), deep.join("l.toml")).unwrap();
    assert_eq!(find(&deep, None, "l.toml"), None);
}

#[test]
fn what_is_kept_goes_with_the_organization() {
    let town = Town::new();
    let client = client(&town, "work");
    assert!(matches!(client.keep_target(&Kept::Nothing), Err(Error::NotSignedIn { .. })));
    town.sign_in();
    let says = |kept: Kept| {
        client.keep_target(&kept).unwrap();
        told(&client.target(&Asked::default()).unwrap())
    };
    let project =
        |org: Option<&str>, name: &str| Kept::Project(org.map(str::to_owned), name.to_owned());
    assert_eq!(says(project(Some("lab"), "tools")), "lab by profile, tools by profile");
    assert_eq!(says(Kept::Org("lab".into())), "lab by profile, tools by profile");
    assert_eq!(says(project(None, "more")), "lab by profile, more by profile");
    assert_eq!(says(Kept::Org("other".into())), "other by profile, -");
    assert_eq!(says(Kept::Nothing), "-, -");
}
