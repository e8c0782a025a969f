//! The reply service: the first client of the course gets its answer.

use crate::{Case, Speaks};

pub(super) const CASE: Case = Case {
    about: "each request is answered with exactly the fixed text, in its encoding",
    speaks: Speaks::Reply,
    options: &["--reply=你好客户端", "--encoding=gbk"],
    run: |target| {
        // What Python makes of the texts with .encode("gbk").
        const ASKED: &[u8] = b"\xc4\xe3\xba\xc3\xb7\xfe\xce\xf1\xb6\xcb";
        const ANSWER: &[u8] = b"\xc4\xe3\xba\xc3\xbf\xcd\xbb\xa7\xb6\xcb";
        for _ in 0..3 {
            let mut client = target.client()?;
            for _ in 0..3 {
                client.send(ASKED)?;
                client.expect(ANSWER)?;
            }
            client.half_close()?;
            client.expect_end()?;
        }
        Ok(())
    },
    ..Case::ECHO
};
