//! The whole table: every combination of the facts that matter, against rules that are
//! written down one by one, as CLIENT group A has them.

use super::*;
use crate::Class;
use crate::testing::Table;

/// Every combination, given to `check`.
fn each(mut check: impl FnMut(&Facts, &LoginOptions, &Offer)) {
    let bools = [false, true];
    let browsers =
        [BrowserVariable::Unset, BrowserVariable::Never, BrowserVariable::Command("b".into())];
    for bits in 0..1u32 << 8 {
        let has = |bit: u32| bits & (1 << bit) != 0;
        for system in [System::Linux, System::Mac, System::Windows] {
            for browser in &browsers {
                for wish in [Wish::Auto, Wish::Web, Wish::Device] {
                    for no_browser in bools {
                        let facts = Facts {
                            system,
                            display: has(0),
                            ssh: has(1),
                            container: has(2).then_some("/.dockerenv"),
                            wsl: has(3) && system == System::Linux,
                            browser: browser.clone(),
                            unattended: has(4).then(|| "CI is set".to_owned()),
                            stdin_is_terminal: has(5),
                        };
                        let options = LoginOptions { wish, no_browser, ..LoginOptions::default() };
                        let offer = Offer {
                            grant_types: vec!["refresh_token".to_owned()],
                            no_browser: has(6).then(|| "of the browser".to_owned()),
                            no_device: has(7).then(|| "of the device".to_owned()),
                        };
                        check(&facts, &options, &offer);
                    }
                }
            }
        }
    }
}

// proves: client-A7, client-A8
#[test]
fn nobody_is_asked_where_nobody_is() {
    each(|facts, options, _| {
        let refused = check_person(facts, options.wish, "HALLPASS_TOKEN");
        let nobody = facts.unattended.is_some() || !facts.stdin_is_terminal;
        assert_eq!(refused.is_err(), nobody && options.wish == Wish::Auto, "{facts:?}");
        if let Err(error) = refused {
            assert_eq!(error.class(), Class::Usage);
            let text = error.to_string();
            for named in ["HALLPASS_TOKEN", "--device", "--with-token"] {
                assert!(text.contains(named), "{text}");
            }
        }
    });
}

// proves: client-A1, client-A2, client-A3, client-A4, client-A8, client-A10
#[test]
fn every_combination_of_facts() {
    let mut count = 0u32;
    each(|facts, options, offer| {
        count += 1;
        let context = format!("{facts:?} {options:?} {offer:?}");
        let usable = |flow| offer.refusal(flow).is_none();
        let choice = match choose(facts, options, offer) {
            Ok(choice) => choice,
            Err(Error::NoFlow { offered, refused }) => {
                // A10: none is usable of those that were wished for, and each is explained.
                assert_eq!(offered, ["refresh_token"]);
                let wished: &[Flow] = match options.wish {
                    Wish::Web => &[Flow::Browser],
                    Wish::Device => &[Flow::Device],
                    Wish::Auto => &[Flow::Browser, Flow::Device],
                };
                assert_eq!(refused.len(), wished.len(), "{context}");
                assert!(wished.iter().all(|flow| !usable(*flow)), "{context}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        assert!(usable(choice.flow), "{context}");
        let launches = choice.launch != Launch::Nothing;
        let names_browser = matches!(facts.browser, BrowserVariable::Command(_));
        let elsewhere = facts.ssh || facts.container.is_some();
        let blind = facts.system == System::Linux && !facts.wsl && !facts.display;

        // An explicit wish is taken at its word (A2).
        match options.wish {
            Wish::Web => assert_eq!(choice.flow, Flow::Browser),
            Wish::Device => assert_eq!(choice.flow, Flow::Device),
            Wish::Auto => {
                let fits = if names_browser || !elsewhere && !blind {
                    Flow::Browser
                } else {
                    Flow::Device
                };
                assert_eq!(choice.flow == fits, usable(fits), "{context}");
            }
        }
        // A1: with a device code nothing is opened.
        assert!(!(launches && choice.flow == Flow::Device), "{context}");
        // A3, A8: never with BROWSER=none, in CI, or when told not to.
        let never = facts.browser == BrowserVariable::Never
            || facts.unattended.is_some()
            || options.no_browser;
        assert!(!(launches && never), "{context}");
        if launches {
            match &choice.launch {
                // A3: what BROWSER names, and nothing else.
                Launch::Command(command) => assert_eq!(command, "b"),
                // A4.
                Launch::Wsl => assert!(facts.wsl && !names_browser, "{context}"),
                _ => assert!(!facts.wsl && !names_browser, "{context}"),
            }
            // Nothing of the system's is opened on a screen that nobody sees.
            let own = options.wish == Wish::Auto && !names_browser;
            assert!(!(own && (elsewhere || blind)), "{context}");
        }
        assert!(!choice.reason.to_string().is_empty());
    });
    assert_eq!(count, 256 * 3 * 3 * 3 * 2);
}

// proves: client-A2, client-A4
#[test]
fn what_is_seen_in_the_surroundings() {
    let seen = |variables: &[(&str, &str)], files: &[(&str, &str)]| {
        let mut table = Table::of(variables);
        table.files.extend(files.iter().map(|(p, t)| ((*p).into(), (*t).to_owned())));
        Facts::gather(&table, "HALLPASS", true)
    };
    let bare = seen(&[], &[]);
    assert!(!bare.display && !bare.ssh && !bare.wsl && bare.container.is_none());
    assert!(bare.unattended.is_none());
    assert_eq!(bare.browser, BrowserVariable::Unset);

    for variable in ["DISPLAY", "WAYLAND_DISPLAY"] {
        assert!(seen(&[(variable, ":0")], &[]).display);
        assert!(!seen(&[(variable, "")], &[]).display);
    }
    assert!(seen(&[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")], &[]).ssh);
    for variable in ["REMOTE_CONTAINERS", "CODESPACES", "KUBERNETES_SERVICE_HOST"] {
        assert_eq!(seen(&[(variable, "1")], &[]).container, Some(variable));
    }
    for file in ["/.dockerenv", "/run/.containerenv"] {
        assert_eq!(seen(&[], &[(file, "")]).container, Some(file));
    }
    assert!(seen(&[("WSL_DISTRO_NAME", "Debian")], &[]).wsl);
    assert!(seen(&[("WSL_INTEROP", "/run/WSL/1_interop")], &[]).wsl);
    assert!(seen(&[], &[("/proc/version", "Linux version 6.6 (root@Microsoft.com)")]).wsl);
    assert_eq!(seen(&[("BROWSER", "none")], &[]).browser, BrowserVariable::Never);
    assert_eq!(seen(&[("BROWSER", "w3m")], &[]).browser, BrowserVariable::Command("w3m".into()));
    for (variable, value) in [("CI", "true"), ("CI", "1"), ("HALLPASS_NONINTERACTIVE", "1")] {
        assert!(
            seen(&[(variable, value)], &[]).unattended.is_some_and(|why| why.contains(variable))
        );
    }
    for (variable, value) in
        [("CI", "false"), ("CI", "0"), ("CI", ""), ("OTHER_NONINTERACTIVE", "1")]
    {
        assert_eq!(seen(&[(variable, value)], &[]).unattended, None);
    }
}
