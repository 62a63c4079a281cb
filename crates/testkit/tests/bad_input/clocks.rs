//! A wall clock that jumps: the server runs with a clock of its own, which the test sets.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hallpass_testkit::oauth::Tokens;
use hallpass_testkit::process::{self, Running};
use hallpass_testkit::server::Plan;
use hallpass_testkit::town::Town;

/// In front of the C library: CLOCK_REALTIME, moved by as many seconds as a file says.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *now) {
    int outcome = syscall(SYS_clock_gettime, which, now);
    const char *path = getenv("TEST_CLOCK");
    if (outcome == 0 && which == CLOCK_REALTIME && path) {
        char text[32] = {0};
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
            close(file);
        }
    }
    return outcome;
}
"#;

/// A clock that a test can set.
struct Hands {
    library: PathBuf,
    offset: PathBuf,
    _scratch: tempfile::TempDir,
}

impl Hands {
    async fn new() -> Result<Self> {
        let scratch = tempfile::TempDir::with_prefix("hallpass-clock-")?;
        let at = |name: &str| scratch.path().join(name);
        let (source, library, offset) = (at("clock.c"), at("clock.so"), at("offset"));
        std::fs::write(&source, CLOCK)?;
        let mut compile = process::command("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
        let compiled =
            Running::finish(&mut compile, b"").await.context("a C compiler (package gcc)")?;
        anyhow::ensure!(compiled.code == Some(0), "{compiled:?}");
        let hands = Self { library, offset, _scratch: scratch };
        hands.set(0)?;
        Ok(hands)
    }

    /// Moves the wall clock; monotonic clocks go on as before.
    fn set(&self, seconds: i64) -> Result<()> {
        // At once, so that nobody reads half a number.
        let next = self.offset.with_extension("next");
        std::fs::write(&next, seconds.to_string())?;
        Ok(std::fs::rename(next, &self.offset)?)
    }

    fn plan(&self) -> Plan {
        let text = |path: &Path| path.display().to_string();
        Plan::new()
            .variable("LD_PRELOAD", &text(&self.library))
            .variable("TEST_CLOCK", &text(&self.offset))
    }
}

const HOUR: i64 = 3600;

#[tokio::test]
async fn a_clock_that_jumps_prolongs_nothing_and_loses_nothing() -> Result<()> {
    let hands = Hands::new().await?;
    let mut town = Town::of(hands.plan()).await?;
    let before = town.tool.tokens(&town.person, &[]).await?;
    let code = town.tool.approved(&town.person, &[]).await?;
    let device = town.tool.device(&[]).await?;

    hands.set(HOUR)?;
    assert!(!town.admits(&before.access).await?, "five minutes are over");
    assert_eq!(town.tool.redeem(&code).await?.error(), "invalid_grant");
    assert_eq!(town.tool.poll(&device.get("device_code")).await?.error(), "expired_token");
    let ahead = Tokens::read(&town.tool.refresh(&before.refresh).await?)?;
    assert!(town.admits(&ahead.access).await?, "what is issued now is good now");

    // Back again, by more than it went forward.
    hands.set(-HOUR)?;
    let answer = town.tool.refresh(&ahead.refresh).await?;
    let behind = Tokens::read(&answer).context("a sign-in survives the correction")?;
    assert!(town.admits(&behind.access).await?);
    assert!(town.person.get("/settings/sessions").await?.status.is_success());
    town.tool.revoke(&behind.refresh).await?;
    for jump in [0, HOUR, -HOUR] {
        hands.set(jump)?;
        assert!(!town.admits(&behind.access).await?, "revoked is revoked at {jump}");
        assert_eq!(town.tool.refresh(&behind.refresh).await?.error(), "invalid_grant");
    }

    // And a start with another time than the last.
    for jump in [-24 * HOUR, 24 * HOUR] {
        town.server.stop().await?;
        hands.set(jump)?;
        town.server.start_again().await?;
        town.tool.reconnect(&town.server);
        town.api.reconnect(&town.server);
        assert!(!town.admits(&behind.access).await?);
        let person = hallpass_testkit::person::Person::signed_in(&town.server, &town.ada).await?;
        let tokens = town.tool.tokens(&person, &[]).await?;
        assert!(town.admits(&tokens.access).await?, "at {jump}");
        super::is_for_people(&town.server.log());
    }
    Ok(())
}
