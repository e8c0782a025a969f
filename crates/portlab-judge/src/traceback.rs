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
        let (_, last) = stderr.rsplit_once("Traceback (most recent call last):")?;
        let name = own
            .and_then(|it| it.file_name())
            .map(|it| it.to_string_lossy());
        let places = last.lines().filter_map(place);
        let mut places = places.filter(|(file, _)| {
            let its_name = Path::new(file).file_name().map(|it| it.to_string_lossy());
            name.is_none() || its_name == name
        });
        // The error is the first line after the frames that isn't indented.
        let mut lines = last.lines().skip(1);
        let error = lines.find(|line| !line.is_empty() && !line.starts_with(' '));
        Some(Self {
            place: places.next_back(),
            error: inert(error?.trim()),
        })
    }
}

/// Reads `  File "server.py", line 7, in <module>`.
fn place(line: &str) -> Option<(String, usize)> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
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
}
