//! Where a machine is.

use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use thiserror::Error;

/// `ssh://[user@]host[:port]`; the host may be an alias of `~/.ssh/config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}`: expected an address such as ssh://user@host or ssh://user@host:2222: {reason}")]
pub struct AddressError {
    text: String,
    reason: &'static str,
}

impl Address {
    /// The login name, if it is given.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Name or number of the machine; IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if it is given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// As `ssh` and `ssh-copy-id` take it on the command line.
    pub(crate) fn arguments(&self) -> String {
        let port = self.port.map_or(String::new(), |port| format!("-p {port} "));
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        format!("{port}{user}{}", self.host)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        read(text).map_err(|reason| AddressError { text: text.to_owned(), reason })
    }
}

fn read(text: &str) -> Result<Address, &'static str> {
    let rest = text.strip_prefix("ssh://").ok_or("it begins with ssh://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return Err("it names no folder (that is --folder)");
    }
    let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
    let (host, port) = split_port(place)?;
    if user.is_some_and(|user| user.contains(':')) {
        return Err("passwords are not taken: use a key");
    }
    // What begins with a dash would be an option of `ssh`.
    let word = |text: &str, more: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && !text.starts_with('-') && text.chars().all(known)
    };
    if !word(host, "-._:%") {
        return Err("the host is letters, digits, `-`, `.` and `_`");
    }
    if user.is_some_and(|user| !word(user, "-._@+\\")) {
        return Err("the user is letters, digits, `-`, `.` and `_`");
    }
    Ok(Address { user: user.map(str::to_owned), host: host.to_owned(), port })
}

fn split_port(place: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, rest) = match place.strip_prefix('[') {
        Some(place) => place.split_once(']').ok_or("the bracket is not closed")?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    if rest.is_empty() {
        return Ok((host, None));
    }
    let port = rest.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|&port| port > 0);
    port.map(|port| (host, Some(port))).ok_or("the port is a number from 1 to 65535; IPv6 is in brackets")
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        self.user.as_ref().map_or(Ok(()), |user| write!(f, "{user}@"))?;
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { f.write_str(&self.host) }?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_reading_and_writing() {
        for (text, user, host, port) in [
            ("ssh://pi", None, "pi", None),
            ("ssh://me@10.0.0.7:2222", Some("me"), "10.0.0.7", Some(2222)),
            ("ssh://me@[fe80::1%eth0]:22", Some("me"), "fe80::1%eth0", Some(22)),
            ("ssh://[::1]", None, "::1", None),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.user(), address.host(), address.port()), (user, host, port));
            assert_eq!(address.to_string(), text);
        }
        assert_eq!("ssh://a@b/".parse(), "ssh://a@b".parse::<Address>());
    }

    #[test]
    fn options_passwords_and_folders_are_no_addresses() {
        for (text, reason) in [
            ("pi", "begins with ssh://"),
            ("ssh://", "the host is"),
            ("ssh://-oProxyCommand=reboot", "the host is"),
            ("ssh://-l@pi", "the user is"),
            ("ssh://a b@pi", "the user is"),
            ("ssh://me:secret@pi", "passwords"),
            ("ssh://pi/opt", "folder"),
            ("ssh://pi:0", "port"),
            ("ssh://pi:70000", "port"),
            ("ssh://fe80::1", "brackets"),
            ("ssh://[::1", "bracket"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{error}");
        }
    }
}
