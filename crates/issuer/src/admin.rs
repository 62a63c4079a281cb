//! Users, clients and resources are made and ended, by an operator.

use hallpass_core::id::{AgentId, OrgId, ProjectId, ResourceId, SigningKeyId, TokenId, UserId};
use hallpass_core::redirect::RegisteredRedirect;
use hallpass_core::text::presentable;
use hallpass_core::wire::oauth::{AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN, TOKEN_EXCHANGE};
use hallpass_core::{Kind, Scope, Secret, TokenText};
use hallpass_store::{By, Client, ClientKind, Disable, KeysMade, NewResource, User};

use crate::authorize::known_scopes;
use crate::authorize::request::well_formed_resource;
use crate::notices::Deed;
use crate::passwords::{self, Busy};
use crate::signing::Alg;
use crate::tokens::Actor;
use crate::{Error, Issuer, Origin, email};

/// Longest name of a user, client or resource, and longest client id.
const MAX_NAME: usize = 80;

/// How a caller's right to ask about our own API is kept: relative, because a client may
/// be made before the public URL is decided, and the public URL may change. No client
/// can ask for it as a `resource`, which has to be absolute.
pub(crate) const OWN_API: &str = "/api";

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// E-mail address; unique, whatever its case.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Without one nobody can sign in with a password.
    pub password: Option<Secret>,
    /// Whether they administer this deployment.
    pub admin: bool,
}

/// A client to be made.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its id; letters, digits, `-`, `.` and `_`.
    pub id: String,
    /// What people see; the id if empty.
    pub name: String,
    /// Whether it can keep a secret (RFC 6749 §2.1); it gets one then.
    pub confidential: bool,
    /// Complete redirect URIs (RFC 8252 §8.4).
    pub redirect_uris: Vec<String>,
    /// Where its logout may lead.
    pub post_logout_redirect_uris: Vec<String>,
    /// `None`: code and refresh, and the device flow for a public client.
    pub grant_types: Option<Vec<String>>,
    /// What it may ask for; `None`: everything that this server knows, but `tokens`.
    pub scopes: Option<Scope>,
    /// Only for a confidential client: it may come without PKCE, then with a `nonce`.
    pub without_pkce: bool,
    /// `RS256` (default) or `ES256`.
    pub id_token_alg: Option<String>,
    /// Resources that it may introspect tokens for; `None`: the default one, if it is
    /// confidential.
    pub resources: Option<Vec<String>>,
    /// Each of its token requests needs a proof of possession (RFC 9449 §5.2).
    pub dpop_required: bool,
}

/// Why it was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The e-mail address cannot be used.
    #[error(transparent)]
    Email(#[from] crate::email::BadEmail),
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] crate::passwords::BadPassword),
    /// A redirect URI cannot be used.
    #[error("{uri}: {why}")]
    Redirect {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        why: hallpass_core::redirect::BadRedirect,
    },
    /// Something else cannot be used; says what and why.
    #[error("{0}")]
    Invalid(&'static str),
    /// The name is taken; nothing was made.
    #[error("there is one with this {0} already; nothing was made")]
    Taken(&'static str),
    /// There is nobody and nothing of that name.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// Somebody has to be left who administers the deployment.
    #[error(
        "nobody else administers this server; nothing was changed; make somebody else an administrator first"
    )]
    LastAdmin,
    /// What becomes of the keys that they made is to be said before they are disabled.
    #[error(
        "they made keys that are still good: {}; nothing was changed; say what becomes of those, keep or revoke",
        .0.join(", ")
    )]
    KeysMade(Vec<String>),
    /// They are the last owner of this organization, which would be nobody's.
    #[error(
        "they are the last owner of {0}, so nothing was changed; make somebody else an owner first: hallpass admin member set {0} EMAIL owner"
    )]
    LastOwner(String),
    /// The server is hashing too many passwords.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<hallpass_store::Error> for AdminError {
    fn from(error: hallpass_store::Error) -> Self {
        match error {
            hallpass_store::Error::Conflict(what) => Self::Taken(what),
            hallpass_store::Error::Missing(what) => Self::Unknown(what),
            other => Self::Failed(other.into()),
        }
    }
}

