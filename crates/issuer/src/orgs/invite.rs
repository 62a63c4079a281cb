//! Inviting somebody by a link, and accepting it.
//!
//! The secret in the link is shown once to whoever invites, or sent to the address and shown to
//! nobody. It is for one address, once, for seven days, and worth only what whoever invites may
//! still give when it is accepted.

use std::time::Duration;

use hallpass_core::id::{InvitationId, UserId};
use hallpass_core::permission::PermissionTable;
use hallpass_core::role::{OrgRole, ProjectRole};
use hallpass_core::wire::api::Page;
use hallpass_core::wire::tokens as wire;
use hallpass_core::{Digest, Kind, Secret, TokenText};
use hallpass_store::{
    Accept, Entitled, Guest, Invitation, NewInvitation, NewMail, NewUser, Role, User,
};

use super::{MAX_PAGE, MEMBERS_MANAGE, OrgError, cursor_of, page};
use crate::admin::display_name;
use crate::passwords::{self, BadPassword, Busy};
use crate::signin::SignedInCookie;
use crate::tokens::Actor;
use crate::{Error, Issuer, Origin, SignedIn, email};

/// How long an invitation is good for.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Open invitations of one organization, its projects included.
const MOST: u32 = 1000;

/// The path of the page where invitations are accepted.
pub const PAGE: &str = "/invitation";

/// Why an invitation was not accepted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// It was used, revoked or replaced, is too old, or whoever made it may not invite any
    /// more: that is not told apart.
    #[error("this invitation is not good any more")]
    Gone,
    /// It is for another address.
    #[error("this invitation is for somebody else")]
    NotTheirs,
    /// Somebody has an account with its address.
    #[error("there is an account with this address already; sign in to accept")]
    HasAccount,
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] BadPassword),
    /// The server is hashing too many passwords.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<hallpass_store::Error> for AcceptError {
    fn from(error: hallpass_store::Error) -> Self {
        match error {
            hallpass_store::Error::Conflict("email") => Self::HasAccount,
            other => Self::Failed(other.into()),
        }
    }
}

/// An invitation, as whoever has its link sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its id.
    pub id: InvitationId,
    /// Who invites: name and e-mail address.
    pub inviter: (String, String),
    /// `ORG`, or `ORG/PROJECT`.
    pub place: String,
    /// What people call it.
    pub name: String,
    /// The role that it gives.
    pub role: Role,
    /// Whom it is for.
    pub email: String,
    /// Whether somebody has an account with that address.
    pub has_account: bool,
}

