//! A small model of the rules beside the real server: by chance people are given roles and
//! lose them, make projects, tokens and keys, archive places and bring them back, are disabled and
//! enabled; after each change the server
//! is asked who may do what where, at `/check` and by introspection, and has to say what the
//! model says. On SQLite and on PostgreSQL.

mod model;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_testkit::dice::Dice;
use hallpass_testkit::oauth::{Answer, OAuth};
use hallpass_testkit::person::Person;
use hallpass_testkit::postgres::Cluster;
use hallpass_testkit::server::{Account, Plan};
use hallpass_testkit::town::Town;
use serde_json::{Value, json};

use crate::city::text;
use model::{Holder, Model, OrgNo, PERMISSIONS, PersonNo, ProjectNo, Token, Verdict, Where};

const PEOPLE: usize = 5;
const ORGS: usize = 2;
/// Most projects in an organization.
const PROJECTS: u64 = 3;
const STEPS: usize = 160;
/// Questions after each change.
const QUESTIONS: usize = 4;
const SEED: u64 = 20_261_129;

const ORG_ROLES: [Option<OrgRole>; 4] =
    [None, Some(OrgRole::Member), Some(OrgRole::Admin), Some(OrgRole::Owner)];
const PROJECT_ROLES: [Option<ProjectRole>; 4] =
    [None, Some(ProjectRole::Viewer), Some(ProjectRole::Collaborator), Some(ProjectRole::Owner)];

/// The model, and the server that has to agree with it.
struct World {
    model: Model,
    town: Town,
    cli: OAuth,
    accounts: Vec<Account>,
    /// The text and id of each token of the model, in its order.
    texts: Vec<(String, String)>,
    dice: Dice,
}

fn slug(org: OrgNo) -> String {
    format!("org{org}")
}

/// Where it is in the API.
fn route(at: Where) -> String {
    match at {
        Where::Org(org) => format!("/api/v1/orgs/org{org}"),
        Where::Project((org, number)) => format!("/api/v1/orgs/org{org}/projects/p{number}"),
    }
}

fn path((org, number): ProjectNo) -> String {
    format!("org{org}/p{number}")
}

impl World {
    /// People, each with a token that was not narrowed, and organizations of the first two.
    async fn begin(plan: Plan, seed: u64) -> Result<Self> {
        let town = Town::of(plan).await?;
        let cli = OAuth::public(&town.server, "hallpass-cli");
        let mut world = Self {
            model: Model::default(),
            cli,
            accounts: Vec::new(),
            texts: Vec::new(),
            dice: Dice::new(seed),
            town,
        };
        for number in 0..PEOPLE {
            let email = format!("person{number}@example.com");
            let account = world.town.server.person(&email, &format!("Person {number}")).await?;
            world.accounts.push(account);
            world.tokens_of(number).await?;
        }
        for org in 0..ORGS {
            let at = world.first_of(org);
            let made =
                world.call("POST", "/api/v1/orgs", &at, Some(json!({ "slug": slug(org) }))).await?;
            ensure!(made.status == 201, "{made:?}");
            world.model.orgs.insert(org);
            world.model.in_org.insert((org, org), OrgRole::Owner);
            world.settled(org, &at).await?;
        }
        Ok(world)
    }

    /// Somebody signs in and makes tokens: one that is not narrowed, and some that are.
    async fn tokens_of(&mut self, who: PersonNo) -> Result<()> {
        let person = Person::signed_in(&self.town.server, &self.accounts[who]).await?;
        let scope = [("scope", "openid account tokens")];
        let signed_in = self.cli.tokens(&person, &scope).await?.access;
        let new = json!({ "name": "all" });
        let made = self.call("POST", "/api/v1/tokens", &signed_in, Some(new)).await?;
        ensure!(made.status == 201, "{made:?}");
        self.keep(&made, Holder::Person(who), BTreeSet::new())?;
        for narrowed in 0..2 {
            self.narrowed_token(who, narrowed, &signed_in).await?;
        }
        Ok(())
    }