impl Issuer {
    /// Makes a user. `actor` stands in the audit log: a user id, or `system`.
    pub async fn create_user(&self, new: NewUser, actor: &str) -> Result<User, AdminError> {
        let email = email::parse(&new.email)?;
        let name = display_name(&new.name).unwrap_or_else(|| email.clone());
        let password = match &new.password {
            Some(password) => Some(self.hash_new(password).await?),
            None => None,
        };
        if new.admin && self.is_local() {
            return Err(AdminError::Invalid(
                "nobody has to sign in at this server now; stop it, start it without --local, and make the administrator then",
            ));
        }
        // The first administrator becomes whoever used the server while nobody had to sign in.
        let local = if new.admin { self.0.store.local().who().await? } else { None };
        let id = local.unwrap_or_else(|| self.new_id(UserId::new));
        let user = hallpass_store::NewUser { id, email, name, admin: new.admin, password };
        Ok(self.0.store.users().create(user, &self.by(actor, None, None)).await?)
    }

    /// Disables a user: every grant and session of theirs ends. False if they were. Not whoever
    /// is the last owner of an organization; and not whoever made keys that are still good, until
    /// somebody says what becomes of those ([`Issuer::dismiss`]).
    pub async fn disable_user(&self, user: UserId, actor: &str) -> Result<bool, AdminError> {
        let by = self.by(actor, None, None);
        let disabled = self.0.store.users().dismiss(user, KeysMade::NotAsked, &by).await?;
        self.disabled(user, disabled).await
    }

    /// The same for the operator, with a word about the keys that they made.
    pub async fn dismiss(&self, user: UserId, keys: KeysMade) -> Result<bool, AdminError> {
        let by = self.by_about(&Actor::Operator, &Origin::default(), user, Deed::Disabled).await?;
        let disabled = self.0.store.users().dismiss(user, keys, &by).await?;
        self.disabled(user, disabled).await
    }

    /// What is answered about somebody who was to be disabled.
    pub(crate) async fn disabled(&self, user: UserId, what: Disable) -> Result<bool, AdminError> {
        match what {
            Disable::Done => {
                self.call_for_mail();
                Ok(true)
            }
            Disable::Same => Ok(false),
            Disable::KeysMade => Err(AdminError::KeysMade(self.keys_made_by(user, None).await?)),
            Disable::LastAdmin => Err(AdminError::LastAdmin),
            Disable::LastOwner(org) => {
                let org = self.0.store.orgs().by_id(org).await?;
                Err(AdminError::LastOwner(org.map(|org| org.slug).unwrap_or_default()))
            }
        }
    }

    /// Lets a disabled user in again; what was ended stays ended. False if they were not.
    pub async fn enable_user(&self, user: UserId, actor: &str) -> Result<bool, AdminError> {
        Ok(self.0.store.users().enable(user, &self.by(actor, None, None)).await?)
    }

    /// The same for the operator, which they are told of.
    pub async fn readmit(&self, user: UserId) -> Result<bool, AdminError> {
        let by = self.by_about(&Actor::Operator, &Origin::default(), user, Deed::Enabled).await?;
        let done = self.0.store.users().enable(user, &by).await?;
        self.call_for_mail();
        Ok(done)
    }

    /// Sets a user's password. Every grant and session of theirs ends.
    pub async fn set_password(
        &self,
        user: UserId,
        password: &Secret,
        actor: &str,
    ) -> Result<(), AdminError> {
        let phc = self.hash_new(password).await?;
        let mut by = self.by(actor, None, None);
        by.letters = self.told(&Actor::Operator, user, Deed::Password).await?;
        let changed = self.0.store.users().change_password(user, &phc, None, &by).await?;
        self.call_for_mail();
        if changed { Ok(()) } else { Err(AdminError::Unknown("enabled user")) }
    }

    /// Makes a client; a confidential one comes with its secret, shown this once.
    pub async fn create_client(
        &self,
        new: NewClient,
        actor: &str,
    ) -> Result<(Client, Option<Secret>), AdminError> {
        self.create_client_by(new, self.by(actor, None, None)).await
    }

