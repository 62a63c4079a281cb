//! Letters to a mail server (RFC 5321), over TLS wherever they leave the machine.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use hallpass_core::{PublicUrl, Secret};
use hallpass_issuer::mail::{Letter, MailError, Mailer};
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::SmtpUrl;
use crate::config::smtp::Privacy;

/// How long one command may take; a letter takes a handful.
const COMMAND: Duration = Duration::from_secs(20);

/// A mail server, and who mail is from.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// What stands behind the `@` of each `Message-ID`.
    domain: String,
}

impl Smtp {
    /// A complaint says what would be right.
    pub(crate) fn new(
        url: &SmtpUrl,
        password: Option<Secret>,
        from: &str,
        public_url: &PublicUrl,
    ) -> Result<Self, String> {
        let from: Mailbox = from.parse().map_err(|_| {
            "mail_from is no address; write it as no-reply@example.com or \"hallpass <no-reply@example.com>\""
                .to_owned()
        })?;
        let domain = public_url.authority().split(':').next().unwrap_or_default().to_owned();
        let tls = || TlsParameters::new(url.host.clone()).map_err(|error| error.to_string());
        let tls = match url.privacy {
            Privacy::Tls => Tls::Wrapper(tls()?),
            Privacy::StartTls => Tls::Required(tls()?),
            Privacy::Loopback => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&url.host)
            .port(url.port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain.clone()))
            .timeout(Some(COMMAND));
        builder = match (&url.user, password) {
            (Some(user), Some(password)) => {
                let known = Credentials::new(user.clone(), password.expose().to_owned());
                builder.credentials(known)
            }
            (None, None) => builder,
            (Some(_), None) => {
                return Err("smtp_url names a user; name the file with the password too, with smtp_password_file".to_owned());
            }
            (None, Some(_)) => {
                return Err(
                    "smtp_password_file goes with a user; write smtp_url as smtps://USER@HOST"
                        .to_owned(),
                );
            }
        };
        Ok(Self { transport: builder.build(), from, domain })
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailError> {
        let never = |why: String| MailError::Never(why);
        let to: Mailbox = letter.to.parse().map_err(|_| never("it is no address".to_owned()))?;
        // RFC 3834 §5: nobody's absence is to be answered to us.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject.clone())
            .message_id(Some(format!("<{}@{}>", letter.id, self.domain)))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.expose().to_owned())
            .map_err(|error| never(error.to_string()))
    }
}

impl Mailer for Smtp {
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
    ) -> Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>> {
        Box::pin(async move {
            let message = self.message(letter)?;
            match self.transport.send(message).await {
                Ok(_) => Ok(()),
                // RFC 5321 §4.2.1: 5yz is for ever. RFC 4954 §6: 53z is about us, not about
                // the letter, and the operator will mend it.
                Err(error)
                    if error.is_permanent()
                        && !error.status().is_some_and(|it| it.to_string().starts_with("53")) =>
                {
                    Err(MailError::Never(error.to_string()))
                }
                Err(error) => Err(MailError::Later(error.to_string())),
            }
        })
    }
}
