//! `portlab class`: the classroom page.

use anyhow::Context;
use portlab_backends::bind;
use portlab_class::{Class, Options};
use portlab_sys::interrupt;
use portlab_words::tr;

use crate::{
    Verdict,
    address::{Purpose, warn_if_wide},
    args::{self, lang},
    output,
    serve::remedy,
};

/// Open the classroom page: models at work, lessons, votes, a console and a wall
///
/// The page shows servers of this machine at work, drawn live; it runs lessons, counts
/// the votes of students, and shows how their servers were judged. Any browser opens
/// the page, without internet.
///
/// Two codes are printed: students need the code for joining to vote, and everything
/// that starts, loads or stops something needs the teacher's code, which is in the
/// teacher's address. Keep that address to yourself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab class
  portlab class --bind 0.0.0.0:8000
  portlab judge --at 8080 --report http://192.168.1.5:8000 --name Wang

SIGINT (Ctrl-C), SIGTERM or SIGHUP ends the page and all its processes.")]
pub(crate) struct Args {
    /// Where the page is, HOST:PORT; a port alone is loopback's, and 0 lets the system
    /// choose one. With 0.0.0.0:8000, students on other machines can open it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    bind: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let addr = Purpose::CLASS.resolve(&args.bind)?[0];
    portlab_sys::limits::raise_open_files();
    let bell = interrupt::bell().with_context(args::uncaught)?;
    let listener =
        bind(addr, &portlab_backends::Options::default()).map_err(|it| remedy(it, "--bind"))?;
    let program = std::env::current_exe().context(tr!(
        "can't find the program's own file",
        "找不到程序自己的文件"
    ))?;
    let class = Class::open(Options {
        listener,
        lang: lang(),
        program,
    })
    .context(tr!("can't open the page", "无法打开课堂网页"))?;
    warn_if_wide(class.addr(), "--bind");
    announce(&class)?;
    class
        .serve(bell)
        .context(tr!("the page has failed", "课堂网页出错"))?;
    Ok(Verdict::Fine)
}

/// Prints the addresses and the codes. The teacher's code is printed nowhere else.
fn announce(class: &Class) -> anyhow::Result<()> {
    let (teacher, join) = (class.teacher_code(), class.join_code());
    let mut addresses = class.addresses().into_iter();
    let here = addresses.next().unwrap_or_else(|| class.addr());
    let line = tr!(
        lang(),
        "teacher   http://{here}/#teacher={teacher}",
        "教师  http://{here}/#teacher={teacher}"
    );
    output::print_line(&line)?;
    for addr in addresses.chain((!class.is_wide()).then_some(here)) {
        let line = tr!(
            lang(),
            "students  http://{addr}/join    code {join}",
            "学生  http://{addr}/join    口令 {join}"
        );
        output::print_line(&line)?;
    }
    if !class.is_wide() {
        let port = here.port();
        crate::say!(
            "note: only this machine can open the page; for students on other machines: --bind 0.0.0.0:{port}",
            "提示：只有本机能打开；让别的机器上的学生也能打开：--bind 0.0.0.0:{port}"
        );
    }
    Ok(())
}
