//! The command line of a run, as a result shows it: a result is passed on, and what authorises its user isn't.

use portlab_lab::quoted;

/// The command line of this process.
pub(super) fn of_this_process() -> String {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    masked(words)
}

/// What stands in place of a secret.
const MASK: &str = "***";

/// Parts of the names of headers that authorise.
const SECRET: [&str; 7] = [
    "auth", "cookie", "token", "key", "secret", "password", "session",
];

/// `words` quoted for a shell, without secrets: values of headers that authorise, and the user of a URL. The message
/// itself is shown, unless it is in a file.
fn masked(words: impl IntoIterator<Item = String>) -> String {
    let mut is_header = false;
    let words = words.into_iter().map(|word| {
        let masked = match word.strip_prefix("--header=") {
            Some(header) => format!("--header={}", without_value(header)),
            None if is_header => without_value(&word),
            None => without_user(&word),
        };
        is_header = word == "--header" || word == "-H";
        masked
    });
    let words: Vec<String> = words.collect();
    quoted(words.iter().map(String::as_str))
}

/// `Name: ***` if a header of this name authorises.
fn without_value(header: &str) -> String {
    let Some((name, _)) = header.split_once(':') else {
        return header.to_owned();
    };
    let lower = name.to_lowercase();
    match SECRET.iter().any(|part| lower.contains(part)) {
        true => format!("{name}: {MASK}"),
        false => header.to_owned(),
    }
}

/// `http://***@host/` for `http://user:password@host/`.
fn without_user(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..host].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_shows_everything_but_secrets() {
        for (words, expected) in [
            (
                &["portlab", "load", "--text", "a b"][..],
                "portlab load --text 'a b'",
            ),
            (
                &["--header", "Authorization: Bearer x"],
                "--header 'Authorization: ***'",
            ),
            (&["--header=X-API-Key:abc"], "'--header=X-API-Key: ***'"),
            (&["-H", "Accept: a/b"], "-H 'Accept: a/b'"),
            (
                &["-H", "no colon", "Cookie: a"],
                "-H 'no colon' 'Cookie: a'",
            ),
            (
                &["http://me:pw@host:1/p?a=b@c"],
                "'http://***@host:1/p?a=b@c'",
            ),
            (&["http://host/a@b"], "http://host/a@b"),
        ] {
            let words = words.iter().map(|&word| word.to_owned());
            assert_eq!(masked(words), expected);
        }
    }
}
