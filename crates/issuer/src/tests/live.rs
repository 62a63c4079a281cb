//! The image in memory: what it says is what the database says.

use hallpass_core::id::{OrgId, ProjectId, TokenId, UserId};
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::oauth::Introspection;
use hallpass_core::{Kind, Scope, Secret, Timestamp, TokenText};
use hallpass_store::{
    Credential, Error, LegacyHash, NewLegacy, NewOrg, NewProject, NewToken, RemoveRole, Role,
    Rotate, Successor,
};
use hallpass_verdict::{Ask, CredentialKind, Live, PlaceAsked, Refusal};

use super::house::{API, House, basic, changed, code_of, config, from, home};
use crate::admin::NewClient;
use crate::live::fill::Reader;
use crate::{BearerError, ClientCredentials, Issuer, Origin};

/// Makes tokens and places straight in the store: who may is tested elsewhere.
struct Maker<'h>(&'h House);

impl Maker<'_> {
    fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    async fn token(&self, owner: UserId, change: impl FnOnce(&mut NewToken)) -> TokenText {
        let issuer = self.issuer();
        let prefix = &issuer.0.config.brand.tokens.prefix;
        let text = TokenText::mint_with_prefix(prefix, &*issuer.0.random);
        let id = issuer.new_id(TokenId::new);
        let mut new = NewToken {
            id,
            digest: text.digest(),
            prefix: prefix.clone(),
            last_four: text.last_four().to_owned(),
            owner,
            name: id.to_string(),
            scope: None,
            projects: Vec::new(),
            expires_at: None,
            grant_id: issuer.new_id(hallpass_core::id::GrantId::new),
        };
        change(&mut new);
        let by = issuer.by("system", None, None);
        issuer.0.store.credentials().create(new, &by).await.unwrap();
        text
    }

    async fn org(&self, slug: &str) -> OrgId {
        let id = self.issuer().new_id(OrgId::new);
        let (slug, name, plan) = (slug.to_owned(), slug.to_owned(), "free".to_owned());
        let by = self.issuer().by("system", None, None);
        let new = NewOrg { id, slug, name, plan };
        self.issuer().0.store.orgs().create(new, None, &by).await.unwrap().id
    }

    async fn project(&self, org_id: OrgId, slug: &str) -> ProjectId {
        let id = self.issuer().new_id(ProjectId::new);
        let by = self.issuer().by("system", None, None);
        let new = NewProject { id, org_id, slug: slug.to_owned(), name: slug.to_owned() };
        self.issuer().0.store.projects().create(new, &by).await.unwrap().id
    }

    async fn role(&self, user: UserId, org: OrgId, role: Role) {
        let by = self.issuer().by("system", None, None);
        fine(self.issuer().0.store.members().set(user, org, role, &by).await);
    }

    async fn legacy(&self, text: &str, to: ProjectId, owner: Option<UserId>) {
        let issuer = self.issuer();
        let new = NewLegacy {
            id: issuer.new_id(TokenId::new),
            hash: LegacyHash::Digest(hallpass_core::Digest::of(text.as_bytes())),
            name: "build".to_owned(),
            prefix: "stk_".to_owned(),
            last_four: "last".to_owned(),
            role: ProjectRole::Collaborator,
            owner,
            created_at: None,
            expires_at: None,
        };
        let by = issuer.by("system", None, None);
        fine(issuer.0.store.legacy().import(to, vec![new], &by).await);
    }
}

