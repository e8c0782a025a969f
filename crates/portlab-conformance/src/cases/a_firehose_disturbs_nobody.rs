//! A client that never stops sending, and reads.

use crate::{Case, Requires, Speaks, client::random_bytes};

pub(super) static CASE: Case = Case {
    name: "a_firehose_disturbs_nobody",
    about: "while one client sends and reads without a pause, and every answer takes computing, \
            others are served",
    speaks: Speaks::Echo,
    requires: &[Requires::AtOnce(2)],
    options: &["--work=cpu:500us", "--workers=2"],
    run: |target| {
        // More than can be answered while the case lasts; it ends with the case.
        let firehose = target.client()?;
        firehose.send_beside(random_bytes(64 << 20))?;
        firehose.read_beside()?;
        for _ in 0..5 {
            target.served_client()?;
        }
        firehose.end()
    },
};
