//! The servers that take part.

use anyhow::bail;
use portlab_backends::{MODELS, find, textbook::control};
use portlab_lab::experiment::{Entrant, Part, Server};
use portlab_words::{Text, tr};

use super::Args;

/// The baseline without `--baseline`: the first of these that takes part, or otherwise the first server.
const BASELINES: &[&str] = &["event-loop", "threads"];

/// Reads `NAME=COMMAND`.
pub(super) fn foreign(text: &str) -> Result<Entrant, Text> {
    const EXAMPLE: &str = "NAME='COMMAND', such as mine='python3 echo.py {port}'";
    const EXAMPLE_ZH: &str = "名字='命令'，例如 mine='python3 echo.py {port}'";
    let Some((name, command)) = text
        .split_once('=')
        .filter(|(name, command)| !name.is_empty() && !command.trim().is_empty())
    else {
        return Err(tr!("write {EXAMPLE}", "请写作 {EXAMPLE_ZH}"));
    };
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    if !name.chars().all(is_plain) {
        return Err(tr!(
            "invalid name {name:?}: expected letters, digits and any of -_.+",
            "名字 {name:?} 无效：只能用字母、数字和 -_.+"
        ));
    }
    let Some(words) = shlex::split(command) else {
        return Err(tr!(
            "{command:?} has a quotation mark that isn't closed; write {EXAMPLE}",
            "{command:?} 里的引号不成对；请写作 {EXAMPLE_ZH}"
        ));
    };
    if !words.iter().any(|word| word.contains("{port}")) {
        return Err(tr!(
            "{command:?} has no {{port}}, so the server doesn't get its port; write {EXAMPLE}",
            "{command:?} 里没有 {{port}}，服务端不知道要监听哪个端口；请写作 {EXAMPLE_ZH}"
        ));
    }
    Ok(Entrant::foreign(name, words))
}

/// The servers that take part in `parts`, and the name of the baseline.
pub(super) fn entrants(
    args: &Args,
    parts: &[Part],
) -> anyhow::Result<(Vec<Entrant>, Option<String>)> {
    let mut entrants = models(args)?;
    if args.controls {
        if parts.iter().all(|part| part.service() != "echo") {
            bail!(tr!(
                "--controls measures textbook twins, which serve echo only; leave it out",
                "--controls 测的是各模型的手写版，它们只提供回显服务；请去掉它"
            ));
        }
        add_controls(&mut entrants)?;
    }
    for server in &args.server {
        check_files(server, parts)?;
        if entrants.iter().any(|known| known.name == server.name) {
            let name = &server.name;
            bail!(tr!(
                "two servers are called {name}; give the --server another name, such as my-{name}",
                "有两个都叫 {name}；请给 --server 换个名字，比如 my-{name}"
            ));
        }
        entrants.push(server.clone());
    }
    if entrants.is_empty() {
        bail!(tr!(
            "no server takes part; leave out --models none, or add a --server NAME='COMMAND'",
            "没有服务端参加；去掉 --models none，或者加上 --server 名字='命令'"
        ));
    }
    let names: Vec<_> = entrants.iter().map(|it| it.name.clone()).collect();
    let baseline = match &args.baseline {
        Some(name) if names.contains(name) => name.clone(),
        Some(name) => {
            let names = names.join(", ");
            bail!(tr!(
                "--baseline {name} doesn't take part; choose one of {names}",
                "--baseline {name} 没有参加；请从 {names} 里选一个"
            ))
        }
        None => {
            let usual = BASELINES
                .iter()
                .find(|usual| names.iter().any(|it| it == *usual));
            usual.map_or_else(|| names[0].clone(), |usual| (*usual).to_owned())
        }
    };
    if !args.no_twin {
        let of = entrants.iter().position(|it| it.name == baseline);
        let at = of.map_or(0, |of| of + 1);
        let twin = entrants[at - 1].twin();
        if entrants.iter().any(|known| known.name == twin.name) {
            let name = twin.name;
            bail!(tr!(
                "{baseline} is measured twice, the second time as {name}; give the --server another name",
                "{baseline} 会测两次，第二次叫 {name}；请给 --server 换个名字"
            ));
        }
        entrants.insert(at, twin);
    }
    Ok((entrants, Some(baseline)))
}

/// Refuses a foreign server that none of `parts` can measure, because it serves files and they request none, or the other
/// way round.
fn check_files(server: &Entrant, parts: &[Part]) -> anyhow::Result<()> {
    let (name, serves_files) = (&server.name, server.serves_files());
    if parts
        .iter()
        .all(|it| (it.service() == "http") != serves_files)
    {
        bail!(match serves_files {
            true => tr!(
                "--server {name} serves the files of {{root}}, and no workload requests files; add --workload http, \
                 http-close or http-file",
                "--server {name} 提供 {{root}} 里的文件，而所选的负载都不请求文件；请加上 --workload http、http-close 或 http-file"
            ),
            false => tr!(
                "the command of --server {name} has no {{root}}, the folder of the files that are requested; write it, as in \
                 mine='python3 server.py {{port}} {{root}}'",
                "--server {name} 的命令里没有 {{root}}，即被请求的文件所在的文件夹；请写上，例如 mine='python3 server.py {{port}} {{root}}'"
            ),
        });
    }
    Ok(())
}

fn models(args: &Args) -> anyhow::Result<Vec<Entrant>> {
    let names = args.families.and(&args.models);
    if names.is_empty() {
        return Ok(MODELS.iter().copied().map(Entrant::ours).collect());
    }
    if names.iter().any(|name| name == NONE) {
        if names.len() > 1 {
            bail!(tr!(
                "--models {NONE} can't be combined with models or with --family; leave out {NONE}, or leave out the models and \
                 --family",
                "--models {NONE} 不能和模型或 --family 一起用；请去掉 {NONE}，或者去掉模型和 --family"
            ));
        }
        return Ok(Vec::new());
    }
    let entrant = |name: &str| {
        let twin = || control(name).map(|(_, sheet)| Entrant::control(sheet));
        find(name).map(Entrant::ours).or_else(twin)
    };
    Ok(names.iter().filter_map(|name| entrant(name)).collect())
}

/// Stands for no model.
pub(super) const NONE: &str = "none";

/// Adds the textbook twins of the models.
fn add_controls(entrants: &mut Vec<Entrant>) -> anyhow::Result<()> {
    let models = entrants.iter().filter_map(|entrant| match entrant.server {
        Server::Ours(sheet) => Some(Entrant::control(sheet)),
        Server::Control(_) | Server::Foreign(_) => None,
    });
    let known = |twin: &Entrant| entrants.iter().any(|known| known.name == twin.name);
    let twins: Vec<_> = models.filter(|twin| !known(twin)).collect();
    if twins.is_empty() {
        bail!(tr!(
            "--controls measures the textbook twins of models, and --models has no model; leave out one of them",
            "--controls 测的是各模型的手写版，而 --models 里没有模型；只能留一个"
        ));
    }
    entrants.extend(twins);
    Ok(())
}
