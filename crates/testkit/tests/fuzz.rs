//! Every fuzz target over its kept corpus, and over what proptest makes up.

use std::panic::catch_unwind;
use std::path::PathBuf;

use hallpass_testkit::fuzz::{self, TARGETS};
use hallpass_testkit::tree;
use proptest::prelude::*;

/// Fewer seeds than this, and a target was added without its hostile inputs.
const LEAST_SEEDS: usize = 8;

fn corpus(target: &str) -> PathBuf {
    tree::root().join("fuzz/corpus").join(target)
}

#[test]
fn every_corpus_holds() {
    let mut broken = Vec::new();
    for (target, run) in TARGETS {
        let seeds =
            std::fs::read_dir(corpus(target)).unwrap_or_else(|_| panic!("no corpus for {target}"));
        let seeds: Vec<PathBuf> = seeds.map(|entry| entry.expect("a seed").path()).collect();
        assert!(seeds.len() >= LEAST_SEEDS, "{target} has {} seeds", seeds.len());
        for seed in seeds {
            let bytes = std::fs::read(&seed).expect("a seed");
            if catch_unwind(|| run(&bytes)).is_err() {
                broken.push(format!("{target}: {}", seed.display()));
            }
        }
    }
    assert!(broken.is_empty(), "properties that do not hold:\n{}", broken.join("\n"));
}

#[test]
fn every_target_has_a_binary_and_every_corpus_a_target() {
    let manifest =
        std::fs::read_to_string(tree::root().join("fuzz/Cargo.toml")).expect("fuzz/Cargo.toml");
    let manifest: toml::Table = toml::from_str(&manifest).expect("a manifest");
    let binaries: Vec<&str> = manifest["bin"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|bin| bin.get("name").and_then(toml::Value::as_str))
        .collect();
    let targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(binaries, targets);
    for entry in std::fs::read_dir(tree::root().join("fuzz/corpus")).expect("corpora") {
        let name = entry.expect("a corpus").file_name();
        assert!(targets.contains(&name.to_string_lossy().as_ref()), "{name:?} is no target's");
    }
}

/// Texts near a token: right and wrong prefixes, lengths and characters.
fn near_a_token() -> impl Strategy<Value = String> {
    "(hp_user_|hp_rt_|hp_ac_|hp_dc_|hp_|sk_live_)[0-9A-Za-z]{0,40}[ -~é]{0,2}"
}

fn near_a_loopback_address() -> impl Strategy<Value = String> {
    "(http|https|HTTP|ftp)://?/?(u(:p)?@)?(127\\.0\\.0\\.1|127\\.1|0x7f\\.1|\\[::1\\]|\\[::ffff:127\\.0\\.0\\.1\\]|localhost|127\\.0\\.0\\.1\\.evil\\.example)(:[0-9@]{0,6})?[/\\\\]?(callback|CALLBACK|%63allback|\\.\\./callback)?[?#;]?(x=1)?"
}

fn near_a_form() -> impl Strategy<Value = String> {
    "((a|b|scope|resource|%61|audience)(=[a-z%+é0-9]{0,4})?&?){0,12}"
}

fn near_a_header() -> impl Strategy<Value = String> {
    "(Bearer|bearer|Basic|BASIC|DPoP|B\u{e9}arer)? {0,2}[A-Za-z0-9+/=._~,-]{0,60}"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn tokens(text in near_a_token()) {
        fuzz::words::token_text(text.as_bytes());
    }

    #[test]
    fn codes_that_people_type(text in "[b-df-hj-npq-tv-xzB-DF-HJ-NPQ-TV-XZaeiou0-9 –-]{0,20}") {
        fuzz::words::user_code(text.as_bytes());
    }

    #[test]
    fn verifiers(text in "[A-Za-z0-9._~+/=-]{40,131}") {
        fuzz::words::pkce(text.as_bytes());
    }

    #[test]
    fn configurations(text in "([a-z_]{3,12}|code_ttl|listen|max_connections) = ('[0-9a-z:.]{0,9}'|-?[0-9]{1,20}|\\[1\\])\n?") {
        fuzz::files::config(text.as_bytes());
    }

    #[test]
    fn edited_tokens(edits in proptest::collection::vec(any::<u8>(), 0..12)) {
        fuzz::jwt::jwt(&edits);
    }

    // proves: A07, A08, A09
    #[test]
    fn redirect_addresses(requested in near_a_loopback_address(), registered in near_a_loopback_address()) {
        fuzz::addresses::redirect(requested.as_bytes());
        fuzz::addresses::redirect(format!("{registered}\n{requested}").as_bytes());
    }

    #[test]
    fn form_bodies(text in near_a_form()) {
        fuzz::http::params(text.as_bytes());
    }

    #[test]
    fn authorization_headers(text in near_a_header()) {
        fuzz::http::authorization(text.as_bytes());
    }

    #[test]
    fn anything_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (_, run) in TARGETS {
            run(&bytes);
        }
    }
}
