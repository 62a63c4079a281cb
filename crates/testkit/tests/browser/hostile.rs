//! Other sites: forms that post to us, frames around us, links to us.

use anyhow::Result;
use hallpass_testkit::browser::Options;
use hallpass_testkit::server::Plan;
use hallpass_testkit::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::scene::Scene;

/// Another site on this machine: answers `html` to everything.
pub(crate) async fn other_site(html: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://127.0.0.1:{}/", listener.local_addr()?.port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let html = html.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length";
                let _ = stream
                    .write_all(format!("{head}: {}\r\n\r\n{html}", html.len()).as_bytes())
                    .await;
            });
        }
    });
    Ok(url)
}

// proves: A23, D13, attack-2
#[tokio::test]
async fn a_form_on_another_site_changes_nothing() -> Result<()> {
    let scene = Scene::of(Plan::new().set("device_interval", "1s"), Options::default()).await?;
    scene.sign_in().await?;
    let (login, code) = scene.device_login().await?;
    for (action, fields) in [
        ("/device/decision", vec![("user_code", code.as_str()), ("decision", "approve")]),
        ("/settings/sessions/end-others", vec![]),
        ("/signout", vec![]),
        ("/signin", vec![("email", "mallory@example.com"), ("password", "mallory's password")]),
    ] {
        let inputs: String = fields
            .iter()
            .map(|(name, value)| format!("<input name='{name}' value=\"{value}\">"))
            .collect();
        let target = scene.server.at(action);
        let form = format!(
            "<form id='f' method='post' action='{target}'>{inputs}<button id='go'>win a prize</button></form>"
        );
        scene.browser.goto(&other_site(form).await?).await?;
        scene.browser.click("#go").await?;
        assert_eq!(scene.outcome().await?, "error-403", "{action}");
    }
    assert_eq!(scene.whoami().await?.code, Some(3), "the terminal was signed in");
    scene.browser.goto(&scene.server.at("/")).await?;
    scene.browser.find("#signout-button").await?;
    drop(login);
    scene.browser.close().await
}

// proves: A20, attack-34
#[tokio::test]
async fn no_page_can_be_framed() -> Result<()> {
    let scene = Scene::set().await?;
    scene.sign_in().await?;
    for path in
        ["/signin", "/device", "/settings/sessions", "/oauth/authorize?client_id=hallpass-cli"]
    {
        let frame = format!("<iframe id='f' src='{}'></iframe>", scene.server.at(path));
        scene.browser.goto(&other_site(frame).await?).await?;
        scene.browser.find("#f").await?;
        let blocked = wait::until("the browser to refuse the frame", async || {
            let said = scene.browser.complaints().await?.join("\n");
            Ok((said.contains("frame-ancestors") || said.contains("X-Frame-Options")).then_some(()))
        })
        .await;
        blocked.map_err(|error| error.context(path))?;
    }
    scene.browser.close().await
}

// proves: attack-32
#[tokio::test]
async fn a_name_full_of_markup_is_text() -> Result<()> {
    let scene = Scene::set().await?;
    let name = "<img src=x onerror=alert(1)><script>document.title='owned'</script>";
    let create = [
        "client",
        "create",
        "--id",
        "evil",
        "--name",
        name,
        "--redirect-uri",
        "https://evil.example/cb",
    ];
    scene.server.admin(&create, "").await?;
    scene.sign_in().await?;
    let request = "/oauth/authorize?response_type=code&client_id=evil&redirect_uri=https%3A%2F%2Fevil.example%2Fcb\
        &code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&state=s";
    scene.browser.goto(&scene.server.at(request)).await?;
    scene.browser.shows("#client-name", "<img src=x").await?;
    assert!(!scene.browser.has("main img, main script").await?);
    assert_ne!(scene.browser.driver().title().await?, "owned");
    assert!(scene.browser.driver().get_alert_text().await.is_err(), "a dialog opened");
    scene.browser.close().await
}
