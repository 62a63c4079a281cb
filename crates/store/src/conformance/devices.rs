//! Device authorizations.

use std::time::Duration;

use hallpass_core::Timestamp;

use super::town::{CLIENT, Leaves, MINUTE, Town};
use crate::{Decide, DeviceStatus, GrantKind, Poll, Spend, Start, Store};

const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn approval(store: Store) {
    let town = Town::new(store).await;
    let devices = town.store.devices();
    let zoe = town.user().await.id;
    let new = town.new_device();
    let (code, user_code) = (new.device_digest, new.user_code_digest);
    assert_eq!(
        town.sees(Leaves::Change, devices.start(new.clone(), 10, &town.by())).await,
        Ok(Start::Started)
    );
    let now = town.by().at;
    let device = devices.peek(&code).await.unwrap().unwrap();
    assert_eq!((device.id, device.client_id.as_str()), (new.id, CLIENT));
    assert_eq!((device.status, device.grant_id), (DeviceStatus::Pending, None));
    assert_eq!((device.created_at, device.expires_at), (now, new.expires_at));
    assert_eq!(devices.peek(&town.digest()).await, Ok(None));
    assert_eq!(devices.by_user_code(&user_code, now).await.unwrap().as_ref(), Some(&device));
    assert_eq!(devices.by_user_code(&user_code, new.expires_at).await, Ok(None));
    assert_eq!(devices.by_user_code(&code, now).await, Ok(None), "not by the device code");

    assert_eq!(
        town.sees(Leaves::Nothing, devices.spend(&code, None, &town.by())).await,
        Ok(Spend::Gone)
    );
    let grant = town.new_grant(zoe, GrantKind::Device);
    assert_eq!(
        town.sees(Leaves::Change, devices.approve(new.id, grant.clone(), &town.by())).await,
        Ok(Decide::Done)
    );
    assert!(town.is_good(grant.id).await);
    // In another tab.
    assert_eq!(
        town.sees(
            Leaves::Nothing,
            devices.approve(new.id, town.new_grant(zoe, GrantKind::Device), &town.by())
        )
        .await,
        Ok(Decide::AlreadyDecided)
    );
    assert_eq!(
        town.sees(Leaves::Nothing, devices.deny(new.id, &town.by())).await,
        Ok(Decide::AlreadyDecided)
    );
    assert_eq!(devices.by_user_code(&user_code, now).await, Ok(None));
    assert_eq!(town.store.grants().live_of_user(zoe, now).await.unwrap().len(), 1);

    match devices.poll(&code, now).await {
        Ok(Poll::Approved(device)) => {
            assert_eq!((device.id, device.grant_id), (new.id, Some(grant.id)));
        }
        other => panic!("{other:?}"),
    }
    let first = town.new_refresh();
    assert_eq!(
        town.sees(Leaves::Change, devices.spend(&code, Some(first.clone()), &town.by())).await,
        Ok(Spend::Won)
    );
    let kept = town.store.refresh().by_digest(&first.digest).await.unwrap().unwrap();
    assert_eq!(kept.grant_id, grant.id);
    assert_eq!(devices.poll(&code, now).await, Ok(Poll::Spent(grant.id)));
    assert!(town.is_good(grant.id).await, "polling ends nothing");
    for leaves in [Leaves::Revocation, Leaves::Nothing] {
        assert_eq!(
            town.sees(leaves, devices.spend(&code, None, &town.by())).await,
            Ok(Spend::Reused(grant.id))
        );
        assert!(!town.is_good(grant.id).await);
    }
}