    /// What is there to begin with, or there would be little to change: two projects, an admin,
    /// and an owner of one project.
    async fn settled(&mut self, org: OrgNo, owner: &str) -> Result<()> {
        let at = route(Where::Org(org));
        for number in 0..2 {
            let new = json!({ "slug": format!("p{number}") });
            let made = self.call("POST", &format!("{at}/projects"), owner, Some(new)).await?;
            ensure!(made.status == 201, "{made:?}");
            self.model.projects.insert((org, number));
        }
        let (admin, other) = (2 + org, 4 - 3 * org);
        let to = format!("{at}/members/{}", self.accounts[admin].email);
        let set = self.set(&to, owner, Some(OrgRole::Admin)).await?;
        ensure!(set.status == 200, "{set:?}");
        self.model.in_org.insert((admin, org), OrgRole::Admin);
        let project = route(Where::Project((org, 0)));
        let to = format!("{project}/members/{}", self.accounts[other].email);
        let set = self.set(&to, owner, Some(ProjectRole::Owner)).await?;
        ensure!(set.status == 200, "{set:?}");
        self.model.in_project.insert((other, (org, 0)), ProjectRole::Owner);
        Ok(())
    }

    /// The text of somebody's token that was not narrowed.
    fn first_of(&self, who: PersonNo) -> String {
        let at = self.model.tokens.iter().position(|token| token.holder == Holder::Person(who));
        self.texts[at.unwrap_or_default()].0.clone()
    }

    /// A token for some permissions.
    async fn narrowed_token(&mut self, owner: PersonNo, n: usize, signed_in: &str) -> Result<()> {
        let mut scope: BTreeSet<&'static str> = BTreeSet::new();
        for _ in 0..3 + 3 * n {
            // What no role has is not in any scope either.
            scope.extend(self.dice.pick(&PERMISSIONS[..PERMISSIONS.len() - 1]));
        }
        let asked = scope.iter().copied().collect::<Vec<_>>().join(" ");
        let new = json!({ "name": format!("narrowed {n}"), "scope": asked });
        let made = self.call("POST", "/api/v1/tokens", signed_in, Some(new)).await?;
        ensure!(made.status == 201, "{made:?}");
        self.keep(&made, Holder::Person(owner), scope)
    }

