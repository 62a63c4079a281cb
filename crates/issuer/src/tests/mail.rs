//! Letters.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use hallpass_core::wire::tokens::NewToken;

use super::house::{House, home};
use crate::mail::{Letter, MailError, Mailer};
use crate::tokens::Actor;

/// A mailer that answers as it is told, and remembers what it was handed.
#[derive(Default)]
pub(crate) struct Pigeon {
    pub(crate) answer: Mutex<Option<MailError>>,
    pub(crate) handed: Mutex<Vec<(String, String, String, String)>>,
}

impl Pigeon {
    /// A house whose letters it carries.
    pub(crate) fn of(house: &House) -> Arc<Self> {
        let pigeon = Arc::new(Self::default());
        house.issuer.send_mail_through(pigeon.clone());
        pigeon
    }

    /// To whom it was handed what, since it was last asked.
    pub(crate) async fn carried(&self, house: &House) -> Vec<(String, String)> {
        house.issuer.send_mail().await.unwrap();
        let handed = std::mem::take(&mut *self.handed.lock().unwrap());
        handed.into_iter().map(|(_, to, subject, _)| (to, subject)).collect()
    }
}

impl Mailer for Pigeon {
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
    ) -> Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>> {
        let text = letter.text.expose().to_owned();
        let letter = (letter.id.to_string(), letter.to.clone(), letter.subject.clone(), text);
        self.handed.lock().unwrap().push(letter);
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async move { answer.map_or(Ok(()), Err) })
    }
}

// proves: HP13
#[tokio::test]
async fn a_letter_is_tried_again_under_one_name_until_it_is_taken_or_old() {
    let house = House::new().await;
    let ada = house.ada().await;
    let actor = Actor::Person(&ada.user);
    let leak = async |name: &str| {
        let new = NewToken { name: name.to_owned(), ..NewToken::default() };
        let made = house.issuer.create_token(&actor, new, &home()).await.unwrap();
        house.issuer.revoke_leaked(&[made.value], "a test", &home()).await.unwrap();
    };
    // Without a mailer nothing is written, and nothing is sent when there is one.
    leak("before").await;
    let pigeon = Pigeon::of(&house);
    assert!(pigeon.carried(&house).await.is_empty());

    *pigeon.answer.lock().unwrap() = Some(MailError::Later("busy".to_owned()));
    leak("ci").await;
    house.issuer.send_mail().await.unwrap();
    house.issuer.send_mail().await.unwrap();
    assert_eq!(pigeon.handed.lock().unwrap().len(), 1, "not at once again");
    house.pass(5);
    house.issuer.send_mail().await.unwrap();
    *pigeon.answer.lock().unwrap() = None;
    house.pass(10);
    house.issuer.send_mail().await.unwrap();
    house.pass(9999);
    house.issuer.send_mail().await.unwrap();
    let handed = std::mem::take(&mut *pigeon.handed.lock().unwrap());
    assert_eq!(handed.len(), 3);
    assert!(handed.iter().all(|it| it == &handed[0]));
    assert_eq!(
        (handed[0].1.as_str(), &*handed[0].2),
        ("ada@example.com", "\"ci\" leaked and was revoked")
    );

    // One that is refused is not tried again, nor one that is old.
    *pigeon.answer.lock().unwrap() = Some(MailError::Never("nobody".to_owned()));
    leak("deploy").await;
    assert_eq!(pigeon.carried(&house).await.len(), 1);
    house.pass(99_999);
    assert!(pigeon.carried(&house).await.is_empty());
    *pigeon.answer.lock().unwrap() = Some(MailError::Later("gone".to_owned()));
    leak("old").await;
    house.pass(2 * 86_400);
    assert_eq!(pigeon.carried(&house).await.len(), 1);
    house.pass(99_999);
    assert!(pigeon.carried(&house).await.is_empty());
}
