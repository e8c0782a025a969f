//! Excerpts of programs.

/// The first line of `text` that contains `from`, and the block that this line begins, without comments and without the
/// common indentation; `None` if no line contains `from`.
///
/// The block consists of all lines that are indented more than the first, and the closing bracket: this suits Python and
/// Rust.
pub(crate) fn excerpt(text: &str, from: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| !line.contains(from));
    let first = lines.next()?;
    let margin = indentation(first);
    let mut taken = vec![first];
    // A statement such as `let x = y;` begins no block. After Python's `x = y`, the next line isn't indented more.
    let mut is_open = !first.trim_end().ends_with(';');
    for line in lines {
        if !is_open {
            break;
        }
        let deeper = line.trim().is_empty() || indentation(line) > margin;
        let closes = line.trim_start().starts_with(['}', ')', ']']);
        let is_within = deeper || closes && indentation(line) == margin;
        if !is_within {
            break;
        }
        taken.push(line);
        // `} else {` closes a block and begins another.
        is_open = deeper || line.trim_end().ends_with('{');
    }
    let kept = taken.iter().filter(|line| !is_comment(line));
    let kept: Vec<_> = kept.map(|line| line.get(margin..).unwrap_or("")).collect();
    Some(kept.join("\n").trim_end().to_owned())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn a_block_is_taken_to_the_bracket_that_closes_it() {
        let text = "fn a() {\n    while let Some(x) = next() {\n        // why\n        use_it(x);\n    }\n    rest();\n}\n";
        let taken = excerpt(text, "while let").unwrap();
        assert_eq!(taken, "while let Some(x) = next() {\n    use_it(x);\n}");
    }

    #[test]
    fn a_block_of_python_is_taken_to_its_last_line() {
        let text = "while True:\n    a()\n\n    b()\n\nc()\n";
        assert_eq!(
            excerpt(text, "while").unwrap(),
            "while True:\n    a()\n\n    b()"
        );
        assert_eq!(excerpt(text, "c()").unwrap(), "c()");
    }

    #[test]
    fn a_statement_is_a_line() {
        assert_eq!(
            excerpt("  let a = 1;\n  let b;\n", "a =").unwrap(),
            "let a = 1;"
        );
        assert_eq!(excerpt("a", "b"), None);
    }
}
