//! `portlab man`: manual pages, made of what `--help` says.

use std::{
    fs,
    io::{self, Write},
    iter,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;
use portlab_sys::whole::write_whole;
use portlab_words::tr;

use crate::{Cli, Verdict, args, output};

/// Print a manual page, or write all of them to a folder
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  portlab man load | man -l -\n  portlab man --dir ~/.local/share/man/man1; man portlab-load"
)]
pub(crate) struct Args {
    /// The command whose page is printed; without it, the page of portlab
    #[arg(value_name = "COMMAND")]
    command: Option<String>,

    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let pages = pages();
    if let Some(dir) = &args.dir {
        return write_to(dir, &pages);
    }
    let asked = match &args.command {
        Some(command) => format!("portlab-{command}.1"),
        None => "portlab.1".to_owned(),
    };
    let page = pages.iter().find(|page| page.get_filename() == asked);
    let page = page.with_context(|| {
        let command = args.command.as_deref().unwrap_or_default();
        tr!(
            "unknown command {command:?}; `portlab --help` lists them",
            "没有 {command:?} 这个命令；运行 portlab --help 可以看到所有命令"
        )
    })?;
    output::stdout().write_all(&rendered(page)?)?;
    Ok(Verdict::Fine)
}

/// The page of portlab, and one for each command that isn't hidden.
fn pages() -> Vec<Man> {
    let mut portlab = Cli::command();
    // Gives the commands their names: portlab-load and so on.
    portlab.build();
    let commands = portlab.get_subcommands().filter(|it| !it.is_hide_set());
    iter::once(&portlab)
        .chain(commands)
        .map(|it| Man::new(it.clone()))
        .collect()
}

fn write_to(dir: &Path, pages: &[Man]) -> anyhow::Result<Verdict> {
    fs::create_dir_all(dir).with_context(|| args::unwritten(dir))?;
    for page in pages {
        let file = dir.join(page.get_filename());
        write_whole(&file, &rendered(page)?).with_context(|| args::unwritten(&file))?;
    }
    let (count, dir) = (pages.len(), dir.display());
    crate::say!(
        "{count} pages in {dir}; to read one: man -l {dir}/portlab.1",
        "已把 {count} 个手册页写入 {dir}；查看其中一页：man -l {dir}/portlab.1"
    );
    Ok(Verdict::Fine)
}

fn rendered(page: &Man) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(text)
}