impl Issuer {
    /// Invites whoever has an address to an organization, or else to one project of it. The
    /// link is in the answer, this once.
    pub async fn invite(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, Option<&str>),
        new: &wire::NewInvitation,
        origin: &Origin,
    ) -> Result<wire::CreatedInvitation, OrgError> {
        let seat = self.seat_with(actor, org, project, MEMBERS_MANAGE).await?;
        let Some((inviter, ..)) = actor.person() else {
            return Err(OrgError::NotAllowed("only a person invites somebody"));
        };
        let role = match &seat.project {
            None => new.role.parse().map(Role::Org),
            Some(project) => new.role.parse().map(|role| Role::Project(project.id, role)),
        };
        let role = role.map_err(|error: hallpass_core::role::UnknownRole| {
            OrgError::invalid("invalid_role", error.to_string())
        })?;
        if !seat.outranks(role) {
            return Err(OrgError::NotAllowed("nobody gives a role above their own; ask an owner"));
        }
        let address = email::parse(&new.email)
            .map_err(|error| OrgError::invalid("invalid_email", error.to_string()))?;
        let secret = TokenText::mint(Kind::Invitation, &*self.0.random);
        let kept = NewInvitation {
            id: self.new_id(InvitationId::new),
            digest: secret.digest(),
            org_id: seat.org.id,
            email: address,
            role,
            inviter,
            mailed: self.sends_mail(),
            expires_at: self.now() + LIFETIME,
        };
        let inviter = self.0.store.users().by_id(inviter).await?;
        let place = match &seat.project {
            None => seat.org.slug.clone(),
            Some(project) => format!("{}/{}", seat.org.slug, project.slug),
        };
        let link = Secret::new(
            self.0
                .config
                .public_url
                .join(&format!("{PAGE}?code={}", secret.into_secret().expose())),
        );
        let letter = self.letter_of(&kept, inviter.as_ref(), &place, &link)?;
        let by = self.by(&actor.name(), None, Some(origin));
        let made = self.0.store.invitations().create(kept, letter.as_slice(), MOST, &by).await?;
        let made = made.ok_or_else(|| {
            OrgError::invalid("too_many_invitations", "too many invitations are open; revoke some")
        })?;
        let link = match letter {
            None => Some(link),
            Some(_) => {
                self.call_for_mail();
                None
            }
        };
        Ok(wire::CreatedInvitation {
            invitation: shown(made, inviter.map(|user| user.email)),
            link,
        })
    }

    /// What brings the link to whom it is for, where mail is sent.
    fn letter_of(
        &self,
        new: &NewInvitation,
        inviter: Option<&User>,
        place: &str,
        link: &Secret,
    ) -> Result<Option<NewMail>, Error> {
        let inviter = inviter.map_or("", |user| user.email.as_str());
        let (title, role) = (&self.0.config.brand.title, new.role.as_str());
        let subject = format!("{inviter} invites you to {place}");
        let text = Secret::new(format!(
            "{inviter} invites you to {place} at {title}, as {role}.\n\n\
             Accept with an account that has this address, or make one with it:\n{}\n\n\
             The link works once, for seven days. If you do not know who invites you,\n\
             do nothing: nothing happens then.\n",
            link.expose(),
        ));
        self.letter(&new.email, &subject, text.expose())
    }

    /// A page of the open invitations to an organization, or else to one project of it.
    pub async fn invitations_of(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, Option<&str>),
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<wire::Invitation>, OrgError> {
        let after = cursor_of::<InvitationId>(cursor)?;
        let seat = self.seat_with(actor, org, project, MEMBERS_MANAGE).await?;
        let at = seat.project.as_ref().map(|project| project.id);
        let limit = limit.clamp(1, MAX_PAGE);
        let store = &self.0.store;
        let open = store.invitations();
        let found = open.of(seat.org.id, at, after, limit + 1, self.now()).await?;
        let found = page(found, limit, |it| it.id.to_string());
        let mut items = Vec::with_capacity(found.items.len());
        for it in found.items {
            let inviter = store.users().by_id(it.inviter).await?;
            items.push(shown(it, inviter.map(|user| user.email)));
        }
        Ok(Page { items, next_cursor: found.next_cursor })
    }

    /// Ends an open invitation to this place.
    pub async fn revoke_invitation(
        &self,
        actor: &Actor<'_>,
        (org, project): (&str, Option<&str>),
        id: &str,
        origin: &Origin,
    ) -> Result<(), OrgError> {
        let seat = self.seat_with(actor, org, project, MEMBERS_MANAGE).await?;
        let at = seat.project.as_ref().map(|project| project.id);
        let id = id.parse().map_err(|_| OrgError::Unknown("invitation"))?;
        let by = self.by(&actor.name(), None, Some(origin));
        match self.0.store.invitations().revoke(id, seat.org.id, at, &by).await? {
            true => Ok(()),
            false => Err(OrgError::Unknown("invitation")),
        }
    }

    /// What an invitation is, for whoever has its link; as long as it can be accepted.
    pub async fn invitation(&self, secret: &str) -> Result<Shown, AcceptError> {
        let digest = digest_of(secret)?;
        let store = &self.0.store;
        let found = store.invitations().by_digest(&digest, self.now()).await?;
        let found = found.ok_or(AcceptError::Gone)?;
        let inviter = store.users().by_id(found.inviter).await?;
        let inviter = inviter.filter(|user| user.disabled_at.is_none()).ok_or(AcceptError::Gone)?;
        let org = store.orgs().by_id(found.org_id).await?;
        let org = org.filter(|org| org.disabled_at.is_none()).ok_or(AcceptError::Gone)?;
        let (place, name) = match found.role {
            Role::Org(_) => (org.slug, org.name),
            Role::Project(id, _) => {
                let project = store.projects().by_id(id).await?;
                let project = project.filter(|it| it.disabled_at.is_none());
                let project = project.ok_or(AcceptError::Gone)?;
                (format!("{}/{}", org.slug, project.slug), project.name)
            }
        };
        if !self.may_still_invite(&found).await? {
            return Err(AcceptError::Gone);
        }
        let has_account = store.users().by_email(&found.email).await?.is_some();
        Ok(Shown {
            id: found.id,
            inviter: (inviter.name, inviter.email),
            place,
            name,
            role: found.role,
            email: found.email,
            has_account,
        })
    }

    /// Accepts an invitation for somebody who is signed in.
    pub async fn accept(
        &self,
        secret: &str,
        person: &SignedIn,
        origin: &Origin,
    ) -> Result<(), AcceptError> {
        let User { id, email, .. } = &person.user;
        let guest = Guest::Known(*id, email.clone());
        self.spend(secret, guest, *id, origin).await.map(drop)
    }

    /// Accepts an invitation for somebody who has no account, makes one with the address that
    /// was invited, and signs them in.
    pub async fn accept_as_new(
        &self,
        secret: &str,
        name: &str,
        password: &Secret,
        origin: &Origin,
    ) -> Result<SignedInCookie, AcceptError> {
        // Before a password is hashed for whoever asks.
        let known = self.invitation(secret).await?;
        if known.has_account {
            return Err(AcceptError::HasAccount);
        }
        passwords::check(password)?;
        let phc = self.0.hasher.hash(password).await?.map_err(|Busy| AcceptError::Busy)?;
        let name = display_name(name).unwrap_or_else(|| known.email.clone());
        let id = self.new_id(UserId::new);
        let password = Some(phc.clone());
        let new = NewUser { id, email: known.email, name, admin: false, password };
        self.spend(secret, Guest::New(new), id, origin).await?;
        let user = self.0.store.users().by_id(id).await?.ok_or(AcceptError::Gone)?;
        let started = self.start_session(user, Some(phc), origin).await?;
        started.ok_or(AcceptError::Gone)
    }

    async fn spend(
        &self,
        secret: &str,
        guest: Guest,
        actor: UserId,
        origin: &Origin,
    ) -> Result<(), AcceptError> {
        let digest = digest_of(secret)?;
        let invitations = self.0.store.invitations();
        let found = invitations.by_digest(&digest, self.now()).await?.ok_or(AcceptError::Gone)?;
        let entitled = entitled(&self.0.config.brand.roles, found.role);
        let by = self.by(&actor.to_string(), None, Some(origin));
        match invitations.accept(&digest, guest, entitled, &by).await? {
            Accept::Done(_) | Accept::Already(_) => Ok(()),
            Accept::NotTheirs => Err(AcceptError::NotTheirs),
            Accept::Gone => Err(AcceptError::Gone),
        }
    }

    /// The same that accepting it asks, for the page that shows it.
    async fn may_still_invite(&self, invitation: &Invitation) -> Result<bool, Error> {
        let entitled = entitled(&self.0.config.brand.roles, invitation.role);
        let roles = self.0.store.members().of_user(invitation.inviter).await?;
        let here = roles.iter().filter(|it| it.org_id == invitation.org_id);
        Ok(here.into_iter().any(|it| match it.role {
            Role::Org(role) => entitled.org.contains(&role),
            Role::Project(id, role) => {
                invitation.role.project() == Some(id) && entitled.project.contains(&role)
            }
        }))
    }
}

