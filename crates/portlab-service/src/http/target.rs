//! The target of a request: decoded and checked, before any file is looked up.

use percent_encoding::percent_decode_str;

use super::status::Status;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A path below the root.
    Path(TargetPath),
    /// `*`: the server itself.
    Server,
}

/// A decoded path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetPath {
    /// The names, decoded, with `/` between them. No name is empty, `.` or `..`, and none has a NUL byte.
    pub(super) path: Vec<u8>,
    /// The path ended with `/`.
    pub(super) is_folder: bool,
    /// The query as it came, with its `?`; empty if there is none.
    pub(super) query: String,
}

impl Target {
    /// Reads a target in one of the forms of RFC 9112, 3.2: `/path?query`, `http://host/path?query`, `*`.
    ///
    /// # Errors
    /// 400 for another form, a wrong percent-encoding, and a name `.` or `..`, also an encoded one; 404 for a name with an
    /// encoded `/`, which no file has.
    pub(super) fn read(target: &str) -> Result<Self, Status> {
        if target == "*" {
            return Ok(Self::Server);
        }
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"#\\<>\"".contains(&byte);
        if !target.bytes().all(is_allowed) {
            return Err(Status::BAD_REQUEST);
        }
        let path = match target.starts_with('/') {
            true => target,
            false => path_of_absolute(target).ok_or(Status::BAD_REQUEST)?,
        };
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        TargetPath::read(path, query).map(Self::Path)
    }
}

/// The path and query of `http://host/path?query`; `None` if it has another form.
fn path_of_absolute(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let is_http = ["http", "https"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (is_http && is_authority(authority)).then_some(path)
}

impl TargetPath {
    fn read(path: &str, query: &str) -> Result<Self, Status> {
        let mut all = Vec::with_capacity(path.len());
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let is_encoded = |rest: &str| {
                let digits = rest.as_bytes().get(..2);
                digits.is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit))
            };
            if !name.split('%').skip(1).all(is_encoded) {
                return Err(Status::BAD_REQUEST);
            }
            if !all.is_empty() {
                all.push(b'/');
            }
            let begin = all.len();
            all.extend(percent_decode_str(name));
            match &all[begin..] {
                b"." | b".." => return Err(Status::BAD_REQUEST),
                name if name.contains(&0) => return Err(Status::BAD_REQUEST),
                name if name.contains(&b'/') => return Err(Status::NOT_FOUND),
                _ => {}
            }
        }
        Ok(Self {
            path: all,
            // The path of `http://host` is empty, and means `/`.
            is_folder: path.is_empty() || path.ends_with('/'),
            query: query.to_owned(),
        })
    }
}

/// Whether `host` is a host with or without a port (RFC 9110, 4.2.1 and 7.2).
pub(super) fn is_authority(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((ip, rest)) if rest.is_empty() || rest.starts_with(':') => {
                let is_ip = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
                if ip.is_empty() || !ip.bytes().all(is_ip) {
                    return false;
                }
                ("", rest.strip_prefix(':').unwrap_or(""))
            }
            _ => return false,
        },
        None if host.is_empty() || host.starts_with(':') => return false,
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    name.bytes().all(is_of_name) && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(target: &str) -> Result<(String, bool, String), u16> {
        match Target::read(target) {
            Ok(Target::Path(it)) => {
                let path = String::from_utf8(it.path).unwrap();
                Ok((path, it.is_folder, it.query))
            }
            Ok(Target::Server) => Ok(("*".to_owned(), false, String::new())),
            Err(status) => Err(status.0),
        }
    }

    #[test]
    fn a_target_is_decoded_once() {
        for (target, names, is_folder, query) in [
            ("/", "", true, ""),
            ("/a/b.txt", "a/b.txt", false, ""),
            ("/a//b/?x=/../y", "a/b", true, "?x=/../y"),
            ("//host/a", "host/a", false, ""),
            ("http://host:80/a?b", "a", false, "?b"),
            ("HTTP://[::1]:80", "", true, ""),
            ("http://host?x", "", true, "?x"),
            ("/%E4%B8%AD%20%25.txt", "中 %.txt", false, ""),
            ("/%2541", "%41", false, ""),
            ("/a%5cb", "a\\b", false, ""),
            ("/...", "...", false, ""),
            ("*", "*", false, ""),
        ] {
            let expected = (names.to_owned(), is_folder, query.to_owned());
            assert_eq!(path(target), Ok(expected), "{target}");
        }
    }

    #[test]
    fn a_target_that_may_lead_elsewhere_is_refused() {
        for (target, status) in [
            ("/../etc/passwd", 400),
            ("/a/..", 400),
            ("/%2e%2E/a", 400),
            ("/./a", 400),
            ("/a%2f..%2f..", 404),
            ("/a%2fb", 404),
            ("/a%00b", 400),
            ("/a%zz", 400),
            ("/a%4", 400),
            ("/a\\b", 400),
            ("/a#b", 400),
            ("/中", 400),
            ("a", 400),
            ("", 400),
            ("ftp://host/a", 400),
            ("http:///a", 400),
            ("http://:80/a", 400),
            ("http://a@b/", 400),
            ("host:80", 400),
        ] {
            assert_eq!(path(target), Err(status), "{target}");
        }
    }

    #[test]
    fn a_host_has_a_name_and_a_port_of_digits() {
        for good in ["a", "a.b:80", "127.0.0.1:9090", "[::1]", "[::1]:80", "a:"] {
            assert!(is_authority(good), "{good}");
        }
        for wrong in [
            "", ":80", "a b", "a/b", "a@b", "a:b", "[::1", "[]", "[::1]x", "a:80:90",
        ] {
            assert!(!is_authority(wrong), "{wrong}");
        }
    }
}
