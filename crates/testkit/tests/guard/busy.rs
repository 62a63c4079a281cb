//! Checks run all the time while things are revoked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Result;
use hallpass_testkit::guarded::Guarded;
use hallpass_testkit::person::Person;
use hallpass_testkit::system;
use tokio::task::JoinSet;

use crate::scene::Scene;

/// Requests under way at once.
const CALLERS: usize = 4;

/// What callers saw of one token.
#[derive(Default)]
struct Seen {
    admitted: AtomicU64,
    refused: AtomicU64,
    /// Admitted, though the revocation had been answered before the request was sent.
    too_late: AtomicU64,
}

/// Checks `token` from several callers, revokes it in the midst of that, and goes on until
/// each caller has been refused a few times after the revocation was answered.
async fn revoked_in_the_midst(
    api: &Arc<Guarded>,
    token: &str,
    revoke: impl Future<Output = Result<()>>,
) -> Result<Seen> {
    const AFTER: u32 = 5;
    let (seen, over) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (api, token) = (api.clone(), token.to_owned());
        let (seen, over) = (seen.clone(), over.clone());
        callers.spawn(async move {
            let mut after = 0;
            while after < AFTER {
                let late = over.load(Ordering::SeqCst);
                let admitted = api.ask(&token).await? == 200;
                let count = if admitted { &seen.admitted } else { &seen.refused };
                count.fetch_add(1, Ordering::SeqCst);
                seen.too_late.fetch_add(u64::from(admitted && late), Ordering::SeqCst);
                after += u32::from(late);
            }
            anyhow::Ok(())
        });
    }
    while seen.admitted.load(Ordering::SeqCst) < 4 * CALLERS as u64 {
        tokio::task::yield_now().await;
        anyhow::ensure!(seen.refused.load(Ordering::SeqCst) == 0, "refused before it was revoked");
    }
    revoke.await?;
    over.store(true, Ordering::SeqCst);
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(Arc::into_inner(seen).unwrap_or_default())
}

// proves: E06, attack-30
#[tokio::test(flavor = "multi_thread")]
async fn no_check_that_starts_after_a_revocation_is_admitted() -> Result<()> {
    let Scene { town, link: _link, api } = Scene::build().await?;
    let api = Arc::new(api);
    let rounds = system::count("HALLPASS_REVOCATIONS", 12);
    let (mut checks, mut revocations) = (0, 0_u64);
    for round in 0..rounds {
        let tokens = town.tool.tokens(&town.person, &[]).await?;
        // By turns one token, and the whole sign-in.
        let given = if round % 2 == 0 { &tokens.access } else { &tokens.refresh };
        let revoke = async {
            anyhow::ensure!(town.tool.revoke(given).await?.status == 200);
            Ok(())
        };
        let seen = revoked_in_the_midst(&api, &tokens.access, revoke).await?;
        assert_eq!(seen.too_late.into_inner(), 0, "round {round}");
        checks += seen.admitted.into_inner() + seen.refused.into_inner();
        revocations += 1;
    }
    for round in 0..rounds.div_ceil(4) {
        let person = Person::signed_in(&town.server, &town.ada).await?;
        let tokens = town.tool.tokens(&person, &[]).await?;
        let disable =
            async { town.server.admin(&["user", "disable", &town.ada.email], "").await.map(drop) };
        let seen = revoked_in_the_midst(&api, &tokens.access, disable).await?;
        assert_eq!(seen.too_late.into_inner(), 0, "user, round {round}");
        town.server.admin(&["user", "enable", &town.ada.email], "").await?;
        assert_eq!(api.ask(&tokens.access).await?, 401, "what ended stays ended");
        checks += seen.admitted.into_inner() + seen.refused.into_inner();
        revocations += 1;
    }
    let status = api.status().await?;
    let from_memory = status["from_memory"].as_u64().unwrap_or_default();
    assert!(from_memory > 0 && checks > revocations, "{status}");
    Ok(())
}