/// Which roles may give `role` to somebody.
fn entitled(table: &PermissionTable, role: Role) -> Entitled {
    let org = [OrgRole::Member, OrgRole::Admin, OrgRole::Owner].into_iter();
    let project = [ProjectRole::Viewer, ProjectRole::Collaborator, ProjectRole::Owner];
    let project = project.into_iter();
    match role {
        Role::Org(role) => Entitled {
            org: org
                .filter(|own| *own >= role && table.of_org(*own).contains(MEMBERS_MANAGE))
                .collect(),
            project: Vec::new(),
        },
        Role::Project(_, role) => {
            let may =
                |own: ProjectRole| own >= role && table.of_project(own).contains(MEMBERS_MANAGE);
            let implied = |own: &OrgRole| hallpass_core::permission::implied(*own).is_some_and(may);
            Entitled {
                org: org.filter(implied).collect(),
                project: project.filter(|own| may(*own)).collect(),
            }
        }
    }
}

fn digest_of(secret: &str) -> Result<Digest, AcceptError> {
    let text = TokenText::parse(Kind::Invitation, secret).map_err(|_| AcceptError::Gone)?;
    Ok(text.digest())
}

fn shown(invitation: Invitation, inviter: Option<String>) -> wire::Invitation {
    wire::Invitation {
        id: invitation.id.to_string(),
        email: invitation.email,
        role: invitation.role.as_str().to_owned(),
        invited_by: inviter.unwrap_or_default(),
        mailed: invitation.mailed,
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
    }
}