pub(super) async fn refusal(store: Store) {
    let town = Town::new(store).await;
    let devices = town.store.devices();
    let zoe = town.user().await.id;
    let (device, code) = town.device().await;
    assert_eq!(
        town.sees(Leaves::Change, devices.deny(device.id, &town.by())).await,
        Ok(Decide::Done)
    );
    assert_eq!(devices.poll(&code, town.by().at).await, Ok(Poll::Denied));
    assert_eq!(
        town.sees(Leaves::Nothing, devices.spend(&code, None, &town.by())).await,
        Ok(Spend::Gone)
    );
    assert_eq!(
        town.sees(
            Leaves::Nothing,
            devices.approve(device.id, town.new_grant(zoe, GrantKind::Device), &town.by())
        )
        .await,
        Ok(Decide::AlreadyDecided)
    );

    let gone = async |id| {
        assert_eq!(
            town.sees(
                Leaves::Nothing,
                devices.approve(id, town.new_grant(zoe, GrantKind::Device), &town.by())
            )
            .await,
            Ok(Decide::Gone)
        );
    };
    gone(town.device_id()).await;
    assert_eq!(
        town.sees(Leaves::Nothing, devices.deny(town.device_id(), &town.by())).await,
        Ok(Decide::Gone)
    );

    // Consent withdrawn before the program came for its tokens.
    let (pending, code) = town.device().await;
    let grant = town.new_grant(zoe, GrantKind::Device);
    let grant_id = grant.id;
    assert_eq!(devices.approve(pending.id, grant, &town.by()).await, Ok(Decide::Done));
    town.store.grants().end(grant_id, "consent withdrawn", &town.by()).await.unwrap();
    assert_eq!(
        town.sees(Leaves::Nothing, devices.spend(&code, None, &town.by())).await,
        Ok(Spend::Gone)
    );

    // Too late.
    let (late, late_code) = town.device().await;
    let (approved, approved_code) = town.device().await;
    let grant = town.new_grant(zoe, GrantKind::Device);
    assert_eq!(devices.approve(approved.id, grant, &town.by()).await, Ok(Decide::Done));
    town.pass(MINUTE * 10);
    gone(late.id).await;
    for code in [late_code, approved_code] {
        assert_eq!(devices.poll(&code, town.by().at).await, Ok(Poll::Expired));
        assert_eq!(devices.spend(&code, None, &town.by()).await, Ok(Spend::Gone));
    }
    assert_eq!(devices.poll(&town.digest(), town.by().at).await, Ok(Poll::Unknown));

    // A disabled user approves nothing, a disabled client asks for nothing.
    let (waiting, _) = town.device().await;
    town.store.users().disable(zoe, &town.by()).await.unwrap();
    gone(waiting.id).await;
    town.store.clients().disable(CLIENT, &town.by()).await.unwrap();
    assert_eq!(
        town.sees(Leaves::Nothing, devices.start(town.new_device(), 10, &town.by())).await,
        Ok(Start::Gone)
    );
}

/// RFC 8628 §3.5: too early grows the interval by 5 s, for this and all later polls.
pub(super) async fn polling(store: Store) {
    let town = Town::new(store).await;
    let devices = town.store.devices();
    let (_, code) = town.device().await;
    let poll =
        async |at: Timestamp| town.sees(Leaves::Nothing, devices.poll(&code, at)).await.unwrap();
    let slow = |interval_secs| Poll::SlowDown { interval_secs };
    let mut now = town.by().at;
    assert_eq!(poll(now).await, Poll::Pending, "the first is never too early");
    now = now + SECOND * 5;
    assert_eq!(poll(now).await, Poll::Pending, "exactly the interval is not too early");
    now = now + SECOND * 4;
    assert_eq!(poll(now).await, slow(10));
    now = now + SECOND * 9;
    assert_eq!(poll(now).await, slow(15), "for good");
    now = now + SECOND * 15;
    assert_eq!(poll(now).await, Poll::Pending);
    assert_eq!(devices.peek(&code).await.unwrap().unwrap().interval_secs, 15);
}

pub(super) async fn limits(store: Store) {
    let town = Town::new(store).await;
    let devices = town.store.devices();
    let (first, second) = (town.new_device(), town.new_device());
    assert_eq!(devices.start(first.clone(), 2, &town.by()).await, Ok(Start::Started));
    let mut same = town.new_device();
    same.user_code_digest = first.user_code_digest;
    assert_eq!(
        town.sees(Leaves::Nothing, devices.start(same.clone(), 2, &town.by())).await,
        Ok(Start::CodeTaken)
    );
    assert_eq!(devices.start(second.clone(), 2, &town.by()).await, Ok(Start::Started));
    assert_eq!(devices.live(town.by().at).await, Ok(2));
    assert_eq!(
        town.sees(Leaves::Nothing, devices.start(town.new_device(), 2, &town.by())).await,
        Ok(Start::TooManyLive)
    );
    // Decided ones wait no more, and free their code.
    assert_eq!(devices.deny(first.id, &town.by()).await, Ok(Decide::Done));
    assert_eq!(devices.live(town.by().at).await, Ok(1));
    assert_eq!(devices.start(same, 2, &town.by()).await, Ok(Start::Started));
    // So do expired ones.
    town.pass(MINUTE * 10);
    assert_eq!(devices.live(town.by().at).await, Ok(0));
    let mut reused = town.new_device();
    reused.user_code_digest = second.user_code_digest;
    let id = reused.id;
    assert_eq!(devices.start(reused, 2, &town.by()).await, Ok(Start::Started));
    let found = devices.by_user_code(&second.user_code_digest, town.by().at).await.unwrap();
    assert_eq!(found.map(|device| device.id), Some(id));
}
