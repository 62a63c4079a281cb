//! Documents that must not drift from the program.

#[path = "docs/tools.rs"]
mod tools;

use hallpass_server::config::{SETTINGS, VARIABLE_PREFIX};
use hallpass_testkit::tree;

const CONFIGURATION: &str = "docs/configuration.md";

#[test]
fn the_page_of_settings_is_the_table_of_settings() -> anyhow::Result<()> {
    let path = tree::root().join(CONFIGURATION);
    let wanted = configuration();
    if std::fs::read_to_string(&path).unwrap_or_default() != wanted {
        std::fs::write(&path, wanted)?;
        anyhow::bail!("{CONFIGURATION} was stale; it is written anew: look at it and commit it");
    }
    Ok(())
}

fn configuration() -> String {
    let mut page = format!(
        "# Settings of the server\n\n\
         Each setting is a flag of `hallpass serve`, a variable, and a key of the TOML file that\n\
         `--config` names. A flag counts more than a variable, a variable more than the file, the\n\
         file more than the default. An unknown key is refused with the nearest right one, and all\n\
         complaints are given at once. Durations are written `90s`, `5m`, `12h`, `30d`.\n\n\
         ```toml\n# hallpass.toml\nlisten = \"0.0.0.0:443\"\npublic_url = \"https://id.example.com\"\n\
         tls_cert = \"/etc/hallpass/cert.pem\"\ntls_key = \"/etc/hallpass/key.pem\"\n```\n\n\
         The same as variables: `{VARIABLE_PREFIX}LISTEN`, `{VARIABLE_PREFIX}PUBLIC_URL`, and so on;\n\
         as flags: `--listen`, `--public-url`.\n\n\
         The public URL is the issuer. It is kept in the database at the first start, and changes\n\
         only when it is given and the server is told so; it is never taken from a request. The\n\
         master key is made at the first start, as a 0600 file. It seals the signing keys, so back\n\
         it up apart from the database.\n"
    );
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            page.push_str(&format!(
                "\n## {group}\n\n| key | value | default | what it does |\n|---|---|---|---|\n"
            ));
        }
        let default = match setting.default {
            "" => String::new(),
            text => format!("`{text}`"),
        };
        page.push_str(&format!(
            "| `{}` | `{}` | {default} | {} |\n",
            setting.name,
            setting.value,
            setting.help.trim()
        ));
    }
    page
}
