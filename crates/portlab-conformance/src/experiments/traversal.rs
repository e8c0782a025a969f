//! Paths that lead out of the folder of a server's pages.
//!
//! Each asks for a file that every system has and that a server never should send. Nothing is written.

use portlab_words::tr;

use super::{Experiment, Kind, Outcome, Subject, Trouble, clients::NOT_SERVING, http, talk::page};

const TRAVERSAL: Experiment = Experiment {
    fits: |speech| speech.kind == Kind::Http,
    unless: &[NOT_SERVING],
    ..Experiment::ANY
};

pub(super) const no_dotdot_leads_out: Experiment = Experiment {
    about: [
        "`..` in a path doesn't lead out of the folder",
        "路径里的 .. 不能走出网站目录",
    ],
    names: &["traversal-dotdot"],
    run: |subject| {
        let up = "/..".repeat(DEPTH);
        let paths = [
            format!("{up}{SECRET}"),
            format!("/static{up}{SECRET}"),
            format!("/.{up}{SECRET}"),
            format!("/index.html{up}{SECRET}"),
        ];
        none_is_sent(subject, "traversal-dotdot", &paths)
    },
    ..TRAVERSAL
};

pub(super) const no_absolute_path_leads_out: Experiment = Experiment {
    about: [
        "an absolute path, as in `//etc/passwd`, doesn't lead out",
        "绝对路径（如 //etc/passwd）不能走出网站目录",
    ],
    names: &["traversal-absolute"],
    run: |subject| {
        let paths = [
            format!("/{SECRET}"),
            SECRET.to_owned(),
            format!("//{SECRET}"),
        ];
        none_is_sent(subject, "traversal-absolute", &paths)
    },
    ..TRAVERSAL
};

pub(super) const no_encoded_path_leads_out: Experiment = Experiment {
    about: [
        "`%2e%2e` and `%2f` in a path don't lead out",
        "路径里的 %2e%2e 和 %2f 不能走出网站目录",
    ],
    names: &["traversal-encoded"],
    // If the plain form leads out, the encoded form shows the same gap.
    unless: &[NOT_SERVING, &["traversal-dotdot", "traversal-absolute"]],
    run: |subject| {
        let encoded = SECRET.replace('/', "%2f");
        let paths = [
            format!("{}{SECRET}", "/%2e%2e".repeat(DEPTH)),
            format!("/{}{SECRET}", "..%2f".repeat(DEPTH)),
            format!("/{}{encoded}", "%2e%2e%2f".repeat(DEPTH)),
            format!("/{encoded}"),
            format!("{}{SECRET}", "/%252e%252e".repeat(DEPTH)),
        ];
        none_is_sent(subject, "traversal-encoded", &paths)
    },
    ..TRAVERSAL
};

fn none_is_sent(subject: &mut Subject<'_>, bug: &'static str, paths: &[String]) -> Outcome {
    for path in paths {
        let response = page(subject, &http::request(path))?.response;
        if response.is_none() {
            subject.revive();
        }
        if response.is_some_and(|it| is_secret(&it.page())) {
            subject.note(tr!(
                "the server has sent {SECRET}, a file outside of its folder",
                "服务端把网站目录以外的文件 {SECRET} 发了出来"
            ));
            return Err(Trouble::Bug(bug));
        }
    }
    Ok(())
}

/// Whether `page` is the list of users: a line has the name, the password's place, and the numbers of the superuser.
fn is_secret(page: &[u8]) -> bool {
    let text = String::from_utf8_lossy(page);
    text.lines().any(|line| {
        let mut fields = line.split(':').skip(2);
        fields.next() == Some("0") && fields.next() == Some("0") && line.matches(':').count() == 6
    })
}

/// The list of users, which everyone on a system may read, and which no page is made of.
const SECRET: &str = "/etc/passwd";

/// How many folders up: more than a path has.
const DEPTH: usize = 16;
