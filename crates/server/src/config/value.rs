//! Texts to types. Messages say what would have been right, and never repeat a secret.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hallpass_core::{PublicUrl, Secret};

use super::Network;

/// A setting's type, as read from text.
pub trait Value: Sized {
    /// Whether there may be several, separated by commas.
    const LIST: bool = false;

    /// Reads it. The text is never empty.
    fn read(text: &str) -> Result<Self, String>;

    /// What an absent setting without a default is, if it may be absent.
    fn absent() -> Option<Self> {
        None
    }
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Both loopback addresses, on one port.
    Localhost(u16),
    /// One address.
    Socket(SocketAddr),
}

impl Listen {
    /// The port; zero lets the system choose one.
    pub fn port(self) -> u16 {
        match self {
            Self::Localhost(port) => port,
            Self::Socket(socket) => socket.port(),
        }
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Localhost(_) => true,
            Self::Socket(socket) => socket.ip().to_canonical().is_loopback(),
        }
    }

    /// The addresses to bind.
    pub fn addresses(self) -> Vec<SocketAddr> {
        match self {
            Self::Localhost(port) => vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port),
            ],
            Self::Socket(socket) => vec![socket],
        }
    }
}

impl Value for Listen {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not an address and a port, such as localhost:8470, 0.0.0.0:443 or [::]:443"
            )
        };
        if let Some(port) = text.strip_prefix("localhost:") {
            return port.parse().map(Self::Localhost).map_err(|_| wrong());
        }
        text.parse().map(Self::Socket).map_err(|_| wrong())
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Value for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is neither text nor json")),
        }
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("{text:?} is neither true nor false")),
        }
    }
}

impl Value for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not a duration; write a number and a unit: 90s, 5m, 12h, 30d or 1h30m"
            )
        };
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let number: u64 = number.parse().map_err(|_| wrong())?;
            let unit = after.bytes().next().ok_or_else(wrong)?;
            let seconds = match unit {
                b's' => 1,
                b'm' => 60,
                b'h' => 3600,
                b'd' => 86_400,
                b'y' => 365 * 86_400,
                _ => return Err(wrong()),
            };
            total =
                number.checked_mul(seconds).and_then(|n| total.checked_add(n)).ok_or_else(wrong)?;
            rest = &after[1..];
        }
        // A century is a typo, and what is added to a timestamp must not overflow.
        match total {
            0 => Err(format!("{text:?} is no time at all")),
            total if total > 100 * 365 * 86_400 => {
                Err(format!("{text:?} is more than a hundred years"))
            }
            total => Ok(Self::from_secs(total)),
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn read(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(None) } else { T::read(text).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for Vec<T> {
    const LIST: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::read).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Value for PublicUrl {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|why| format!("{text:?} cannot be the public URL: {why}"))
    }
}

impl Value for Network {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|why| format!("{text:?}: {why}"))
    }
}

impl Value for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for Secret {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                match text.parse() {
                    Ok(0) | Err(_) => Err(format!("{text:?} is not a whole number of at least 1")),
                    Ok(number) => Ok(number),
                }
            }
        }
    )*};
}
whole_numbers!(u32 u64 usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let secs = |text: &str| Duration::read(text).map(|d| d.as_secs());
        assert_eq!(secs("5m"), Ok(300));
        assert_eq!(secs("1h30m"), Ok(5400));
        assert_eq!(secs("30d"), Ok(2_592_000));
        assert_eq!(secs("1y"), Ok(31_536_000));
        for bad in [
            "5",
            "m",
            "5 m",
            "-5m",
            "5M",
            "0s",
            "1.5h",
            "5m3",
            "99999999999999999999s",
            "101y",
            "5µ",
        ] {
            assert!(secs(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn listening_addresses() {
        assert_eq!(Listen::read("localhost:0"), Ok(Listen::Localhost(0)));
        assert_eq!(Listen::Localhost(7).addresses().len(), 2);
        assert!(Listen::read("0.0.0.0:443").is_ok_and(|listen| !listen.is_loopback()));
        assert!(Listen::read("[::1]:443").is_ok_and(Listen::is_loopback));
        for bad in ["8470", ":8470", "localhost", "example.com:80", "localhost:99999", "127.0.0.1"]
        {
            assert!(Listen::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_and_optionals() {
        assert_eq!(Vec::<u32>::read("1, 2,,3"), Ok(vec![1, 2, 3]));
        assert_eq!(Option::<u32>::read("none"), Ok(None));
        assert!(Option::<u32>::read("0").is_err());
    }
}
