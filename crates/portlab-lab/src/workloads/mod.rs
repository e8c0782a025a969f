//! The workloads of a comparison. A workload is a file here and a line in the table below.

use portlab_load::Plan;
use portlab_stats::{
    measure::Measure,
    record::{Counts, Rate},
};
use portlab_words::Text;

macro_rules! workloads {
    ($($file:ident,)*) => {
        $(mod $file;)*
        /// All workloads, in the order in which they are shown.
        pub static WORKLOADS: &[&Workload] = &[$(&$file::WORKLOAD,)*];
    };
}

workloads! {
    echo,
    stream,
    rate,
    wait,
    block,
    cpu,
    churn,
    idle,
    slow,
    crowd,
    skew,
    chat,
    http,
    http_close,
    http_file,
}

/// A way to load servers, and the question that it answers.
#[derive(Debug)]
pub struct Workload {
    /// Its name on the command line: its file's, with dashes.
    pub name: &'static str,
    /// A short description.
    pub title: &'static Text,
    /// The question that it answers.
    pub asks: &'static Text,
    /// What is counted as a message.
    pub counts: Counts,
    /// The measure for the ranking.
    pub ranked_by: Measure,
    /// The work that a handler does for each message, as `serve --work` takes it.
    pub work: &'static str,
    /// Messages in flight on each connection; in a chat, under way in all rooms together.
    pub depth: usize,
    /// The numbers of connections at which the workload is measured.
    pub connections: Scale,
    /// So many connections send messages, beside those of a point, which are idle.
    pub active: Option<usize>,
    /// One of the connections has so many messages in flight.
    pub heavy_depth: Option<usize>,
    /// The rates of an open loop; empty for a closed loop.
    pub rates: &'static [Rate],
    /// The length of a message; of HTTP, of the file that is requested.
    pub size_bytes: usize,
    /// How long one measurement takes.
    pub duration_ms: u64,
    /// How the server is loaded.
    pub load: Load,
    /// Whether the server may use the generator's processors as well as its own: a workload that asks how a model uses several
    /// processors needs several.
    pub server_on_all_cpus: bool,
}

/// Numbers of connections, for each suite. An empty list: the workload isn't part of that suite.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// When the workload is chosen by name.
    pub usual: &'static [usize],
    /// For a first look.
    pub quick: &'static [usize],
    /// For a lesson of a minute.
    pub class: &'static [usize],
    /// For a study of an hour.
    pub full: &'static [usize],
}

/// How a server is loaded.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// With one plan, or with several at once, of which the first is measured: made from the plain
    /// closed loop of an echo.
    Echo(fn(Plan) -> Vec<Plan>),
    /// With the members of a chat.
    Chat,
    /// With requests for a file, each of which gets the whole file: one plan or several, as of an echo.
    Http(fn(Plan) -> Vec<Plan>),
}

/// An echo in a closed loop, a message at a time: the others change some of its fields.
const PLAIN: Workload = Workload {
    name: "",
    title: &Text::new("", ""),
    asks: &Text::new("", ""),
    counts: Counts::Messages,
    ranked_by: Measure::CpuPerMessage,
    work: "none",
    depth: 1,
    connections: Scale {
        usual: &[10, 100],
        quick: &[10],
        class: &[],
        full: &[],
    },
    active: None,
    heavy_depth: None,
    rates: &[],
    size_bytes: 64,
    duration_ms: 60,
    load: Load::Echo(|plan| vec![plan]),
    server_on_all_cpus: false,
};

/// The workload of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|it| it.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_named_after_its_file_and_asks_in_both_languages() {
        let source = include_str!("mod.rs");
        for workload in WORKLOADS {
            let (name, title, asks) = (workload.name, workload.title, workload.asks);
            let file = name.replace('-', "_");
            assert!(source.contains(&format!("\n    {file},\n")), "{name}");
            for words in [title, asks] {
                assert!(!words.en.is_empty(), "{name}");
                assert!(words.zh.chars().any(|c| c > '\u{4e00}'), "{name}");
            }
            assert!(asks.en.ends_with('?') && asks.zh.ends_with('？'), "{name}");
            assert!(std::ptr::eq(find(name).unwrap(), *workload));
            let Scale { usual, quick, .. } = workload.connections;
            assert!(!usual.is_empty() && !quick.is_empty(), "{name}");
        }
    }
}
