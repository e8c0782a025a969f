//! What the developer tools of a browser show: a page, and what the page names.

use portlab_words::table::columns;

use super::{number_of, site::PAGE};
use crate::{
    cast::{Site, Visit},
    stage::{Exit, Stage},
};

pub(super) fn network(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let mut step = stage.step("tools")?;
    site.heads();
    let page = Visit::to(site.addr)?.get("/")?;
    let mut rows = vec![
        step.lang()
            .pick(
                ["Name", "Status", "Type", "Size"],
                ["名称", "状态", "类型", "大小"],
            )
            .map(str::to_owned),
    ];
    let mut responses = vec![("/".to_owned(), page)];
    for name in names_in(&responses[0].1.text()) {
        let response = Visit::to(site.addr)?.get(&name)?;
        responses.push((name, response));
    }
    rows.extend(responses.iter().map(|(name, it)| {
        let kind = it.header("Content-Type").to_owned();
        let bytes = format!("{} B", it.body.len());
        [name.clone(), number_of(it), kind, bytes]
    }));
    step.set("network", columns(&rows, 2));
    let statuses: Vec<_> = responses.iter().map(|(_, it)| number_of(it)).collect();
    let is_page = responses[0].1.body == PAGE.as_bytes();
    step.seen("missing", is_page && statuses == ["200", "200", "404"]);
    let mut heads = site.heads();
    step.seen("three", heads.len() == 3);
    heads.extend(step.requests_until_enter(site)?);
    step.set("visits", heads.len());
    step.end()
}

/// What a page names as its parts: the values of `src`.
fn names_in(page: &str) -> Vec<String> {
    let behind = page.split("src=\"").skip(1);
    let names = behind.filter_map(|it| it.split('"').next());
    names.map(str::to_owned).collect()
}