/// Some of what chance tries cannot be done, to a disabled person for example.
fn fine<T>(answer: Result<T, Error>) {
    match answer {
        Ok(_) | Err(Error::Missing(_) | Error::Conflict(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Waits until the image is complete.
async fn complete(house: &House) -> &Live {
    let live = house.issuer.0.keeper.live().expect("SQLite has one");
    while !live.is_complete() {
        tokio::task::yield_now().await;
    }
    live
}

/// An image that is read from the database, now.
async fn read_now(issuer: &Issuer) -> Live {
    let live = Live::new(issuer.0.keeper.rules.clone());
    let mut reader = Reader::default();
    while let Some(page) = reader.next(&issuer.0.store, issuer.now()).await.unwrap() {
        live.fill(page);
    }
    live.complete();
    live
}

/// A number below `end`, as the dice of the house say.
fn below(house: &House, end: usize) -> usize {
    let bytes: [u8; 8] = hallpass_core::chance::bytes(&*house.issuer.0.random);
    (u64::from_le_bytes(bytes) % end as u64) as usize
}

struct Town {
    users: Vec<UserId>,
    orgs: Vec<OrgId>,
    projects: Vec<(OrgId, ProjectId)>,
    tokens: Vec<(TokenText, UserId)>,
    kept: Vec<Credential>,
}

impl Town {
    /// Something happens.
    async fn step(&mut self, house: &House, n: usize) {
        let (maker, store) = (Maker(house), house.issuer.0.store.clone());
        let by = house.issuer.by("system", None, None);
        let user = self.users[below(house, self.users.len())];
        let (org, project) = self.projects[below(house, self.projects.len())];
        let token = below(house, self.kept.len().max(1));
        let token = self.kept.get(token).map(|kept| (kept.id, kept.user_id.unwrap_or(user)));
        let soon = house.issuer.now() + std::time::Duration::from_secs(below(house, 90) as u64);
        match (below(house, 16), token) {
            (0, _) => {
                let signed_in = house.person(&format!("u{n}@example.com")).await;
                self.users.push(signed_in.user.id);
            }
            (1, _) => {
                let org = maker.org(&format!("org-{n}")).await;
                self.orgs.push(org);
                self.projects.push((org, maker.project(org, &format!("prj-{n}")).await));
            }
            (2, _) => {
                fine(store.members().remove(user, org, None, &by).await);
            }
            (3, _) => {
                fine(store.members().remove(user, org, Some(project), &by).await);
            }
            (4, _) => {
                let role = [OrgRole::Member, OrgRole::Admin, OrgRole::Owner][below(house, 3)];
                maker.role(user, org, Role::Org(role)).await;
            }
            (5 | 6, _) => {
                let roles = [ProjectRole::Viewer, ProjectRole::Collaborator, ProjectRole::Owner];
                maker.role(user, org, Role::Project(project, roles[below(house, 3)])).await;
            }
            (7, _) if below(house, 3) == 0 => {
                store.users().disable(user, &by).await.unwrap();
            }
            (7, _) => {
                store.users().enable(user, &by).await.unwrap();
            }
            (8, _) => {
                let owner = (below(house, 2) == 0).then_some(user);
                maker.legacy(&format!("stk_{n}"), project, owner).await;
            }
            (9, Some((id, owner))) => {
                store.credentials().revoke(Some(owner), id, "test", &by).await.unwrap();
            }
            (10, Some((id, owner))) => {
                let _ = store.credentials().set_expiry(owner, id, Some(soon), &by).await.unwrap();
            }
            (11, Some((id, owner))) => {
                let text = TokenText::mint(Kind::Personal, &*house.issuer.0.random);
                let successor = Successor {
                    id: house.issuer.new_id(TokenId::new),
                    digest: text.digest(),
                    prefix: "hp_user_".to_owned(),
                    last_four: text.last_four().to_owned(),
                    grant_id: house.issuer.new_id(hallpass_core::id::GrantId::new),
                    expires_at: None,
                    expires_by: None,
                };
                let credentials = store.credentials();
                let rotated = credentials.rotate(owner, id, successor, Some(soon), &by).await;
                if let Rotate::Done(kept) = rotated.unwrap() {
                    self.tokens.push((text, owner));
                    self.kept.push(kept);
                }
            }
            (12, _) => house.pass(below(house, 40) as u64),
            (13, _) if below(house, 8) == 0 => {
                store.projects().archive(project, &by).await.unwrap();
            }
            (13, _) if below(house, 3) == 0 => {
                store.projects().unarchive(project, &by).await.unwrap();
            }
            (13, _) => house.issuer.tend().await.unwrap(),
            _ => {
                let live = store.users().by_id(user).await.unwrap().unwrap();
                if live.disabled_at.is_none() {
                    self.new_token(house, user, project).await;
                }
            }
        }
    }

    async fn new_token(&mut self, house: &House, user: UserId, project: ProjectId) {
        let scopes = [None, Some("account project:read org:read"), Some("project:publish tokens")];
        let (scope, narrow) = (scopes[below(house, 3)], below(house, 3) == 0);
        let change = |new: &mut NewToken| {
            new.scope = scope.map(|scope| scope.parse().unwrap());
            new.projects = narrow.then_some(project).into_iter().collect();
        };
        let text = Maker(house).token(user, change).await;
        let found = house.issuer.0.store.credentials().facts(&text.digest()).await.unwrap();
        self.kept.push(found.unwrap().credential);
        self.tokens.push((text, user));
    }

    /// Every token and every place: what memory says, and what asking the database says.
    async fn compare(&self, house: &House, live: &Live) {
        let now = house.issuer.now();
        assert_eq!(live.describe(now), read_now(&house.issuer).await.describe(now));
        for (org, project) in self.projects.iter().rev().take(3) {
            let (org, project) = (org.to_string(), project.to_string());
            let ask = Ask {
                resource: None,
                place: Some(PlaceAsked::Project { org: &org, project: &project }),
            };
            for (text, _) in self.tokens.iter().rev().take(20) {
                let digest = text.digest();
                let asked = house.issuer.ask_kept(&digest, &ask, now).await.unwrap();
                let known = live.check(&digest, &ask, now).unwrap();
                assert_eq!(asked.is_ok(), known.is_ok(), "{asked:?} {known:?}");
                if let (Ok(asked), Ok(known)) = (asked, known) {
                    assert_eq!(asked, known);
                }
            }
        }
    }
}

#[tokio::test]
async fn after_any_history_the_image_is_what_the_database_says() {
    let house = House::new().await;
    let maker = Maker(&house);
    let ada = house.ada().await;
    let org = maker.org("lab").await;
    let mut town = Town {
        users: vec![ada.user.id],
        orgs: vec![org],
        projects: vec![(org, maker.project(org, "tools").await)],
        tokens: Vec::new(),
        kept: Vec::new(),
    };
    let live = complete(&house).await;
    let (mut seen, mut refused) = (0, 0);
    for n in 0..400 {
        town.step(&house, n).await;
        if n % 40 == 39 {
            town.compare(&house, live).await;
        }
    }
    // JWTs, and what ends them, too.
    let tokens = house.tokens(&house.person("grace@example.com").await).await;
    house.other_cli().await;
    town.compare(&house, live).await;
    let request = [("client_id", "hallpass-cli"), ("token", tokens.access_token.expose())];
    let revoked = changed(&request, &[]);
    house.issuer.revoke(&revoked, ClientCredentials::None, &home()).await.unwrap();
    town.compare(&house, live).await;
    for (text, _) in &town.tokens {
        match house.issuer.check(text.expose(), &Ask::default()).await.unwrap() {
            Ok(_) => seen += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(seen > 5 && refused > 5, "{seen} good, {refused} refused: a history says something");
}

#[tokio::test]
async fn what_is_not_in_memory_yet_is_asked_for() {
    let house = House::new().await;
    let ada = house.ada().await;
    let text = Maker(&house).token(ada.user.id, |_| ()).await;
    // Somebody else watches this store, so there is no image here, for good.
    let (store, config) = (house.issuer.0.store.clone(), config());
    let second = House::over(store, config).await;
    assert!(second.issuer.0.keeper.live().is_none());
    let good = second.issuer.check(text.expose(), &Ask::default()).await.unwrap().unwrap();
    assert_eq!(good.user(), Some(ada.user.id));
    let tokens = second.tokens(&ada).await;
    assert!(second.admits(&tokens.access_token).await);
    let by = house.issuer.by("system", None, None);
    let id = good.id.parse().unwrap();
    house.issuer.0.store.credentials().revoke(None, id, "test", &by).await.unwrap();
    let refused = second.issuer.check(text.expose(), &Ask::default()).await.unwrap();
    assert_eq!(refused, Err(Refusal::Unknown));
}

async fn introspect(
    house: &House,
    caller: (&str, &Secret),
    token: &str,
    more: &[(&str, &str)],
) -> Introspection {
    let request = changed(&[("token", token)], more);
    house.issuer.introspect(&request, basic(caller.0, caller.1), &home()).await.unwrap()
}

// proves: ST08
#[tokio::test]
async fn a_personal_token_is_good_at_our_own_api_and_is_told_with_the_role_there() {
    let house = House::new().await;
    let (maker, ada, api) = (Maker(&house), house.ada().await, house.api().await);
    let org = maker.org("lab").await;
    let project = maker.project(org, "tools").await;
    maker.role(ada.user.id, org, Role::Project(project, ProjectRole::Collaborator)).await;
    let text = maker.token(ada.user.id, |_| ()).await;
    let decision = house.issuer.verify(text.expose(), API).await.unwrap();
    assert_eq!(
        (decision.kind, decision.user()),
        (CredentialKind::PersonalToken, Some(ada.user.id))
    );
    assert!(decision.scope.contains("account") && !decision.scope.contains("tokens"));

    let place = [("project", "lab/tools")];
    let said = introspect(&house, ("api", &api), text.expose(), &place).await;
    assert_eq!(said.credential.as_deref(), Some("personal_token"));
    assert_eq!(said.jti, Some(decision.id));
    let told = said.place.unwrap();
    assert_eq!((told.org_slug.as_str(), told.role), ("lab", Some(ProjectRole::Collaborator)));
    assert!(told.permissions.contains("project:publish") && told.org_role.is_none());
    // The role changes; the next question knows.
    maker.role(ada.user.id, org, Role::Project(project, ProjectRole::Viewer)).await;
    let said = introspect(&house, ("api", &api), text.expose(), &place).await;
    assert!(!said.place.unwrap().permissions.contains("project:publish"));
    let by = house.issuer.by("system", None, None);
    let members = house.issuer.0.store.members();
    let removed = members.remove(ada.user.id, org, Some(project), &by).await;
    assert_eq!(removed, Ok(RemoveRole::Done));
    let said = introspect(&house, ("api", &api), text.expose(), &place).await;
    assert!(said.active && said.place.is_none());
    for bad in [("project", "lab"), ("org", "lab/tools"), ("project", "a/b/c")] {
        let request = changed(&[("token", text.expose())], &[bad]);
        let refused = house.issuer.introspect(&request, basic("api", &api), &home()).await;
        assert_eq!(code_of(refused), "invalid_request");
    }
}

// proves: E08
#[tokio::test]
async fn a_token_for_no_resource_in_particular_is_shown_to_whoever_is_registered_for_one() {
    let house = House::new().await;
    let (ada, web) = (house.ada().await, house.web().await);
    let elsewhere = house
        .client(NewClient {
            id: "elsewhere".to_owned(),
            confidential: true,
            resources: Some(vec!["https://elsewhere.example".to_owned()]),
            ..NewClient::default()
        })
        .await
        .unwrap();
    let none = house
        .client(NewClient {
            id: "none".to_owned(),
            confidential: true,
            resources: Some(Vec::new()),
            ..NewClient::default()
        })
        .await
        .unwrap();
    let text = Maker(&house).token(ada.user.id, |_| ()).await;
    for (caller, secret, sees) in
        [("elsewhere", &elsewhere, true), ("none", &none, false), ("web", &web, true)]
    {
        let said = introspect(&house, (caller, secret), text.expose(), &[]).await;
        let mine = house.issuer.0.store.resources().of_caller(caller).await.unwrap();
        assert_eq!(said.active, sees && !mine.is_empty(), "{caller}");
        if !said.active {
            assert_eq!(said, Introspection::default());
        }
    }
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused_without_a_look_up() {
    let house = House::new().await;
    let ada = house.ada().await;
    let text = Maker(&house).token(ada.user.id, |_| ()).await;
    let good = text.expose();
    let near =
        format!("{}{}", &good[..good.len() - 1], if good.ends_with('0') { '1' } else { '0' });
    for bad in [&near, &good[..20], "hp_user_", "", "stk_x", &"x".repeat(100_000)] {
        assert!(house.issuer.kept_under(bad).is_none());
        let refused = house.issuer.verify(bad, API).await.unwrap_err();
        assert!(matches!(refused, BearerError::InvalidToken { .. }));
    }
    assert!(house.issuer.kept_under(good).is_some());
}

// proves: E01
#[tokio::test]
async fn whoever_holds_a_personal_token_may_end_it() {
    let house = House::new().await;
    let (ada, web) = (house.ada().await, house.web().await);
    let public = ClientCredentials::None;
    for (client, credentials) in [("hallpass-cli", public), ("", basic("web", &web))] {
        let text = Maker(&house).token(ada.user.id, |_| ()).await;
        let request = changed(&[("client_id", client), ("token", text.expose())], &[]);
        assert!(house.issuer.verify(text.expose(), API).await.is_ok());
        for _ in 0..2 {
            house.issuer.revoke(&request, credentials.clone(), &home()).await.unwrap();
            assert!(house.issuer.verify(text.expose(), API).await.is_err());
        }
    }
}

#[tokio::test]
async fn an_older_systems_token_is_good_for_its_project_alone() {
    let mut config = config();
    config.brand.tokens.legacy_prefix = Some("stk_".to_owned());
    let house = House::with(config).await;
    let maker = Maker(&house);
    let org = maker.org("lab").await;
    let (tools, other) = (maker.project(org, "tools").await, maker.project(org, "other").await);
    maker.legacy("stk_abc", tools, None).await;
    let at = |project: ProjectId| (org.to_string(), project.to_string());
    for (place, permitted) in [(at(tools), true), (at(other), false)] {
        let place = Some(PlaceAsked::Project { org: &place.0, project: &place.1 });
        let ask = Ask { resource: None, place };
        let decision = house.issuer.check("stk_abc", &ask).await.unwrap().unwrap();
        assert_eq!(decision.may("project:publish"), permitted);
        assert!(decision.user().is_none() && !decision.scope.contains("account"));
    }
    assert!(house.issuer.check("stk_abd", &Ask::default()).await.unwrap().is_err());
    let request = changed(&[("client_id", "hallpass-cli"), ("token", "stk_abc")], &[]);
    house.issuer.revoke(&request, ClientCredentials::None, &home()).await.unwrap();
    assert!(house.issuer.check("stk_abc", &Ask::default()).await.unwrap().is_err());
}

#[tokio::test]
async fn the_last_use_is_written_with_its_address() {
    let house = House::new().await;
    let ada = house.ada().await;
    let text = Maker(&house).token(ada.user.id, |_| ()).await;
    let kept = async || {
        house.issuer.tend().await.unwrap();
        let found = house.issuer.0.store.credentials().facts(&text.digest()).await.unwrap();
        let kept = found.unwrap().credential;
        (kept.last_used_at, kept.last_used_address)
    };
    assert_eq!(kept().await, (None, None));
    let Origin { address, .. } = from("::ffff:198.51.100.4");
    let decision = house.issuer.verify(text.expose(), API).await.unwrap();
    house.issuer.used_from(&decision, address);
    let now: Timestamp = house.issuer.now();
    assert_eq!(kept().await, (Some(now), Some("198.51.100.4".to_owned())));
    house.pass(120);
    assert!(house.issuer.verify(text.expose(), API).await.is_ok());
    assert_eq!(kept().await.0, Some(house.issuer.now()));
    let scope: Scope = "account".parse().unwrap();
    assert!(scope.is_subset(&decision.scope), "it was a whole token");
    // Refused: not used.
    let before = kept().await;
    house.pass(120);
    let by = house.issuer.by("system", None, None);
    let id = decision.id.parse().unwrap();
    house.issuer.0.store.credentials().revoke(None, id, "test", &by).await.unwrap();
    assert!(house.issuer.verify(text.expose(), API).await.is_err());
    assert_eq!(kept().await, before);
}
