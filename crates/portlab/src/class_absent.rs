//! `portlab class` of a program that was built without it.

use anyhow::bail;
use portlab_words::tr;

use crate::Verdict;

/// Open the classroom page (this program was built without it)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(hide = true, allow_hyphen_values = true, trailing_var_arg = true)]
    _options: Vec<String>,
}

pub(crate) fn run(_: &Args) -> anyhow::Result<Verdict> {
    bail!(tr!(
        "this portlab was built without the classroom page; build it with --features class",
        "这个 portlab 编译时没有带课堂网页；请加上 --features class 重新编译"
    ))
}
