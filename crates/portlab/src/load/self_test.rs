use crate::Verdict;
pub(super) fn run(_json: bool) -> anyhow::Result<Verdict> { todo!() }
