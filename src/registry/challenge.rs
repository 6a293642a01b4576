//! What a registry asks for when it wants a login: the header `WWW-Authenticate` (RFC 7235).

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With name and password.
    Basic,
    /// With a token of a token server.
    Bearer {
        /// Address of the token server.
        realm: String,
        /// What the server calls the registry; may be empty.
        service: String,
    },
}

/// Returns the first challenge that can be met.
pub(super) fn first<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    headers.into_iter().find_map(parse)
}

fn parse(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some(Challenge::Bearer {
        realm: parameter(rest, "realm")?,
        service: parameter(rest, "service").unwrap_or_default(),
    })
}

/// Returns a parameter; commas may be inside quotes.
fn parameter(list: &str, name: &str) -> Option<String> {
    let mut rest = list;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = next.trim_start().trim_start_matches(',');
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_of_registries_are_read() {
        let bearer = |realm: &str, service: &str| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.to_owned(),
            })
        };
        let hub = "Bearer realm=\"https://auth.test/token\",service=\"registry.test\",\
                   scope=\"repository:a/b:pull,push\"";
        assert_eq!(
            parse(hub),
            bearer("https://auth.test/token", "registry.test")
        );
        let bare = "bearer scope=\"a,b\", realm = https://auth.test/t?a=b";
        assert_eq!(parse(bare), bearer("https://auth.test/t?a=b", ""));
        assert_eq!(parse("Basic realm=\"test\""), Some(Challenge::Basic));
        assert_eq!(parse("Bearer service=\"x\""), None);
        let both = ["Negotiate", "Basic realm=\"test\""];
        assert_eq!(first(both.into_iter()), Some(Challenge::Basic));
    }
}
