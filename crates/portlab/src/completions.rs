//! `portlab completions`: the script with which a shell completes portlab's commands and options.

use std::io::Write;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::{Cli, Verdict, output};

/// Print the script with which a shell completes portlab's commands and options
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  portlab completions bash > ~/.local/share/bash-completion/completions/portlab\n  \
        portlab completions fish > ~/.config/fish/completions/portlab.fish"
)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    // The generators complete hidden commands too, so they get a command line without these.
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|it| !it.is_hide_set());
    let mut portlab = Command::new("portlab")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .disable_help_subcommand(true)
        .args(all.get_arguments())
        .subcommands(shown.cloned());
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut portlab, "portlab", &mut script);
    output::stdout().write_all(&script)?;
    Ok(Verdict::Fine)
}
