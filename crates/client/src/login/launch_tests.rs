//! The order of the launchers. That they are run as they should is in `tests/processes`.

use super::*;

fn programs(what: &Launch) -> Vec<String> {
    let chain = chain(what, "https://id.example.com/");
    chain.iter().map(|argv| argv[0].to_string_lossy().into_owned()).collect()
}

// proves: client-A4
#[test]
fn the_chain_of_wsl() {
    assert_eq!(programs(&Launch::Wsl), ["wslview", "powershell.exe", "xdg-open"]);
    assert_eq!(programs(&Launch::Nothing), [""; 0]);
    assert_eq!(programs(&Launch::Command("a -b:c".into())), ["a", "c"]);
    assert_eq!(programs(&Launch::Command(" : ".into())), [""; 0]);
}

// proves: client-A4
#[test]
fn powershell_sees_the_address_as_text_only() {
    let url = "https://id.example.com/?a=$(calc);'&b`c";
    let argv = powershell(url);
    let encoded = argv.last().unwrap().to_str().unwrap();
    assert!(!argv.iter().any(|argument| argument.to_string_lossy().contains("calc")));
    let utf16: Vec<u16> = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap()
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert_eq!(
        String::from_utf16(&utf16).unwrap(),
        "Start-Process -FilePath 'https://id.example.com/?a=$(calc);''&b`c'"
    );
}