    fn keep(&mut self, made: &Answer, holder: Holder, scope: BTreeSet<&'static str>) -> Result<()> {
        let made = made.json();
        self.texts.push((text(&made, "value")?, text(&made, "id")?));
        self.model.tokens.push(Token { holder, scope, revoked: false });
        Ok(())
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<Answer> {
        let mut request =
            self.cli.request(method, path).header("authorization", format!("Bearer {token}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request).await
    }

    fn below(&mut self, bound: usize) -> usize {
        self.dice.below(bound as u64) as usize
    }

    /// A token. Mostly one with which something can be done, or all would be refused.
    fn somebody(&mut self) -> usize {
        let mut by = self.below(self.texts.len());
        for _ in 0..6 {
            let token = &self.model.tokens[by];
            let seated =
                self.model.in_org.keys().any(|(who, _)| Holder::Person(*who) == token.holder);
            if self.model.is_good(token) && seated {
                break;
            }
            by = self.below(self.texts.len());
        }
        // A key asks and is asked about; what it may change has tests of its own.
        match self.model.tokens[by].holder {
            Holder::Person(_) => by,
            _ => 0,
        }
    }

    fn some_project(&mut self) -> ProjectNo {
        (self.below(ORGS), self.dice.below(PROJECTS) as usize)
    }

    /// One change, which must go as the model says. Says what it was, and whether it went through.
    async fn step(&mut self) -> Result<(String, bool)> {
        let by = self.somebody();
        let token = self.model.tokens[by].clone();
        let whom = self.below(PEOPLE);
        let acting = self.texts[by].0.clone();
        match self.dice.below(13) {
            0 | 1 => {
                let at = self.some_project();
                let expected = self.model.makes_project(&token, at);
                let to = format!("{}/projects", route(Where::Org(at.0)));
                let new = json!({ "slug": format!("p{}", at.1) });
                let answer = self.call("POST", &to, &acting, Some(new)).await?;
                let what = format!("token {by} of {:?} makes {}", token.holder, path(at));
                let changed = agreed(&what, expected, &answer)?;
                if changed {
                    self.model.projects.insert(at);
                }
                Ok((what, changed))
            }
            2..=4 => {
                let org = self.below(ORGS);
                let role = self.dice.pick(&ORG_ROLES).copied().flatten();
                let expected = self.model.sets_org_role(&token, org, whom, role);
                let at =
                    format!("/api/v1/orgs/{}/members/{}", slug(org), self.accounts[whom].email);
                let answer = self.set(&at, &acting, role).await?;
                let what = format!("token {by} of {:?}: {whom} is {role:?} in {org}", token.holder);
                let changed = agreed(&what, expected, &answer)?;
                if changed {
                    match role {
                        Some(role) => self.model.in_org.insert((whom, org), role),
                        None => self.model.in_org.remove(&(whom, org)),
                    };
                }
                Ok((what, changed))
            }
            5..=7 => {
                let at = self.some_project();
                let role = self.dice.pick(&PROJECT_ROLES).copied().flatten();
                let expected = self.model.sets_project_role(&token, at, whom, role);
                let to =
                    format!("{}/members/{}", route(Where::Project(at)), self.accounts[whom].email);
                let answer = self.set(&to, &acting, role).await?;
                let what =
                    format!("token {by} of {:?}: {whom} is {role:?} in {at:?}", token.holder);
                let changed = agreed(&what, expected, &answer)?;
                if changed {
                    match role {
                        Some(role) => self.model.in_project.insert((whom, at), role),
                        None => self.model.in_project.remove(&(whom, at)),
                    };
                }
                Ok((what, changed))
            }
            8 => Ok((self.disable_or_enable(whom).await?, false)),
            9 => Ok((self.maybe_revoke(by, &acting, &token).await?, false)),
            10 | 11 => self.makes_key(by, &acting, &token).await,
            _ => self.archives(by, &acting, &token).await,
        }
    }

    async fn set<R: serde::Serialize>(
        &self,
        at: &str,
        acting: &str,
        role: Option<R>,
    ) -> Result<Answer> {
        match role {
            Some(role) => self.call("PUT", at, acting, Some(json!({ "role": role }))).await,
            // What becomes of the keys that they made is to be said.
            None => self.call("DELETE", &format!("{at}?keys=keep"), acting, None).await,
        }
    }

    /// The operator disables somebody, or enables them again, who then makes new tokens: the
    /// old ones are gone for good. Somebody without whom an organization would have no owner is
    /// left alone.
    async fn disable_or_enable(&mut self, whom: PersonNo) -> Result<String> {
        let email = self.accounts[whom].email.clone();
        let on = self.model.disabled.contains(&whom);
        let alone = (0..ORGS).any(|org| {
            let mut owners = self.model.owners(org);
            owners.next() == Some(whom) && owners.next().is_none()
        });
        if on {
            self.town.server.admin(&["user", "enable", &email], "").await?;
            self.model.disabled.remove(&whom);
            self.tokens_of(whom).await?;
        } else if !alone {
            self.town.server.admin(&["user", "disable", &email, "--keys", "keep"], "").await?;
            self.model.disabled.insert(whom);
            let theirs =
                self.model.tokens.iter_mut().filter(|token| token.holder == Holder::Person(whom));
            theirs.for_each(|token| token.revoked = true);
        }
        Ok(format!("{whom} is disabled: {}", self.model.disabled.contains(&whom)))
    }

    /// An organization or a project by chance.
    fn somewhere(&mut self) -> Where {
        match self.dice.below(3) {
            0 => Where::Org(self.below(ORGS)),
            _ => Where::Project(self.some_project()),
        }
    }

    /// A key of an organization or a project. A token that was narrowed would narrow it too.
    async fn makes_key(
        &mut self,
        by: usize,
        acting: &str,
        token: &Token,
    ) -> Result<(String, bool)> {
        let at = self.somewhere();
        let what = format!("token {by} of {:?} makes a key of {at:?}", token.holder);
        if !token.scope.is_empty() {
            return Ok((format!("not: {what}"), false));
        }
        let expected = self.model.makes_key(token, at);
        let new = json!({ "name": format!("key {}", self.texts.len()) });
        let answer = self.call("POST", &format!("{}/keys", route(at)), acting, Some(new)).await?;
        let changed = agreed(&what, expected, &answer)?;
        if changed {
            let holder = match at {
                Where::Org(org) => Holder::OrgKey(org),
                Where::Project(at) => Holder::ProjectKey(at),
            };
            self.keep(&answer, holder, BTreeSet::new())?;
        }
        Ok((what, changed))
    }

    /// A place is archived if it is open, and else brought back.
    async fn archives(&mut self, by: usize, acting: &str, token: &Token) -> Result<(String, bool)> {
        // What is archived comes back soon, or nothing would be left to do.
        let archived: Vec<Where> = self.model.archived.iter().copied().collect();
        let at = match self.dice.pick(&archived).copied().filter(|_| self.dice.below(4) > 0) {
            Some(at) => at,
            None => self.somewhere(),
        };
        let archived = self.model.archived.contains(&at);
        let verb = if archived { "unarchive" } else { "archive" };
        let what = format!("token {by} of {:?}: {verb} {at:?}", token.holder);
        let expected = self.model.archives(token, at);
        let answer = self.call("POST", &format!("{}/{verb}", route(at)), acting, None).await?;
        let changed = agreed(&what, expected, &answer)?;
        if changed && !self.model.archived.remove(&at) {
            self.model.archived.insert(at);
        }
        Ok((what, changed))
    }

    /// A token ends, if it is a narrowed one; the first of each person stays.
    async fn maybe_revoke(&mut self, by: usize, acting: &str, token: &Token) -> Result<String> {
        let what = format!("token {by} of {:?} is revoked", token.holder);
        if token.scope.is_empty() || !self.model.is_good(token) || self.dice.below(3) > 0 {
            return Ok(format!("not: {what}"));
        }
        // Whoever holds a token may end it (RFC 7009).
        let answer = self.cli.revoke(acting).await?;
        ensure!(answer.status == 200, "{what}: {answer:?}");
        self.model.tokens[by].revoked = true;
        Ok(what)
    }

    /// Some questions by chance, each asked at `/check` and by introspection.
    async fn ask(&mut self) -> Result<()> {
        for _ in 0..QUESTIONS {
            let by = self.below(self.texts.len());
            let token = self.model.tokens[by].clone();
            let at = match self.dice.below(3) {
                0 => Where::Org(self.below(ORGS)),
                _ => Where::Project(self.some_project()),
            };
            let permission =
                self.dice.pick(&PERMISSIONS).copied().context("there are permissions")?;
            let good = self.model.is_good(&token);
            let may = self.model.may(&token, at).filter(|_| good);
            let what = format!("token {by} of {:?}: {permission} at {at:?}", token.holder);
            let (name, value) = match at {
                Where::Org(org) => ("org", slug(org)),
                Where::Project(at) => ("project", path(at)),
            };
            let presented = self.texts[by].0.clone();

            let asked = format!("/check?{name}={value}&permission={permission}");
            let answer = self.call("GET", &asked, &presented, None).await?;
            let expected = match (&may, good) {
                (_, false) => 401,
                (Some(may), _) if may.contains(permission) => 200,
                _ => 403,
            };
            ensure!(answer.status == expected, "{what}: {expected} expected, not {answer:?}");

            let asked = [("token", &*presented), (name, &*value)];
            let answer = self.town.api.post("/oauth/introspect", &asked).await?.json();
            ensure!(answer["active"] == good, "{what}: {answer}");
            let listed = answer["place"]["permissions"]
                .as_array()
                .map(|listed| listed.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            let may: Option<BTreeSet<String>> =
                may.map(|may| may.into_iter().map(str::to_owned).collect());
            ensure!(listed == may, "{what}: {may:?} expected, not {answer}");
        }
        Ok(())
    }
}

/// Whether a change went through, which it must exactly if the model allows it.
fn agreed(what: &str, expected: Verdict, answer: &Answer) -> Result<bool> {
    let status = answer.status.as_u16();
    let agrees = match expected {
        Verdict::Allowed => matches!(status, 200 | 201 | 204),
        Verdict::Refused => matches!(status, 403 | 404 | 409),
        Verdict::Hidden => status == 404 || status == 403,
        Verdict::Unknown => status == 401,
    };
    ensure!(agrees, "{what}: {expected:?} expected, not {answer:?}");
    Ok(expected == Verdict::Allowed)
}

async fn play(plan: Plan, seed: u64) -> Result<()> {
    let mut world = World::begin(plan, seed).await?;
    let (mut history, mut changes) = (Vec::new(), 0);
    for _ in 0..STEPS {
        let done = match world.step().await {
            Ok((what, changed)) => {
                history.push(what);
                changes += usize::from(changed);
                world.ask().await
            }
            Err(error) => Err(error),
        };
        done.with_context(|| format!("seed {seed}, after:\n{}", history.join("\n")))?;
    }
    // It is no use to agree about nothing.
    ensure!(changes > STEPS / 10, "seed {seed}: only {changes} changes went through");
    Ok(())
}

// proves: attack-28
#[tokio::test]
async fn the_server_agrees_with_the_model_on_sqlite() -> Result<()> {
    play(Plan::new(), SEED).await
}

// proves: attack-28
#[tokio::test]
async fn the_server_agrees_with_the_model_on_postgresql() -> Result<()> {
    let cluster = Cluster::start().await?;
    play(Plan::new().database_url(&cluster.url().await?), SEED + 1).await
}
