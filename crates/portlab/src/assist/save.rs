//! The log of `--save`: every row, appended at once.

use std::{ffi::OsStr, fs::File, io::Write, path::Path};

use anyhow::Context;
use portlab_assist::{Record, Row};
use portlab_sys::growing;
use portlab_words::tr;

use crate::{
    args::{lang, unwritten},
    output,
};

/// A log, or none.
#[derive(Debug, Default)]
pub(crate) struct Save {
    file: Option<File>,
    as_json: bool,
}

impl Save {
    /// Opens the log at `path`.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let file = growing::append_to(path).with_context(|| unwritten(path))?;
        let extension = path.extension().and_then(OsStr::to_str);
        Ok(Self {
            file: Some(file),
            as_json: matches!(extension, Some("json" | "jsonl")),
        })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When it can't be written; nothing more is written then, and the assistant may go on.
    pub(crate) fn row(&mut self, row: &Row) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let line = match self.as_json {
            true => output::json_line(&Record::of(row))?,
            false => row.plain(lang()),
        };
        let written = file.write_all(format!("{line}\n").as_bytes());
        if written.is_err() {
            self.file = None;
        }
        written.context(tr!(
            "can't write to the log of --save, which ends here",
            "无法写入 --save 的日志，日志到此为止"
        ))
    }
}
