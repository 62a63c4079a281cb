//! Attacks 35, 36, 38, 39 and 44: people sign in.

use std::sync::Arc;

use hallpass_core::Secret;

use super::house::{House, PASSWORD, cheap, config, from, home};
use crate::admin::NewUser;
use crate::signin::{SignInError, SignedInCookie};
use crate::{Config, Limits, PasswordCost};

async fn try_in(
    house: &House,
    email: &str,
    password: &str,
    address: &str,
) -> Result<SignedInCookie, SignInError> {
    house.issuer.sign_in(email, &Secret::new(password), None, &from(address)).await
}

// proves: attack-36
#[tokio::test]
async fn the_answer_is_the_same_whoever_does_not_exist() {
    let house = House::new().await;
    house.ada().await;
    let gone = house.person("gone@example.com").await;
    house.issuer.disable_user(gone.user.id, "system").await.unwrap();
    let without = NewUser {
        email: "without@example.com".to_owned(),
        name: String::new(),
        password: None,
        admin: false,
    };
    house.issuer.create_user(without, "system").await.unwrap();
    for (email, password) in [
        ("ada@example.com", "wrong password"),
        ("ada@example.com", ""),
        ("ada@example.com", &"x".repeat(5000)),
        ("nobody@example.com", PASSWORD),
        ("", PASSWORD),
        ("not an address", PASSWORD),
        (&"x".repeat(5000), PASSWORD),
        ("gone@example.com", PASSWORD),
        ("gone@example.com", "wrong password"),
        ("without@example.com", PASSWORD),
        ("without@example.com", ""),
    ] {
        let refused = try_in(&house, email, password, "203.0.113.7").await.unwrap_err();
        assert!(matches!(refused, SignInError::Wrong), "{email}: {refused:?}");
        assert_eq!(refused.to_string(), "e-mail address or password is wrong");
    }
}

