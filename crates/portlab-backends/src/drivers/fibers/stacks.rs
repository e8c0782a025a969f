//! Stacks for coroutines. Each is a memory map of its own with a guard page below it: a coroutine that needs more stack than it
//! has ends the process, and can't write into memory of others.

use std::io;

use corosensei::stack::DefaultStack;
use portlab_sys::limits::{memory_maps, stacks};
use portlab_words::{Text, tr};

/// Makes stacks, and keeps some of those that are given back for the next coroutines.
pub(super) struct Stacks {
    free: Vec<DefaultStack>,
    /// How many there are, with those in `free`.
    count: usize,
    most: usize,
}

/// The size of a stack. The kernel reserves the addresses, and adds a page of memory when it is first touched.
pub(super) const SIZE: usize = 64 * 1024;

/// Pages of a stack that were touched stay in memory, so only so many stacks wait for the next coroutines.
const KEPT: usize = 256;

/// Why a connection gets no stack.
#[derive(Debug)]
pub(super) enum NoStack {
    /// A process has only so many memory maps.
    Maps { in_use: usize },
    /// The system refuses the memory.
    Memory(io::Error),
}

impl Stacks {
    pub(super) fn new() -> Self {
        Self::at_most(Self::most())
    }

    /// How many stacks this process can have.
    pub(super) fn most() -> usize {
        let most = memory_maps().and_then(|maps| stacks(maps).try_into().ok());
        most.unwrap_or(usize::MAX)
    }

    fn at_most(most: usize) -> Self {
        Self {
            free: Vec::new(),
            count: 0,
            most,
        }
    }

    pub(super) fn take(&mut self) -> Result<DefaultStack, NoStack> {
        if let Some(stack) = self.free.pop() {
            return Ok(stack);
        }
        if self.count >= self.most {
            return Err(NoStack::Maps { in_use: self.count });
        }
        let stack = DefaultStack::new(SIZE).map_err(NoStack::Memory)?;
        self.count += 1;
        Ok(stack)
    }

    /// Takes back the stack of a coroutine that has ended.
    pub(super) fn give_back(&mut self, stack: DefaultStack) {
        match self.free.len() < KEPT {
            true => self.free.push(stack),
            false => self.count -= 1,
        }
    }
}

impl NoStack {
    pub(super) fn text(&self) -> Text {
        let size = SIZE / 1024;
        match self {
            Self::Maps { in_use } => {
                let limit = memory_maps().unwrap_or(0);
                let more = limit * 4;
                tr!(
                    "can't make a stack for a connection: {in_use} stacks need two memory maps each, and a process may have \
                     {limit}; try sudo sysctl vm.max_map_count={more}",
                    "无法为连接创建栈：已有 {in_use} 个栈，每个占两个内存映射，而一个进程最多 {limit} 个；试试 sudo sysctl \
                     vm.max_map_count={more}"
                )
            }
            Self::Memory(error) => {
                let why = Text::system(error);
                tr!(
                    "can't make a stack of {size} KiB for a connection: {why}; see ulimit -v and sysctl vm.max_map_count",
                    "无法为连接创建 {size} KiB 的栈：{why:#}；请查看 ulimit -v 和 sysctl vm.max_map_count"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_is_given_back_is_used_again_and_only_some_are_kept() {
        let mut stacks = Stacks::at_most(2 * KEPT);
        let taken: Vec<_> = (0..2 * KEPT).map(|_| stacks.take().unwrap()).collect();
        let refused = stacks.take().err();
        assert!(
            matches!(refused, Some(NoStack::Maps { in_use }) if in_use == 2 * KEPT),
            "{refused:?}"
        );
        taken.into_iter().for_each(|stack| stacks.give_back(stack));
        assert_eq!((stacks.free.len(), stacks.count), (KEPT, KEPT));
        assert!(stacks.take().is_ok());
        assert_eq!((stacks.free.len(), stacks.count), (KEPT - 1, KEPT));
    }

    #[test]
    fn a_refusal_names_the_limit_and_the_remedy() {
        let text = NoStack::Maps { in_use: 7 }.text();
        for said in [&text.en, &text.zh] {
            assert!(
                said.contains("vm.max_map_count=") && said.contains(" 7 "),
                "{said}"
            );
        }
    }
}
