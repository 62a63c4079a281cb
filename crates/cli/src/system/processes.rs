//! Other processes: signals that are passed on, and ends.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{Pid, Signal};
#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

/// A process that is sent signals: the very one that had this number, where the system can tell.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    #[cfg(target_os = "linux")]
    process: Arc<std::os::fd::OwnedFd>,
    #[cfg(all(unix, not(target_os = "linux")))]
    process: Pid,
}

impl Target {
    /// The process with this number, which is to be one that runs.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        #[cfg(unix)]
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        #[cfg(target_os = "linux")]
        return Some(Self { process: Arc::new(pidfd_open(pid, PidfdFlags::empty()).ok()?) });
        #[cfg(all(unix, not(target_os = "linux")))]
        return Some(Self { process: pid });
        #[cfg(not(unix))]
        return None;
    }

    /// Sends a signal; `false` if it is gone.
    #[cfg(unix)]
    fn send(&self, signal: Signal) -> bool {
        #[cfg(target_os = "linux")]
        return pidfd_send_signal(&*self.process, signal).is_ok();
        #[cfg(not(target_os = "linux"))]
        return rustix::process::kill_process(self.process, signal).is_ok();
    }

    /// Asks it to end, and ends it after `grace`.
    pub(crate) fn end(&self, grace: Duration) {
        #[cfg(unix)]
        {
            const LOOK: Duration = Duration::from_millis(50);
            let mut waited = Duration::ZERO;
            let mut there = self.send(Signal::TERM);
            while there && waited < grace {
                std::thread::sleep(LOOK);
                waited += LOOK;
                there = self.is_there();
            }
            if there {
                self.send(Signal::KILL);
            }
        }
        #[cfg(not(unix))]
        let _ = grace;
    }

    /// Whether it runs. What has ended and waits to be heard of does not.
    #[cfg(unix)]
    fn is_there(&self) -> bool {
        #[cfg(target_os = "linux")]
        {
            use rustix::event::{PollFd, PollFlags, poll};
            // A process's descriptor is readable once it has ended.
            let mut ended = [PollFd::new(&*self.process, PollFlags::IN)];
            let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut ended, Some(&now)) == Ok(0)
        }
        #[cfg(not(target_os = "linux"))]
        rustix::process::test_kill_process(self.process).is_ok()
    }
}

/// Signals that come to this process, and are for the program that it runs.
pub(crate) struct Forwarding(Arc<Mutex<Option<Target>>>);

impl Forwarding {
    /// From now on they end nobody here. Those that come before there is a program are dropped.
    pub(crate) fn begin() -> Self {
        let target: Arc<Mutex<Option<Target>>> = Arc::default();
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
            use std::io::IsTerminal as _;
            let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
            if let Ok(mut signals) = signal_hook::iterator::Signals::new(all) {
                let target = Arc::clone(&target);
                // At a terminal the program has had what was typed already.
                let typed = std::io::stdin().is_terminal();
                std::thread::spawn(move || {
                    for number in signals.forever() {
                        let signal = Signal::from_named_raw(number);
                        let had = typed && (number == SIGINT || number == SIGQUIT);
                        let target = target.lock().unwrap_or_else(PoisonError::into_inner);
                        if let (Some(signal), Some(target), false) = (signal, &*target, had) {
                            target.send(signal);
                        }
                    }
                });
            }
        }
        Self(target)
    }

    /// The program.
    pub(crate) fn to(&self, target: Option<&Target>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = target.cloned();
    }
}

/// What a program ended with: its code, or 128 and the signal, as shells count.
pub(crate) fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|it| it + 128);
    #[cfg(not(unix))]
    let by_signal = None;
    let code = status.code().or(by_signal);
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
