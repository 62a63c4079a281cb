//! A real terminal for a program: a pseudo-terminal that it controls.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::{self, Written};
use crate::wait;

/// A program at a terminal. It is killed when dropped.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Written,
    reader: thread::JoinHandle<()>,
}

impl Terminal {
    /// Starts `command` at a terminal of this many columns.
    pub fn start(command: &Command, columns: u16) -> Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).context("a pseudo-terminal")?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let theirs =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        tcsetwinsize(&theirs, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
        // setsid makes it the *controlling* terminal, without which Ctrl-C reaches nobody.
        // A background job's ignored Ctrl-C would be inherited, so signals start afresh.
        let mut with_terminal = Command::new("env");
        with_terminal.args(["--default-signal", "setsid", "--ctty"]);
        with_terminal.arg(command.get_program()).args(command.get_args());
        with_terminal.env_clear();
        for (name, value) in command.get_envs() {
            with_terminal.envs(value.map(|value| (name, value)));
        }
        let child = with_terminal
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(theirs.try_clone()?))
            .stdout(Stdio::from(theirs.try_clone()?))
            .stderr(Stdio::from(theirs))
            .spawn()
            .context("starting a program at a terminal")?;
        // The command still holds their side; without this we would never see its end.
        drop(with_terminal);
        let ours = File::from(ours);
        let (screen, reader) = Written::keep(ours.try_clone()?);
        Ok(Self { child, keyboard: ours, screen, reader })
    }

    /// Everything that was written, without escape sequences.
    pub fn shown(&self) -> String {
        plain(&self.screen.text())
    }

    /// Everything that was written, as it was.
    pub fn raw(&self) -> String {
        self.screen.text()
    }

    /// Types.
    pub fn type_text(&mut self, text: &str) -> Result<()> {
        Ok(self.keyboard.write_all(text.as_bytes())?)
    }

    /// Waits until `text` is shown; answers all that is shown.
    pub async fn shows(&self, text: &str) -> Result<String> {
        self.until(text, |shown| shown.contains(text).then(|| shown.to_owned())).await
    }

    /// Waits until `find` finds something in what is shown.
    pub async fn until<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let found = wait::until(what, async || Ok(find(&self.shown()))).await;
        found.with_context(|| format!("the terminal shows:\n{}", self.shown()))
    }

    /// Waits for its end; answers the exit code and all that was shown.
    pub async fn finished(&mut self) -> Result<(Option<i32>, String)> {
        let ended = wait::until("the program at the terminal to end", async || {
            Ok(self.child.try_wait()?)
        })
        .await;
        let status = ended.with_context(|| format!("the terminal shows:\n{}", self.shown()))?;
        process::read_up(std::slice::from_ref(&self.reader)).await;
        Ok((status.code(), self.shown()))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(rustix::process::kill_process(Pid::from_child(&self.child), signal)?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text without escape sequences and carriage returns.
pub fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                // CSI: parameters, then one final character.
                Some('[') => drop(rest.by_ref().find(|c| ('@'..='~').contains(c))),
                // OSC: until BEL or ST.
                Some(']') => drop(rest.by_ref().find(|c| matches!(c, '\u{7}' | '\\'))),
                _ => {}
            },
            '\r' => {}
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_not_shown() {
        assert_eq!(
            plain("\u{1b}[1;31mred\u{1b}[0m\r\n\u{1b}]8;;http://x\u{1b}\\link"),
            "red\nlink"
        );
    }

    #[tokio::test]
    async fn a_program_has_a_terminal_of_its_own() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "tty; stty size; read line; echo \"got $line\"; trap 'echo bye; exit 130' INT; kill -0 $$; read line"]);
        command.env("PATH", "/usr/bin:/bin");
        let mut terminal = Terminal::start(&command, 61)?;
        terminal.shows("40 61").await?;
        terminal.type_text("hello\n")?;
        terminal.shows("got hello").await?;
        terminal.type_text("\u{3}")?;
        let (code, shown) = terminal.finished().await?;
        assert_eq!(code, Some(130), "{shown}");
        assert!(shown.contains("/dev/pts/") && shown.contains("bye"), "{shown}");
        Ok(())
    }
}
