//! A brand file is read, or refused with a reason.

use super::*;

#[test]
fn our_own_brand_reads() {
    let brand = Brand::hallpass();
    assert_eq!(brand.name, "hallpass");
    assert_eq!(brand.variable("TOKEN"), "HALLPASS_TOKEN");
    assert_eq!(brand.client_id, crate::wire::CLI_CLIENT_ID);
}

#[test]
fn prefixes_and_permissions_are_checked() {
    let with = |more: &str| Brand::parse(&format!("{HALLPASS}\n{more}"));
    let brand = with("[tokens]\nprefix = 'sct_user_'\nlegacy_prefix = 'stk_'").unwrap();
    assert_eq!(brand.tokens.prefix, "sct_user_");
    assert_eq!(brand.prefixes(), ["sct_user_", "hp_proj_", "hp_org_"]);
    let keys = with("[keys]\nprefix = 'rbtk_sk_'").unwrap();
    assert_eq!(keys.prefixes(), ["hp_user_", "rbtk_sk_", "rbtk_sk_"]);
    assert!(with("[keys]\nprefix = 'rbtk-sk'").is_err());
    let round =
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0"/></svg>"#;
    let drawn =
        |logo: &str| Brand::parse(&HALLPASS.replace("[look]", &format!("[look]\nlogo = '{logo}'")));
    assert_eq!(drawn(round).unwrap().look.logo.as_deref(), Some(round));
    for bad in ["logo.svg", "<svg></svg>", &round.replace("d=", &" ".repeat(32 * 1024))] {
        assert!(drawn(bad).unwrap_err().to_string().contains("look.logo"), "{bad:.20}");
    }
    for bad in ["'x'", "'no_end'", "'UP_'", "'a b_'", "''"] {
        let error = with(&format!("[tokens]\nprefix = {bad}")).unwrap_err();
        assert!(matches!(error, BadBrand::Prefix { .. }), "{bad}: {error}");
    }
    let order = |order: &str| with(&format!("[sources]\norder = {order}"));
    assert!(!order("['profile', 'variable']").unwrap().sources.variable_wins());
    assert!(Brand::hallpass().sources.variable_wins());
    for bad in ["[]", "['profile', 'profile']"] {
        assert!(matches!(order(bad), Err(BadBrand::Sources)), "{bad}");
    }
    assert!(matches!(order("['drawer']"), Err(BadBrand::Toml { .. })));
    let dir = |dir: &str| with(&format!("[tokens]\nlegacy_dir = '{dir}'"));
    assert!(dir(".scitoolkit/tokens").is_ok());
    for bad in ["", "/etc", "../x", "a//b", "a/../b", "C:x"] {
        assert!(matches!(dir(bad), Err(BadBrand::Directory { .. })), "{bad}");
    }
    let brand = with("[roles.project]\nviewer = ['results:read']").unwrap();
    assert!(brand.roles.all().contains("results:read"));
    assert!(with("[roles.project]\nviewer = ['results read']").is_err());
}

#[test]
fn a_misspelt_key_is_refused_by_name() {
    let bad = HALLPASS.replace("title", "titel");
    let error = Brand::parse(&bad).unwrap_err().to_string();
    assert!(error.starts_with("line 3: ") && error.contains("titel"), "{error}");
}

// proves: HP17
#[test]
fn a_part_of_a_verb_is_placed_by_itself_if_there_is_one() {
    let with = |more: &str| Brand::parse(&format!("{HALLPASS}\n[commands]\n{more}"));
    assert!(with("status = 'agent status'\n'secret get' = 'agent secret get'").is_ok());
    assert!(with("'agent run' = 'agent run'\n'agent list' = 'agent list'").is_ok());
    for bad in ["x = 'agent statsu'", "x = 'secret get'", "x = 'token lsit'", "x = 'login device'"]
    {
        assert!(matches!(with(bad), Err(BadBrand::Unknown { .. })), "{bad}");
    }
    assert!(with("tokens = 'token list'\n'key new' = 'key create'\nwho = 'member list'").is_ok());
    let misspelt = with("x = 'token lsit'").unwrap_err().to_string();
    assert!(misspelt.ends_with("did you mean token list?"), "{misspelt}");
    let helped =
        |place: &str| with(&format!("'auth login' = 'login'\n[help]\n{place} = 'Come in'"));
    assert!(helped("'auth login'").is_ok() && helped("auth").is_ok());
    let odd = helped("'auth lgoin'").unwrap_err().to_string();
    assert!(odd.ends_with("did you mean auth login?"), "{odd}");
    assert_eq!(parts("agent secret get --json"), ("agent secret get".to_owned(), vec!["--json"]));
}

struct Zeros;

impl crate::chance::Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

// proves: HP07
#[test]
fn a_damaged_credential_is_known_and_an_older_systems_is_none() {
    let with = |more: &str| Brand::parse(&format!("{HALLPASS}\n{more}")).unwrap();
    let ours = with("[tokens]\nprefix = 'scion_pat_'\n[keys]\nprefix = 'rbtk_sk_'");
    let token = TokenText::mint_with_prefix("scion_pat_", &Zeros);
    let token = token.expose();
    assert_eq!(ours.damaged(token), None);
    assert_eq!(ours.damaged(&token[..20]), Some(NotAToken::Length));
    assert_eq!(ours.damaged("rbtk_sk_4f0c2b8e"), Some(NotAToken::Length));
    assert_eq!(ours.damaged("eyJhbGciOiJub25lIn0.e30."), None);
    // The older system's may begin as ours do.
    let older = with("[tokens]\nprefix = 'scion_pat_'\nlegacy_prefix = 'scion_pat_'");
    assert_eq!(older.damaged("scion_pat_4f0c2b8e"), None);
    assert_eq!(older.damaged(token), None);
}
