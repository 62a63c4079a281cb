//! What arrives during a login: a pasted address, a wish to stop, and inside this
//! crate the listener's callback and the launcher's outcome. One queue, so that a
//! login waits for all of them at once (CLIENT A11).

use std::sync::mpsc;

use hallpass_core::Secret;

use super::listener::Visit;
use crate::Error;

/// The program's end: feeds what the person does.
#[derive(Clone, Debug)]
pub struct Sender(mpsc::Sender<Message>);

/// The login's end.
#[derive(Debug)]
pub struct Inbox {
    pub(crate) sender: mpsc::Sender<Message>,
    pub(crate) receiver: mpsc::Receiver<Message>,
}

/// One thing that arrived.
#[derive(Debug)]
pub(crate) enum Message {
    /// A line that the person pasted: an address, or a bare code.
    Pasted(Secret),
    /// The person wants to stop.
    Stop,
    /// The awaited callback: a code, or the end; its browser waits for the outcome.
    Callback { answer: Result<Secret, Error>, visit: Visit },
    /// Something came to the listener that is not ours.
    Ignored(&'static str),
    /// The browser shows how it ended.
    PageShown,
    /// Whether something could be launched.
    Launched(bool),
}

impl Inbox {
    /// A new inbox, and the sender that feeds it.
    #[allow(clippy::new_ret_no_self, reason = "a channel has two ends")]
    pub fn new() -> (Sender, Inbox) {
        let (sender, receiver) = mpsc::channel();
        (Sender(sender.clone()), Inbox { sender, receiver })
    }

    /// Whether the person wants to stop. Throws away everything else.
    pub(crate) fn wants_to_stop(&self) -> bool {
        self.receiver.try_iter().any(|message| matches!(message, Message::Stop))
    }
}

impl Sender {
    /// The person pasted a line: the address that their browser ended at, or a code.
    /// `false` if the login is over.
    pub fn paste(&self, line: impl Into<String>) -> bool {
        self.0.send(Message::Pasted(Secret::new(line))).is_ok()
    }

    /// The person wants to stop (Ctrl-C). `false` if the login is over.
    pub fn stop(&self) -> bool {
        self.0.send(Message::Stop).is_ok()
    }
}
