//! The corpus of redirect addresses against the matcher.

use std::collections::BTreeSet;

use hallpass_core::redirect::RegisteredRedirect;
use hallpass_testkit::fuzz;
use hallpass_testkit::redirects::{GOOD, HOSTILE, REGISTERED};

fn matches(requested: &str) -> bool {
    let registered =
        REGISTERED.map(|uri| RegisteredRedirect::parse(uri).expect("it can be registered"));
    registered.iter().any(|registered| registered.matches(requested))
}

// proves: A07, A08, A09, A10, attack-7
#[test]
fn none_of_the_look_alikes_is_taken_for_the_real_one() {
    let mut distinct = BTreeSet::new();
    let mut taken = Vec::new();
    for (why, addresses) in HOSTILE {
        for address in *addresses {
            assert!(distinct.insert(*address), "{address:?} is in the table twice");
            fuzz::addresses::redirect(address.as_bytes());
            if matches(address) {
                taken.push(format!("{address:?}: {why}"));
            }
        }
    }
    assert!(taken.is_empty(), "taken for a registered address:\n{}", taken.join("\n"));
    assert!(distinct.len() >= 120, "{} addresses", distinct.len());
}

// proves: A08, A10
#[test]
fn every_port_on_loopback_works() {
    for address in GOOD {
        assert!(matches(address), "{address}");
        fuzz::addresses::redirect(address.as_bytes());
    }
}

// proves: attack-7
#[test]
fn what_hides_its_host_cannot_even_be_registered() {
    let groups = ["user names and passwords hide the host", "characters that parsers drop or fold"];
    let hostile = HOSTILE.iter().filter(|(why, _)| groups.contains(why));
    for address in hostile.flat_map(|(_, addresses)| *addresses) {
        // A zero-width or look-alike character in a *path* is percent-encoded by then, and
        // another host in ASCII is a host of its own; only what is written plainly passes.
        if let Ok(registered) = RegisteredRedirect::parse(address) {
            assert!(
                registered.as_str().is_ascii() && !registered.as_str().contains(['@', ' ', '\\']),
                "{address:?}"
            );
        }
    }
}
