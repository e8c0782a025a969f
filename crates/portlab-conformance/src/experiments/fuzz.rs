//! The functions that read a server's bytes, for the fuzz targets in `tests/fuzz/`. Each panics if an assertion fails.

use super::{Progress, Speech, ending, http, pages, record::shown};

/// A response that is wrong stays wrong, one that has ended is right or wrong, and its links can be requested. The input is
/// the length of a read, and what is read.
pub fn responses(input: &[u8]) {
    let [length, input @ ..] = input else {
        return;
    };
    let mut is_wrong = false;
    let step = usize::from(*length).max(1).max(input.len() / 64);
    for end in (0..input.len()).step_by(step).chain([input.len()]) {
        let received = &input[..end];
        let now = http::progress(received, false);
        assert!(!is_wrong || now == Progress::Wrong, "{received:?}");
        is_wrong = now == Progress::Wrong;
        assert_ne!(http::progress(received, true), Progress::Partial);
        Speech::http(false).progress(received, false);
    }
    assert!(!shown(input).chars().any(char::is_control));
    let Some(response) = http::response(input) else {
        return;
    };
    assert!(input.ends_with(&response.body) && response.page().len() <= response.body.len());
    pages::declared(&response).inspect(|it| assert!(pages::is_in(b"", it)));
    for path in response.links() {
        let request = http::request(&path);
        let mut headers = [httparse::EMPTY_HEADER; 8];
        let mut head = httparse::Request::new(&mut headers);
        assert!(
            head.parse(&request).is_ok_and(|it| it.is_complete()),
            "{path:?}"
        );
        assert_eq!(head.path, Some(&*path));
    }
}

/// What a program has written to stderr has one last error, or none.
pub fn complaints(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    ending::error(&text);
}
