//! The first administrator: a one-time code that the first start prints.

use hallpass_core::id::UserId;
use hallpass_core::{Kind, Secret, TokenText};
use hallpass_store::{Claim, NewUser};

use crate::admin::display_name;
use crate::passwords::{self, Busy};
use crate::signin::SignedInCookie;
use crate::{Error, Issuer, Origin, email};

/// Why no administrator was made.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// Not the code that was printed last.
    #[error("this setup link is not valid; use the one that the last start of the server printed")]
    WrongCode,
    /// There is a user already.
    #[error("this server has been set up already; sign in")]
    AlreadySetUp,
    /// The e-mail address cannot be used.
    #[error(transparent)]
    Email(#[from] crate::email::BadEmail),
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] crate::passwords::BadPassword),
    /// The server is hashing too many passwords.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// Nobody could be asked.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<hallpass_store::Error> for SetUpError {
    fn from(error: hallpass_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Issuer {
    /// The setup code of this start, made at the first call; `None` once there is a user.
    /// A code of an earlier start is worth nothing from then on.
    pub async fn setup_code(&self) -> Result<Option<Secret>, Error> {
        let code = self
            .0
            .setup_code
            .get_or_try_init(async || {
                let code = TokenText::mint(Kind::Setup, &*self.0.random);
                self.0.store.setup().begin(&code.digest()).await?;
                Ok::<_, Error>(code.into_secret())
            })
            .await?;
        Ok(self.needs_setup().await?.then(|| code.clone()))
    }

    /// Whether there is no user yet.
    pub async fn needs_setup(&self) -> Result<bool, Error> {
        Ok(self.0.store.setup().needed().await?)
    }

    /// Makes the first administrator and signs them in.
    pub async fn set_up(
        &self,
        code: &str,
        email: &str,
        name: &str,
        password: &Secret,
        origin: &Origin,
    ) -> Result<SignedInCookie, SetUpError> {
        if !self.needs_setup().await? {
            return Err(SetUpError::AlreadySetUp);
        }
        // An administrator's things are not left open to whoever is on the machine.
        if self.is_local() {
            return Err(SetUpError::WrongCode);
        }
        let code = TokenText::parse(Kind::Setup, code).map_err(|_| SetUpError::WrongCode)?;
        let email = email::parse(email)?;
        let name = display_name(name).unwrap_or_else(|| email.clone());
        passwords::check(password)?;
        let phc = self.0.hasher.hash(password).await?.map_err(|Busy| SetUpError::Busy)?;
        // Whoever used the server while nobody had to sign in becomes them.
        let local = self.0.store.local().who().await?;
        let id = local.unwrap_or_else(|| self.new_id(UserId::new));
        let by = self.by(&id.to_string(), None, Some(origin));
        let new = NewUser { id, email, name, admin: true, password: Some(phc.clone()) };
        match self.0.store.setup().claim(&code.digest(), new, &by).await? {
            Claim::Claimed => {}
            Claim::Wrong => return Err(SetUpError::WrongCode),
            Claim::AlreadySetUp => return Err(SetUpError::AlreadySetUp),
        }
        let user = self.0.store.users().by_id(id).await?.ok_or(SetUpError::AlreadySetUp)?;
        let started = self.start_session(user, Some(phc), origin).await?;
        started.ok_or(SetUpError::AlreadySetUp)
    }
}