    /// The same, for an administrator who is signed in.
    pub async fn create_client_for(
        &self,
        new: NewClient,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<(Client, Option<Secret>), AdminError> {
        self.create_client_by(new, self.by(&actor.name(), None, Some(origin))).await
    }

    async fn create_client_by(
        &self,
        new: NewClient,
        by: By,
    ) -> Result<(Client, Option<Secret>), AdminError> {
        let resources = match &new.resources {
            Some(resources) => resources.clone(),
            None if new.confidential => vec![OWN_API.to_owned()],
            None => Vec::new(),
        };
        if !resources.is_empty() && !new.confidential {
            return Err(AdminError::Invalid("only a confidential client may introspect tokens"));
        }
        for resource in resources.iter().filter(|resource| *resource != OWN_API) {
            check_resource(resource)?;
        }
        let secret = new.confidential.then(|| TokenText::mint(Kind::ClientSecret, &*self.0.random));
        let client = self.client(new, secret.as_ref())?;
        let resources = resources.iter().map(|uri| self.new_resource(uri, uri)).collect();
        self.0.store.clients().create_for(client.clone(), resources, &by).await?;
        Ok((client, secret.map(TokenText::into_secret)))
    }

    /// Disables a client: nothing is issued to it, and what it holds is refused. False if
    /// it was.
    pub async fn disable_client(&self, id: &str, actor: &str) -> Result<bool, AdminError> {
        self.disable_client_by(id, self.by(actor, None, None)).await
    }

    /// The same, for an administrator who is signed in.
    pub async fn disable_client_for(
        &self,
        id: &str,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<bool, AdminError> {
        self.disable_client_by(id, self.by(&actor.name(), None, Some(origin))).await
    }

    async fn disable_client_by(&self, id: &str, by: By) -> Result<bool, AdminError> {
        let clients = self.0.store.clients();
        let changed = clients.disable(id, &by).await?;
        if !changed && clients.by_id(id).await?.is_none() {
            return Err(AdminError::Unknown("client"));
        }
        Ok(changed)
    }

    /// Registers a resource (RFC 8707) that tokens can be made out for, and optionally a
    /// confidential client that may introspect them.
    pub async fn register_resource(
        &self,
        uri: &str,
        name: &str,
        caller: Option<&str>,
        actor: &str,
    ) -> Result<(), AdminError> {
        check_resource(uri)?;
        Ok(self.register(uri, name, caller, actor).await?)
    }

    async fn register(
        &self,
        uri: &str,
        name: &str,
        caller: Option<&str>,
        actor: &str,
    ) -> Result<(), Error> {
        let new = self.new_resource(uri, name);
        Ok(self.0.store.resources().register(new, caller, &self.by(actor, None, None)).await?)
    }

    fn new_resource(&self, uri: &str, name: &str) -> NewResource {
        let id = self.new_id(ResourceId::new);
        let name = display_name(name).unwrap_or_else(|| uri.to_owned());
        NewResource { id, uri: uri.to_owned(), name }
    }

    /// Makes the next signing key of each algorithm now. It signs after the usual time of
    /// publication, or at once if `at_once` (a key has leaked): then nothing that an older
    /// key signed is good any more.
    pub async fn rotate_signing_keys(
        &self,
        at_once: bool,
        actor: &str,
    ) -> Result<Vec<SigningKeyId>, AdminError> {
        Ok(self.rotate_keys(at_once, actor, None).await?)
    }

    /// The same, for an administrator who is signed in.
    pub async fn rotate_signing_keys_for(
        &self,
        at_once: bool,
        actor: &Actor<'_>,
        origin: &Origin,
    ) -> Result<Vec<SigningKeyId>, AdminError> {
        Ok(self.rotate_keys(at_once, &actor.name(), Some(origin)).await?)
    }

    /// Our own API is a resource that is always there.
    pub(crate) async fn ensure_default_resource(&self) -> Result<(), Error> {
        let uri = self.0.config.public_url.default_resource().to_owned();
        if !self.0.store.resources().exists(&uri).await? {
            let name = format!("{} API", self.0.config.brand.title);
            let new = NewResource { id: self.new_id(ResourceId::new), uri, name };
            self.0.store.resources().register(new, None, &self.by("system", None, None)).await?;
        }
        Ok(())
    }

    async fn hash_new(&self, password: &Secret) -> Result<String, AdminError> {
        passwords::check(password)?;
        self.0.hasher.hash(password).await?.map_err(|Busy| AdminError::Busy)
    }

    fn client(&self, new: NewClient, secret: Option<&TokenText>) -> Result<Client, AdminError> {
        check_client_id(&new.id)?;
        let redirect_uris = new.redirect_uris.iter().map(|uri| redirect(uri));
        let redirect_uris = redirect_uris.collect::<Result<Vec<_>, _>>()?;
        let logouts = new.post_logout_redirect_uris;
        logouts.iter().try_for_each(|uri| redirect(uri).map(|_| ()))?;
        let grant_types = match new.grant_types {
            Some(kinds) => checked_grant_types(kinds, !redirect_uris.is_empty())?,
            None => usual_grant_types(new.confidential, !redirect_uris.is_empty()),
        };
        let id_token_alg = new.id_token_alg.unwrap_or_else(|| Alg::Rs256.as_str().to_owned());
        if Alg::from_name(&id_token_alg).is_none() {
            return Err(AdminError::Invalid("ID tokens are signed with RS256 or ES256"));
        }
        if new.without_pkce && !new.confidential {
            return Err(AdminError::Invalid("a public client cannot work without PKCE"));
        }
        let scopes = new.scopes.unwrap_or_else(usual_scopes);
        if !scopes.is_subset(&known_scopes()) {
            return Err(AdminError::Invalid(
                "the scopes are openid, profile, email, offline_access, account and tokens",
            ));
        }
        Ok(Client {
            name: display_name(&new.name).unwrap_or_else(|| new.id.clone()),
            id: new.id,
            kind: if new.confidential { ClientKind::Confidential } else { ClientKind::Public },
            secret: secret.map(TokenText::digest),
            redirect_uris,
            post_logout_redirect_uris: logouts,
            grant_types,
            scopes,
            pkce_required: !new.without_pkce,
            id_token_alg,
            created_at: self.now(),
            disabled_at: None,
            dpop_required: new.dpop_required,
        })
    }
}

/// A name as it is kept: what deceives is taken out. `None` if nothing is left.
pub(crate) fn display_name(name: &str) -> Option<String> {
    Some(presentable(name, MAX_NAME)).filter(|name| !name.is_empty())
}

/// RFC 9700 §4.15: no client may look like a user. Our ids are `prefix_ULID`.
fn check_client_id(id: &str) -> Result<(), AdminError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if id.is_empty() || id.len() > MAX_NAME || !id.bytes().all(plain) {
        return Err(AdminError::Invalid(
            "a client id has 1 to 80 characters: letters, digits, '-', '.' and '_'",
        ));
    }
    let prefix = id.split_once('_').map(|(prefix, _)| prefix.to_ascii_lowercase());
    let ours = [UserId::PREFIX, OrgId::PREFIX, ProjectId::PREFIX, AgentId::PREFIX, TokenId::PREFIX];
    if prefix.is_some_and(|prefix| ours.contains(&prefix.as_str())) {
        return Err(AdminError::Invalid("a client id must not look like the id of a user"));
    }
    Ok(())
}

fn redirect(uri: &str) -> Result<RegisteredRedirect, AdminError> {
    RegisteredRedirect::parse(uri).map_err(|why| AdminError::Redirect { uri: uri.to_owned(), why })
}

fn check_resource(uri: &str) -> Result<(), AdminError> {
    let why = "a resource is an absolute URI without a fragment";
    well_formed_resource(uri).map_err(|_| AdminError::Invalid(why))
}

/// Everything but making tokens, which outlive the sign-in: who wants that says so.
fn usual_scopes() -> Scope {
    let known = known_scopes();
    known.iter().filter(|scope| *scope != hallpass_core::scope::TOKENS).collect()
}

/// Code and refresh for who can be redirected to, and the device flow for programs. A
/// confidential client without redirect URIs only introspects.
fn usual_grant_types(confidential: bool, redirects: bool) -> Vec<String> {
    let kinds: &[&str] = match (confidential, redirects) {
        (true, true) => &[AUTHORIZATION_CODE, REFRESH_TOKEN],
        (true, false) => &[],
        (false, true) => &[AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE, TOKEN_EXCHANGE],
        (false, false) => &[REFRESH_TOKEN, DEVICE_CODE, TOKEN_EXCHANGE],
    };
    kinds.iter().map(|kind| (*kind).to_owned()).collect()
}

fn checked_grant_types(kinds: Vec<String>, redirects: bool) -> Result<Vec<String>, AdminError> {
    let known = [AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE, TOKEN_EXCHANGE];
    if !kinds.iter().all(|kind| known.contains(&kind.as_str())) {
        return Err(AdminError::Invalid(
            "the grant types are authorization_code, refresh_token, urn:ietf:params:oauth:grant-type:device_code and urn:ietf:params:oauth:grant-type:token-exchange",
        ));
    }
    if !redirects && kinds.iter().any(|kind| kind == AUTHORIZATION_CODE) {
        return Err(AdminError::Invalid("authorization_code needs a redirect URI"));
    }
    Ok(kinds)
}