// proves: attack-36, attack-38
#[tokio::test]
async fn limits_bite_alike_whether_there_is_an_account_or_not() {
    let house = House::new().await;
    house.ada().await;
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut answers = Vec::new();
        for n in 0..15 {
            let address = format!("198.51.100.{n}");
            answers.push(match try_in(&house, email, "wrong password", &address).await {
                Err(SignInError::Wrong) => 'w',
                Err(SignInError::Limited { retry_after }) if !retry_after.is_zero() => 'l',
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(answers.iter().collect::<String>(), "wwwwwwwwwwlllll", "{email}");
        house.pass(3600);
    }
}

// proves: attack-38
#[tokio::test]
async fn every_spelling_counts_as_the_same_account() {
    let house = House::new().await;
    house.ada().await;
    let spellings = [
        "ada@example.com",
        "ADA@example.com",
        " ada@EXAMPLE.com ",
        "ａda@example.com",
        "Ada@Example.Com\t",
    ];
    for n in 0..10 {
        let wrong = try_in(&house, spellings[n % 5], "wrong password", "198.51.100.1").await;
        assert!(matches!(wrong, Err(SignInError::Wrong)), "{n}");
    }
    for spelling in spellings {
        let limited = try_in(&house, spelling, PASSWORD, "198.51.100.2").await;
        assert!(matches!(limited, Err(SignInError::Limited { .. })), "{spelling}");
    }
}

// proves: attack-38
#[tokio::test]
async fn one_network_against_many_accounts_and_many_networks_against_one() {
    let house = House::new().await;
    house.ada().await;
    let mut let_through = [0, 0];
    for n in 0..300 {
        let email = format!("p{n}@example.com");
        let spray = try_in(&house, &email, "wrong password", "198.51.100.1").await;
        let_through[0] += usize::from(matches!(spray, Err(SignInError::Wrong)));
        let address = format!("10.{}.{}.1", n / 200, n % 200);
        let rotated = try_in(&house, "ada@example.com", "wrong password", &address).await;
        let_through[1] += usize::from(matches!(rotated, Err(SignInError::Wrong)));
    }
    assert_eq!(let_through, [100, 50]);
}

// proves: attack-38
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once_are_no_more_than_the_limit() {
    let wide = PasswordCost { queue: 5000, ..cheap() };
    let house = Arc::new(House::with(Config { password: wide, ..config() }).await);
    house.ada().await;
    let tries: Vec<_> = (0..1000)
        .map(|_| {
            let house = house.clone();
            tokio::spawn(async move {
                try_in(&house, "ada@example.com", "wrong password", "198.51.100.1").await
            })
        })
        .collect();
    let mut looked = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            Err(SignInError::Wrong) => looked += 1,
            Err(SignInError::Limited { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((1..=10).contains(&looked), "{looked}");
}

// proves: attack-39
#[tokio::test]
async fn nobody_can_lock_a_person_out_of_where_they_are() {
    let house = House::new().await;
    // She has signed in from 203.0.113.7 before.
    house.ada().await;
    for n in 0..200 {
        let address = format!("10.0.{n}.1");
        let _refused = try_in(&house, "ada@example.com", "wrong password", &address).await;
        // Also from next door, and against others, so that her network is full.
        let _refused = try_in(&house, "ada@example.com", "wrong password", "203.0.113.8").await;
        let _refused =
            try_in(&house, &format!("p{n}@x.example"), "wrong password", "203.0.113.9").await;
    }
    let strange = try_in(&house, "ada@example.com", PASSWORD, "192.0.2.1").await;
    assert!(matches!(strange, Err(SignInError::Limited { .. })));
    assert!(try_in(&house, "ada@example.com", PASSWORD, "203.0.113.7").await.is_ok());
    // Guessing from her own address is bounded all the same.
    let mut let_through = 0;
    for _ in 0..30 {
        let wrong = try_in(&house, "ada@example.com", "wrong password", "203.0.113.7").await;
        let_through += usize::from(matches!(wrong, Err(SignInError::Wrong)));
    }
    assert_eq!(let_through, 10);
}

#[tokio::test]
async fn who_gets_it_right_starts_over() {
    let house = House::new().await;
    house.ada().await;
    for _ in 0..5 {
        for _ in 0..9 {
            let wrong = try_in(&house, "ada@example.com", "wrong password", "203.0.113.7").await;
            assert!(matches!(wrong, Err(SignInError::Wrong)));
        }
        assert!(try_in(&house, "ada@example.com", PASSWORD, "203.0.113.7").await.is_ok());
    }
}

// proves: attack-44
#[tokio::test(flavor = "multi_thread")]
async fn of_500_at_once_few_run_few_wait_and_the_rest_are_told() {
    let narrow = PasswordCost { memory_kib: 4096, passes: 4, permits: 1, queue: 2, ..cheap() };
    let limits = Limits {
        sign_in_per_network: 10_000,
        sign_in_per_account: 10_000,
        sign_in_per_account_and_network: 10_000,
        ..Limits::default()
    };
    let house = Arc::new(House::with(Config { password: narrow, limits, ..config() }).await);
    house.ada().await;
    let tries: Vec<_> = (0..500)
        .map(|_| {
            let house = house.clone();
            tokio::spawn(async move {
                try_in(&house, "ada@example.com", "wrong password", "203.0.113.7").await
            })
        })
        .collect();
    let (mut busy, mut wrong) = (0, 0);
    for attempt in tries {
        match attempt.await.unwrap() {
            Err(SignInError::Busy) => busy += 1,
            Err(SignInError::Wrong) => wrong += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(busy + wrong, 500);
    assert!(busy > 0 && wrong >= 3, "{busy} busy, {wrong} wrong");
    // And it is over with the crowd.
    assert!(try_in(&house, "ada@example.com", PASSWORD, "203.0.113.7").await.is_ok());
}

// proves: attack-35
#[tokio::test]
async fn a_sign_in_brings_a_new_cookie_and_ends_the_old_one() {
    let house = House::new().await;
    house.ada().await;
    house.person("mallory@example.com").await;
    let planted = house.sign_in("mallory@example.com").await.cookie;
    let own = house
        .issuer
        .sign_in("ada@example.com", &Secret::new(PASSWORD), Some(&planted), &home())
        .await
        .unwrap();
    assert_ne!(own.cookie, planted);
    assert!(house.issuer.session(planted.expose()).await.unwrap().is_none());
    let now = house.issuer.session(own.cookie.expose()).await.unwrap().unwrap();
    assert_eq!(now.user.email, "ada@example.com");
    // A failed attempt leaves the cookie alone.
    let wrong = Secret::new("wrong password");
    let _refused =
        house.issuer.sign_in("ada@example.com", &wrong, Some(&own.cookie), &home()).await;
    assert!(house.issuer.session(own.cookie.expose()).await.unwrap().is_some());
}

#[tokio::test]
async fn changing_a_password_takes_the_present_one() {
    let house = House::new().await;
    let ada = house.ada().await;
    let change = async |present: &str, new: &str| {
        house.issuer.change_password(&ada, &Secret::new(present), &Secret::new(new), &home()).await
    };
    use crate::passwords::BadPassword::{TooLong, TooShort};
    use crate::signin::ChangePasswordError::{Password, SignIn};
    assert!(matches!(change("wrong", "long enough").await, Err(SignIn(SignInError::Wrong))));
    assert!(matches!(change(PASSWORD, "short").await, Err(Password(TooShort))));
    assert!(matches!(change(PASSWORD, &"x".repeat(1025)).await, Err(Password(TooLong))));
    assert!(change(PASSWORD, "long enough").await.is_ok());
    assert!(change(PASSWORD, "long enough, too").await.is_err());
}
