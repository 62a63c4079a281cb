//! A tool that was not compiled: `--brand FILE`, `brand new`, `brand check`, and what
//! docs/brands.md tells its reader to do.

use anyhow::Result;
use hallpass_testkit::cli::Cli;
use hallpass_testkit::person::Person;
use hallpass_testkit::server::Plan;

use crate::shop::code;

// proves: HP17
#[tokio::test]
async fn a_brand_file_is_made_checked_and_run_without_compiling() -> Result<()> {
    let shell = Cli::at("http://localhost:1")?;
    let made = shell.run(&["brand", "new", "mytool"]).await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    let file = shell.home().join("mytool.toml");
    std::fs::write(&file, &made.stdout)?;
    let checked = shell.run(&["brand", "check", "mytool.toml"]).await?;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("$ mytool --help") && checked.stdout.contains("login"));

    let login = shell.run(&["--brand", "mytool.toml", "login", "--help"]).await?;
    assert!(login.code == Some(0) && login.stdout.contains("MYTOOL_TOKEN"), "{login:?}");
    let usage = "Usage: hallpass --brand mytool.toml login";
    assert!(login.stdout.contains(usage), "{login:?}");
    for name in ["my-tool", "MyTool", "t2"] {
        assert_eq!(shell.run(&["brand", "new", name]).await?.code, Some(0), "{name}");
    }
    for name in ["-x", "9lives", "a b", ""] {
        let refused = shell.run(&["brand", "new", "--", name]).await?;
        assert!(refused.code == Some(2) && refused.stdout.is_empty(), "{name}: {refused:?}");
    }

    // Everything that it offers can be taken up as it stands.
    let (own, offered) = made.stdout.split_once("\n# What follows").expect("the offer");
    let taken = offered.lines().skip(3).map(|line| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        // Sentences stay comments.
        let toml = line.starts_with('[') || line.contains(" = ");
        if toml { format!("{line}\n") } else { format!("# {line}\n") }
    });
    let full = format!("{own}\n{}", taken.collect::<String>());
    std::fs::write(&file, &full)?;
    let checked = shell.run(&["brand", "check", "mytool.toml"]).await?;
    assert_eq!(checked.code, Some(0), "{full}\n{checked:?}");
    for wanted in
        ["texts.signed_out:\n\nLogged out.", "not_signed_in ends with exit code 1", "auth"]
    {
        assert!(checked.stdout.contains(wanted), "{wanted}: {checked:?}");
    }
    assert!(!checked.stdout.contains("hallpass "), "{}", checked.stdout);

    // A slip of the pen is refused with line, key and the nearest right one.
    std::fs::write(&file, full.replace("signed_out", "sined_out"))?;
    let wrong = shell.run(&["brand", "check", "mytool.toml"]).await?;
    let line = full.lines().position(|line| line.contains("signed_out")).unwrap_or_default() + 1;
    let told = format!("line {line}: unknown field `sined_out`; did you mean signed_out?");
    assert!(wrong.code == Some(2) && wrong.stderr.contains(&told), "{wrong:?}");
    std::fs::write(&file, &full)?;

    // A tool may have a command that this program has, too; then it is the tool's.
    std::fs::write(&file, full.replace("whoami = ", "serve = "))?;
    let serve = shell.run(&["--brand", "mytool.toml", "serve", "--help"]).await?;
    assert!(serve.stdout.starts_with("Ask the server who you are"), "{serve:?}");
    std::fs::write(&file, full.replace("\"auth login\" = \"login\"", "x = \"login --nope\""))?;
    let odd = shell.run(&["brand", "check", "mytool.toml"]).await?;
    assert!(odd.code == Some(2) && odd.stderr.contains("login has no flag --nope"), "{odd:?}");
    std::fs::write(&file, &full)?;

    // The same file for the server and for the tool.
    let path = file.display().to_string();
    let plan = Plan::new().set("brand_file", &path).set("device_interval", "1s");
    let server = plan.start().await?;
    let ada = server.person("ada@example.com", "Ada").await?;
    let person = Person::signed_in(&server, &ada).await?;
    let tool = Cli::new(&server)?.variable("MYTOOL_SERVER", &server.url());
    let tool = tool.variable("MYTOOL_STORE", "file");
    let branded = |words: &[&str]| [&["--brand", &*path], words].concat().join("\u{1f}");
    let run = async |words: &[&str]| {
        let line = branded(words);
        tool.run(&line.split('\u{1f}').collect::<Vec<_>>()).await
    };
    let status = run(&["auth", "status"]).await?;
    assert_eq!((status.code, status.stderr.lines().next()), (Some(1), Some("Not logged in.")));
    let next = format!("hallpass --brand {path} auth login {}", server.url());
    assert!(status.stderr.contains(&next), "{status:?}");
    let mut login = tool.start(&["--brand", &path, "auth", "login", "--device"])?;
    let brand = hallpass_core::brand::Brand::parse(&full)?;
    let typed = code(&mut login, &brand).await?;
    assert_eq!(person.get("/activate").await?.status, 200);
    person.decide_device(&typed, "approve").await?;
    let done = login.finished().await?;
    assert!(done.code == Some(0) && done.stderr.contains("Logged in as ada@example.com\n"));
    assert!(tool.home().join(".mytool/credentials.json").exists());
    assert_eq!(run(&["whoami"]).await?.stdout, "ada@example.com (Ada)\n");
    assert!(run(&["auth", "logout"]).await?.stderr.starts_with("Logged out.\n"));
    Ok(())
}
