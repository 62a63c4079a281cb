//! A history in which anything may happen to anybody.

use std::time::Duration;

use hallpass_core::Digest;
use hallpass_core::id::{GrantId, OrgId, ProjectId, SessionId, UserId};
use hallpass_core::role::{OrgRole, ProjectRole};

use super::legacy::legacy;
use super::town::{CLIENT, DAWN, MINUTE, Town, everybody};
use crate::{
    Credential, Error, GrantKind, Guest, LegacyHash, NewResource, Poll, Role, Rotate, Store,
};

/// Who and what there is, ended things included: they are good for mistakes.
pub(super) struct History {
    town: Town,
    chance: u64,
    users: Vec<UserId>,
    clients: Vec<String>,
    orgs: Vec<OrgId>,
    projects: Vec<(OrgId, ProjectId)>,
    tokens: Vec<Credential>,
    grants: Vec<(Digest, GrantId)>,
    refresh: Vec<Digest>,
    sessions: Vec<(UserId, SessionId)>,
}

/// What may go wrong when anything is tried.
fn fine<T>(answer: Result<T, Error>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(Error::Conflict(_) | Error::Missing(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

impl History {
    pub(super) async fn new(town: Town, seed: u64) -> Self {
        let mut history = Self {
            town,
            // Far apart, and never zero.
            chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            users: Vec::new(),
            clients: vec![CLIENT.to_owned()],
            orgs: Vec::new(),
            projects: Vec::new(),
            tokens: Vec::new(),
            grants: Vec::new(),
            refresh: Vec::new(),
            sessions: Vec::new(),
        };
        for _ in 0..3 {
            history.user().await;
            history.org().await;
            history.project().await;
        }
        history
    }

    fn store(&self) -> Store {
        self.town.store.clone()
    }

    /// A number below `end` (Marsaglia's xorshift).
    fn below(&mut self, end: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 16) as usize % end
    }

    fn one<T: Clone>(&mut self, of: fn(&Self) -> &Vec<T>) -> Option<T> {
        let count = of(self).len();
        if count == 0 {
            return None;
        }
        let at = self.below(count);
        Some(of(self)[at].clone())
    }

    fn a_user(&mut self) -> UserId {
        self.one(|it| &it.users).unwrap_or_else(|| self.town.user_id())
    }

    fn an_org(&mut self) -> OrgId {
        self.one(|it| &it.orgs).unwrap_or_else(|| self.town.org_id())
    }

    /// Something happens, or is tried in vain.
    pub(super) async fn step(&mut self) {
        match self.below(34) {
            0 => self.user().await,
            1 => self.org().await,
            2 => self.project().await,
            3 => self.client().await,
            4..=7 => self.token().await,
            8 => self.rename().await,
            9 => self.set_expiry().await,
            10 | 11 => self.rotate().await,
            12 | 13 => self.revoke().await,
            14..=16 => self.code().await,
            17 => self.device().await,
            18 => self.spend().await,
            19 => self.refresh().await,
            20 => self.end_grants().await,
            21 => self.session().await,
            22 | 23 => self.set_role().await,
            24 => self.remove_role().await,
            25 | 26 => self.user_changes().await,
            27 => self.place_changes().await,
            28 => self.legacy().await,
            29 => self.client_changes().await,
            30 => self.revoke_jwt().await,
            31 | 32 => self.hands_change().await,
            _ => self.time_passes().await,
        }
    }

    async fn user(&mut self) {
        self.users.push(self.town.user().await.id);
    }

    async fn org(&mut self) {
        let owner = (self.below(3) > 0).then(|| self.a_user());
        let made = self.store().orgs().create(self.town.new_org(), owner, &self.town.by()).await;
        self.orgs.extend(fine(made).map(|org| org.id));
    }

    async fn project(&mut self) {
        let org = self.an_org();
        let new = self.town.new_project(org);
        let made = self.store().projects().create(new, &self.town.by()).await;
        self.projects.extend(fine(made).map(|project| (org, project.id)));
    }

    async fn client(&mut self) {
        let id = format!("client-{}", self.below(5));
        let client = self.town.client(&id);
        if self.below(2) == 0 {
            fine(self.store().clients().create(client, &self.town.by()).await);
        } else {
            fine(self.store().clients().ensure(client).await);
        }
        self.clients.push(id);
    }

    async fn token(&mut self) {
        let owner = self.a_user();
        let mut new = self.town.new_token(owner);
        // Few names, so that they are taken.
        new.name = format!("name\0 {}", self.below(6));
        new.scope = (self.below(2) == 0).then(|| "account".parse().unwrap());
        new.projects = self.one(|it| &it.projects).into_iter().map(|(_, id)| id).collect();
        let minutes = self.below(30) as u32;
        new.expires_at = (minutes > 0).then(|| self.town.by().at + MINUTE * minutes);
        let made = self.store().credentials().create(new, &self.town.by()).await;
        self.tokens.extend(fine(made));
    }

    /// A token, and who tries something with it: mostly its owner.
    fn a_token(&mut self) -> Option<(Credential, UserId)> {
        let token = self.one(|it| &it.tokens)?;
        let owner = token.user_id.filter(|_| self.below(8) > 0).unwrap_or_else(|| self.a_user());
        Some((token, owner))
    }

    async fn rename(&mut self) {
        let Some((token, owner)) = self.a_token() else { return };
        let name = format!("name\0 {}", self.below(6));
        let tokens = self.store();
        fine(tokens.credentials().rename(owner, token.id, &name, &self.town.by()).await);
    }

    async fn set_expiry(&mut self) {
        let Some((token, owner)) = self.a_token() else { return };
        let minutes = self.below(30) as u32;
        let at = (minutes > 0).then(|| self.town.by().at + MINUTE * minutes);
        let tokens = self.store();
        fine(tokens.credentials().set_expiry(owner, token.id, at, &self.town.by()).await);
    }

    async fn rotate(&mut self) {
        let Some((token, owner)) = self.a_token() else { return };
        let minutes = self.below(10) as u32;
        let overlap = (minutes > 0).then(|| self.town.by().at + MINUTE * minutes);
        let (store, successor) = (self.store(), self.town.successor());
        let by = self.town.by();
        let rotated = store.credentials().rotate(owner, token.id, successor, overlap, &by).await;
        if let Some(Rotate::Done(young)) = fine(rotated) {
            self.tokens.push(young);
        }
    }

    async fn revoke(&mut self) {
        let Some((token, owner)) = self.a_token() else { return };
        let (store, by) = (self.store(), self.town.by());
        let used = [(token.id, by.at, Some("192.0.2.4".to_owned()))];
        fine(store.credentials().touch(&used).await);
        match self.below(3) {
            0 => drop(fine(
                store.credentials().revoke_leaked(&token.digest, "found", &[], &by).await,
            )),
            1 => drop(fine(store.credentials().revoke(None, token.id, "over", &by).await)),
            _ => drop(fine(store.credentials().revoke(Some(owner), token.id, "over", &by).await)),
        }
    }

    async fn code(&mut self) {
        let user = self.a_user();
        let mut new = self.town.new_code(user);
        new.grant.client_id = self.one(|it| &it.clients).unwrap_or_default();
        new.grant.reported.command = Some("login\0".to_owned());
        let minutes = self.below(20) as u32;
        new.grant.expires_at = (minutes > 0).then(|| self.town.by().at + MINUTE * minutes);
        self.grants.push((new.digest, new.grant.id));
        fine(self.store().codes().issue(new, &self.town.by()).await.map(drop));
    }

    async fn device(&mut self) {
        let (device, code) = self.town.device().await;
        let user = self.a_user();
        let grant = self.town.new_grant(user, GrantKind::Device);
        self.grants.push((code, grant.id));
        let (store, by) = (self.store(), self.town.by());
        fine(store.devices().approve(device.id, grant, &by).await.map(drop));
        if let Some(Poll::Approved(_)) = fine(store.devices().poll(&code, by.at).await) {
            fine(store.devices().spend(&code, None, &self.town.by()).await);
        }
    }

    async fn spend(&mut self) {
        let Some((code, _)) = self.one(|it| &it.grants) else { return };
        let first = self.town.new_refresh();
        let store = self.store();
        if self.below(5) == 0 {
            fine(store.codes().burn(&code, &self.town.by()).await);
        } else {
            self.refresh.push(first.digest);
            fine(store.codes().spend(&code, Some(first), &self.town.by()).await);
        }
    }

    async fn refresh(&mut self) {
        let Some(presented) = self.one(|it| &it.refresh) else { return };
        let (child, store, by) = (self.town.new_refresh(), self.store(), self.town.by());
        self.refresh.push(child.digest);
        // Without any grace, so that a second use ends the grant.
        let refresh = store.refresh();
        fine(refresh.rotate(&presented, child, Vec::new(), Duration::ZERO, &by).await);
    }

    async fn end_grants(&mut self) {
        let Some((_, grant)) = self.one(|it| &it.grants) else { return };
        let (user, store, by) = (self.a_user(), self.store(), self.town.by());
        let client = self.one(|it| &it.clients).unwrap_or_default();
        fine(store.grants().touch(&[(grant, by.at)]).await);
        match self.below(3) {
            0 => drop(fine(store.grants().end(grant, "over", &by).await)),
            1 => drop(fine(store.grants().end_owned(user, grant, "over", &by).await)),
            _ => drop(fine(store.grants().end_for_client(user, &client, &by).await)),
        }
    }

    async fn session(&mut self) {
        let (store, by) = (self.store(), self.town.by());
        match self.one(|it| &it.sessions).filter(|_| self.below(2) == 0) {
            Some((user, id)) if self.below(2) == 0 => {
                fine(store.sessions().end(id, user, &by).await);
            }
            Some((user, id)) => drop(fine(store.sessions().end_others(user, Some(id), &by).await)),
            None => {
                let user = self.a_user();
                let new = self.town.new_session(user);
                self.sessions.push((new.user_id, new.id));
                fine(store.sessions().start(new, &by).await);
            }
        }
    }

    async fn set_role(&mut self) {
        let (user, store, by) = (self.a_user(), self.store(), self.town.by());
        let (org, role) = if self.below(2) == 0 {
            let roles = [OrgRole::Member, OrgRole::Admin, OrgRole::Owner];
            (self.an_org(), Role::Org(roles[self.below(3)]))
        } else {
            let Some((org, project)) = self.one(|it| &it.projects) else { return };
            let roles = [ProjectRole::Viewer, ProjectRole::Collaborator, ProjectRole::Owner];
            (org, Role::Project(project, roles[self.below(3)]))
        };
        fine(store.members().set(user, org, role, &by).await.map(drop));
    }

    async fn remove_role(&mut self) {
        let user = self.a_user();
        let (store, by) = (self.store(), self.town.by());
        let held = fine(store.members().of_user(user).await).unwrap_or_default();
        let Some(role) = held.first() else { return };
        let (org, project) = (role.org_id, role.role.project());
        fine(store.members().remove(user, org, project, &by).await.map(drop));
    }

    async fn user_changes(&mut self) {
        let (user, store, by) = (self.a_user(), self.store(), self.town.by());
        match self.below(4) {
            0 => drop(fine(store.users().disable(user, &by).await.map(drop))),
            1 | 2 => drop(fine(store.users().enable(user, &by).await)),
            _ => drop(fine(store.users().change_password(user, "$new", None, &by).await)),
        }
    }

    /// A place is archived, comes back, or gets another name.
    async fn place_changes(&mut self) {
        let (store, by, step) = (self.store(), self.town.by(), self.below(4));
        let slug = format!("slug-{}", self.below(6));
        match self.one(|it| &it.projects).filter(|_| self.below(3) > 0) {
            Some((org, project)) => {
                let projects = store.projects();
                match step {
                    0 => drop(fine(projects.archive(project, &by).await)),
                    1 | 2 => drop(fine(projects.unarchive(project, &by).await)),
                    _ => drop(fine(projects.rename(project, org, &slug, "N\0ew", &by).await)),
                }
            }
            None => {
                let (org, orgs) = (self.an_org(), store.orgs());
                match step {
                    0 if self.orgs.len() > 3 => drop(fine(orgs.archive(org, &by).await)),
                    0..=2 => drop(fine(orgs.unarchive(org, &by).await)),
                    _ => drop(fine(orgs.rename(org, &slug, "N\0ew", &by).await)),
                }
            }
        }
    }

    /// A project or an organization changes hands, or somebody is invited.
    async fn hands_change(&mut self) {
        let (org, user, store, by) = (self.an_org(), self.a_user(), self.store(), self.town.by());
        match self.one(|it| &it.projects).filter(|_| self.below(2) > 0) {
            Some((from, project)) if from != org => {
                let moved = store.projects().transfer(project, from, org, &by).await;
                if fine(moved).is_some() {
                    self.projects.retain(|(_, it)| *it != project);
                    self.projects.push((org, project));
                }
            }
            _ => {
                let other = self.a_user();
                fine(store.members().hand_over(org, user, other, &by).await.map(drop));
                let new = self.town.new_invitation(org, user);
                let (digest, guest) = (new.digest, self.town.new_user());
                fine(store.invitations().create(new, &[], 9, &self.town.by()).await);
                let guest = Guest::New(guest);
                let (entitled, by) = (everybody(), self.town.by());
                fine(store.invitations().accept(&digest, guest, entitled, &by).await.map(drop));
            }
        }
    }

    async fn legacy(&mut self) {
        let Some((_, project)) = self.one(|it| &it.projects) else { return };
        let store = self.store();
        let salted = LegacyHash::Salted {
            lookup: "ab".to_owned(),
            phc: format!("$argon2id${}", self.below(9)),
            placeholder: self.town.digest(),
        };
        let mut owned = legacy(&self.town, LegacyHash::Digest(self.town.digest()));
        owned.owner = Some(self.a_user());
        let tokens = vec![legacy(&self.town, salted), owned];
        fine(store.legacy().import(project, tokens, &self.town.by()).await);
        let now = self.town.by().at;
        let imported = fine(store.legacy().of_project(project, None, 9, now).await);
        self.tokens.extend(imported.unwrap_or_default());
        let found = fine(store.legacy().candidates(&["ab".to_owned()], now).await);
        if let Some(found) = found.unwrap_or_default().first() {
            fine(store.legacy().adopt(found.id, &self.town.digest()).await);
        }
    }

    async fn client_changes(&mut self) {
        let Some(client) = self.one(|it| &it.clients) else { return };
        let (store, by) = (self.store(), self.town.by());
        if client != CLIENT && self.below(3) == 0 {
            fine(store.clients().disable(&client, &by).await);
            return;
        }
        let uri = format!("https://api-{}.example.com/", self.below(4));
        let new = NewResource { id: self.town.resource_id(), uri, name: "An API".to_owned() };
        fine(store.resources().register(new, Some(&client), &by).await);
    }

    async fn revoke_jwt(&mut self) {
        let jti = format!("jti_\0{}", self.below(5));
        let until = self.town.by().at + MINUTE * 5;
        let store = self.store();
        fine(store.tombstones().revoke_jwt(&jti, until, &self.town.by()).await);
    }

    async fn time_passes(&mut self) {
        let minutes = self.below(4) as u32;
        self.town.pass(MINUTE * minutes);
        let now = self.town.by().at;
        if self.below(3) == 0 && now.since(DAWN) > MINUTE * 10 {
            fine(self.store().tidy(now - MINUTE * 10).await);
        }
    }
}
