//! The first administrator.

use hallpass_core::Secret;

use super::house::{House, PASSWORD, home};
use crate::passwords::BadPassword;
use crate::setup::SetUpError;
use crate::signin::SignedInCookie;

async fn set_up(
    house: &House,
    code: &str,
    email: &str,
    password: &str,
) -> Result<SignedInCookie, SetUpError> {
    house.issuer.set_up(code, email, "Ada", &Secret::new(password), &home()).await
}

#[tokio::test]
async fn the_code_makes_one_administrator() {
    let house = House::new().await;
    assert!(house.issuer.needs_setup().await.unwrap());
    let code = house.issuer.setup_code().await.unwrap().unwrap();
    assert_eq!(
        house.issuer.setup_code().await.unwrap().as_ref(),
        Some(&code),
        "one for each start"
    );
    let code = code.expose();
    // What is wrong spends nothing.
    for (typed, email, password) in [
        ("", "ada@example.com", PASSWORD),
        ("hp_setup_x", "ada@example.com", PASSWORD),
        (code, "nonsense", PASSWORD),
        (code, "ada@example.com", "short"),
        (&code[..code.len() - 1], "ada@example.com", PASSWORD),
    ] {
        assert!(set_up(&house, typed, email, password).await.is_err());
    }
    assert!(matches!(
        set_up(&house, code, "ada@example.com", "short").await,
        Err(SetUpError::Password(BadPassword::TooShort))
    ));
    let first = set_up(&house, code, " Ada@Example.com", PASSWORD).await.unwrap();
    assert!(first.signed_in.user.admin);
    assert_eq!(first.signed_in.user.email, "ada@example.com");
    assert!(house.issuer.session(first.cookie.expose()).await.unwrap().is_some());
    // It is spent, and there is no other.
    assert!(matches!(
        set_up(&house, code, "eve@example.com", PASSWORD).await,
        Err(SetUpError::AlreadySetUp)
    ));
    assert!(!house.issuer.needs_setup().await.unwrap());
    assert!(house.issuer.setup_code().await.unwrap().is_none());
    house.sign_in("ada@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_becomes_administrator() {
    let house = std::sync::Arc::new(House::new().await);
    let code = house.issuer.setup_code().await.unwrap().unwrap();
    let tries: Vec<_> = (0..16)
        .map(|n| {
            let (house, code) = (house.clone(), code.clone());
            tokio::spawn(async move {
                set_up(&house, code.expose(), &format!("p{n}@example.com"), PASSWORD).await.is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for attempt in tries {
        won += usize::from(attempt.await.unwrap());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_later_start_makes_the_earlier_code_worthless() {
    let store = hallpass_store::Store::open(&hallpass_store::Place::Memory).await.unwrap();
    let house = House::over(store.clone(), super::house::config()).await;
    let early = house.issuer.setup_code().await.unwrap().unwrap();
    let again = House::over(store, super::house::config()).await;
    // Dice fall alike in every house; a second start has thrown them longer.
    again.ada_is_not_there().await;
    let late = again.issuer.setup_code().await.unwrap().unwrap();
    assert_ne!(early, late);
    let refused = set_up(&again, early.expose(), "ada@example.com", PASSWORD).await;
    assert!(matches!(refused, Err(SetUpError::WrongCode)));
    assert!(set_up(&again, late.expose(), "ada@example.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_user_made_by_a_script_ends_the_setup() {
    let house = House::new().await;
    let code = house.issuer.setup_code().await.unwrap().unwrap();
    house.ada().await;
    assert!(matches!(
        set_up(&house, code.expose(), "eve@example.com", PASSWORD).await,
        Err(SetUpError::AlreadySetUp)
    ));
}

impl House {
    /// Throws the dice once for nothing.
    async fn ada_is_not_there(&self) {
        let nobody = Secret::new("nobody is here");
        let refused = self.issuer.sign_in("ada@example.com", &nobody, None, &home()).await;
        assert!(refused.is_err());
    }
}
