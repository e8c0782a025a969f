//! What the last error of a Python program tells, beside what its clients have seen.

/// The bug that only the error in `complaints` tells apart from `bug`.
pub(super) fn bug_of(complaints: &str, bug: &'static str) -> Option<&'static str> {
    let (last, _) = last(complaints)?;
    let closed = [
        "negative integer",
        "Invalid file object",
        "Invalid file descriptor",
        "Bad file descriptor",
        "is not registered",
        "KeyError",
    ];
    if last.contains("unregister(") && closed.iter().any(|it| last.contains(it)) {
        return Some("epoll-closed-before-unregistered");
    }
    // A question without an answer, and an error: the error has ended the thread that serves the client.
    (bug == "no-answer").then_some("crashes")
}

/// Whether the error in `complaints` is a slip that no client can cause: a name or an attribute that doesn't exist, a value
/// of another type, a listening socket that the program has closed itself.
pub(super) fn is_slip(complaints: &str) -> bool {
    let (last, error) = last(complaints).unwrap_or_default();
    match error.split(':').next().unwrap_or_default() {
        "NameError" => true,
        // None instead of a value may come from a text that the program doesn't know.
        "AttributeError" | "TypeError" => !error.contains("NoneType"),
        "OSError" => last.contains(".accept("),
        _ => false,
    }
}

/// The last traceback in `complaints`, without its first line, and the line of its error, which is empty if it isn't written
/// yet.
pub(super) fn last(complaints: &str) -> Option<(&str, &str)> {
    let (_, last) = complaints.rsplit_once("Traceback (most recent call last):\n")?;
    let mut lines = last.lines();
    let error = lines.find(|it| !it.is_empty() && !it.starts_with(' '));
    Some((last, error.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traceback(line: &str, error: &str) -> String {
        format!(
            "Traceback (most recent call last):\n  File \"server.py\", line 7, in <module>\n    {line}\n{error}\n"
        )
    }

    #[test]
    fn a_slip_is_told_from_an_error_that_a_client_causes() {
        let is_slip = |row: &str| {
            let (line, error) = row.split_once(" | ").unwrap();
            is_slip(&traceback(line, error))
        };
        for slip in [
            "clent.close() | NameError: name 'clent' is not defined",
            "client.clos() | AttributeError: 'socket' object has no attribute 'clos'",
            "client.send(text) | TypeError: a bytes-like object is required, not 'str'",
            "client, addr = server.accept() | OSError: [Errno 9] Bad file descriptor",
        ] {
            assert!(is_slip(slip), "{slip}");
        }
        for of_client in [
            "path = found.group(1) | AttributeError: 'NoneType' object has no attribute 'group'",
            "client.send(data) | OSError: [Errno 9] Bad file descriptor",
            "number = int(data) | ValueError: invalid literal for int()",
        ] {
            assert!(!is_slip(of_client), "{of_client}");
        }
        assert!(!super::is_slip("NameError"));
    }

    #[test]
    fn an_error_explains_why_no_answer_came() {
        let text = traceback(
            "client.send(text)",
            "TypeError: a bytes-like object is required",
        );
        assert_eq!(bug_of(&text, "no-answer"), Some("crashes"));
        assert_eq!(bug_of(&text, "ends-at-reset"), None);
        assert_eq!(bug_of("listening\n", "no-answer"), None);
        let closed = traceback(
            "epoll.unregister(fd)",
            "ValueError: Invalid file descriptor: -1",
        );
        let epoll = Some("epoll-closed-before-unregistered");
        assert_eq!(bug_of(&closed, "crashes"), epoll);
    }
}
