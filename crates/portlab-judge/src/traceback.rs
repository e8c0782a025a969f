//! The end of a Python traceback.

use std::path::Path;

use portlab_service::inert;

/// Where and why a Python program has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceback {
    /// The file of the last line inside the student's own program, and the line's number from 1.
    pub place: Option<(String, usize)>,
    /// The error's line, such as `UnicodeDecodeError: ...`.
    pub error: String,
}

impl Traceback {
    /// The last traceback in `stderr`. `own` is the student's file; without it the last line of any file counts.
    pub fn of(stderr: &str, own: Option<&Path>) -> Option<Self> {
        // Python shows a syntax error of the program's own file without the head of a traceback.
        let head = "Traceback (most recent call last):";
        let last = match stderr.rsplit_once(head) {
            Some((_, last)) => last,
            None => &stderr[syntax_error(stderr)?..],
        };
        let name = own
            .and_then(|it| it.file_name())
            .map(|it| it.to_string_lossy());
        let places = last.lines().filter_map(place);
        let mut places = places.filter(|(file, _)| {
            let its_name = Path::new(file).file_name().map(|it| it.to_string_lossy());
            name.is_none() || its_name == name
        });
        // The error is the first line after the frames that isn't indented.
        let mut lines = last.lines();
        let error = lines.find(|line| !line.is_empty() && !line.starts_with(' '));
        Some(Self {
            place: places.next_back(),
            error: inert(error?.trim()),
        })
    }

    /// The encoding in which bytes couldn't be decoded. Python calls several encodings `charmap`, and none is found by that
    /// name.
    pub(crate) fn codec(&self) -> Option<&str> {
        let rest = self.error.strip_prefix("UnicodeDecodeError: '")?;
        let (codec, _) = rest.split_once("' codec")?;
        (codec != "charmap").then_some(codec)
    }
}

/// Where the report of a syntax error begins in `stderr`: `SyntaxError`, or one of its kinds.
fn syntax_error(stderr: &str) -> Option<usize> {
    let kinds = ["SyntaxError: ", "IndentationError: ", "TabError: "];
    let has_error = |line: &str| kinds.iter().any(|kind| line.starts_with(kind));
    let error = stderr.lines().find(|line| has_error(line))?;
    let frame = stderr.find("  File \"");
    frame.or_else(|| place(error).and(stderr.find(error)))
}

/// Reads `  File "server.py", line 7, in <module>`, or `SyntaxError: Non-UTF-8 code ... in file server.py on line 7, but ...`.
fn place(line: &str) -> Option<(String, usize)> {
    let (file, rest) = match line.trim_start().strip_prefix("File \"") {
        Some(rest) => rest.split_once("\", line ")?,
        None if line.starts_with("SyntaxError: Non-UTF-8") => {
            line.split_once(" in file ")?.1.split_once(" on line ")?
        }
        None => return None,
    };
    let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
    Some((file.to_owned(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_students_own_file_is_found() {
        let stderr = "noise\nTraceback (most recent call last):\n  File \"/home/li/server.py\", line 7, in <module>\n    \
                      x()\n    ~^^\n  File \"/usr/lib/python3/socket.py\", line 99, in x\n    y\nKeyError: 3\nmore\n";
        let found = Traceback::of(stderr, Some(Path::new("./server.py"))).unwrap();
        assert_eq!(found.place, Some(("/home/li/server.py".to_owned(), 7)));
        assert_eq!(found.error, "KeyError: 3");
        let any = Traceback::of(stderr, None).unwrap();
        assert_eq!(any.place.unwrap().1, 99);
        assert_eq!(Traceback::of("segmentation fault", None), None);
    }

    #[test]
    fn a_syntax_error_has_its_line_without_a_traceback() {
        let own = Some(Path::new("./syntax.py"));
        for (stderr, line, error) in [
            (
                "warning\n  File \"/home/li/syntax.py\", line 3\n    print(\"a\"\n         ^\nSyntaxError: '(' was never closed\n",
                3,
                "SyntaxError: '(' was never closed",
            ),
            (
                "  File \"syntax.py\", line 7\n    x = 1\nIndentationError: unexpected indent\n",
                7,
                "IndentationError: unexpected indent",
            ),
            (
                "SyntaxError: Non-UTF-8 code starting with '\\xc4' in file /home/li/syntax.py on line 2, but no encoding\n",
                2,
                "SyntaxError: Non-UTF-8 code starting with '\\xc4' in file /home/li/syntax.py on line 2, but no encoding",
            ),
        ] {
            let found = Traceback::of(stderr, own).unwrap();
            assert_eq!(found.place.unwrap().1, line);
            assert_eq!(found.error, error);
        }
        assert_eq!(
            Traceback::of("SyntaxError: of another language\n", own),
            None
        );
    }
}
