//! What may be said about a server in a file that others read.

use ureq::http::Uri;

/// Whether this is the address of a server: `http` or `https`, a host, perhaps a port and a path, and no credentials.
pub fn is_address(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    scheme && host && uri.query().is_none() && !text.contains(['@', '#'])
}

/// Whether this can be the name of an environment variable by convention: capitals, digits and underscores. Keys look different, so a
/// key is not taken for the name of one.
pub fn is_variable(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
    begins && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether the host is this machine.
pub(crate) fn is_local(address: &str) -> bool {
    let host = address.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_credentials() {
        for good in ["http://localhost:11434/v1", "https://api.example.org", "http://[::1]:80/v1"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "localhost:80", "ftp://x/", "http://", "http://a:b@c/", "http://c/?key=1", "http://a b/"]
        {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(
            is_local("http://[::1]:80/v1") && is_local("http://127.0.0.1:8/") && !is_local("http://127x.org")
        );
    }

    #[test]
    fn keys_are_no_names_of_variables() {
        assert!(is_variable("OPENAI_API_KEY") && is_variable("_K2"));
        assert!(["", "sk-abc", "2K", "Key", "A KEY"].iter().all(|text| !is_variable(text)));
    }
}
