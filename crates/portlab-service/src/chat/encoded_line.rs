//! A line as mail, made once for each encoding instead of once for each receiver.

use crate::{Mail, TextEncoding};

/// One line, and its mail in the encodings that were needed so far.
pub(super) struct EncodedLine<'a> {
    line: &'a str,
    mails: Vec<(TextEncoding, Mail)>,
}

impl<'a> EncodedLine<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            line,
            mails: Vec::new(),
        }
    }

    /// The line in `encoding`, with its end.
    pub(super) fn mail(&mut self, encoding: TextEncoding) -> Mail {
        if let Some((_, mail)) = self.mails.iter().find(|(known, _)| *known == encoding) {
            return mail.clone();
        }
        let mail = Mail(encode(self.line, encoding).into());
        self.mails.push((encoding, mail.clone()));
        mail
    }
}

/// `text` and the end of a line, in `encoding`.
pub(super) fn encode(text: &str, encoding: TextEncoding) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    encoding.encode_with_marks(text, &mut bytes);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_line_is_encoded_once_for_each_encoding_however_many_receive_it() {
        let mut line = EncodedLine::new("你好");
        let labels = ["gbk", "utf-8", "gbk", "gbk", "utf-8"];
        let mails: Vec<_> = labels.map(|label| line.mail(label.parse().unwrap())).into();
        assert!(Arc::ptr_eq(&mails[0].0, &mails[2].0) && Arc::ptr_eq(&mails[0].0, &mails[3].0));
        assert!(Arc::ptr_eq(&mails[1].0, &mails[4].0));
        assert_eq!(&*mails[0].0, b"\xc4\xe3\xba\xc3\r\n");
        assert_eq!(&*mails[1].0, "你好\r\n".as_bytes());
    }
}
