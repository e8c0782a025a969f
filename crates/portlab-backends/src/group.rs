//! Groups of models, which the command line calls `@course` and so on.

use portlab_words::Text;

/// A choice of models for a purpose. A model names its groups in its sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What a course on network programming builds, one after the other.
    Course,
    /// How servers came to be what they are.
    History,
    /// What is deployed today for many connections.
    Fast,
}

impl Group {
    /// All groups, in the order in which they are listed.
    pub const ALL: &[Self] = &[Self::Course, Self::History, Self::Fast];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Course => "@course",
            Self::History => "@history",
            Self::Fast => "@fast",
        }
    }

    /// What its models have in common.
    #[must_use]
    pub const fn title(self) -> Text {
        match self {
            Self::Course => Text::new(
                "what a course builds: one client at a time, processes, threads, coroutines",
                "课程里写的服务端：一次一个客户端、进程、线程、协程",
            ),
            Self::History => Text::new(
                "how servers developed, from one client at a time to the event loop",
                "服务端的发展：从一次一个客户端到事件循环",
            ),
            Self::Fast => Text::new(
                "what is deployed today for many connections",
                "今天用来服务大量连接的做法",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MODELS, models::of_group};

    #[test]
    fn every_group_has_a_name_of_its_own_and_models() {
        for (at, group) in Group::ALL.iter().enumerate() {
            let name = group.name();
            assert!(name.starts_with('@'), "{name}");
            let others = &Group::ALL[at + 1..];
            assert!(others.iter().all(|other| other.name() != name), "{name}");
            assert!(of_group(*group).count() >= 2, "{name}");
            assert!(group.title().zh.chars().any(|c| c > '\u{4e00}'), "{name}");
        }
    }

    #[test]
    fn a_model_is_in_a_group_once() {
        for sheet in MODELS.iter().map(|model| model.sheet()) {
            for group in Group::ALL {
                let times = sheet.groups.iter().filter(|it| *it == group).count();
                assert!(
                    times <= 1,
                    "{} is in {} {times} times",
                    sheet.name,
                    group.name()
                );
            }
        }
    }
}
