//! `serve --trace FILE`: the timeline's file; and `serve --live FILE`: a viewer's ring.

use std::{
    fs,
    io::Read,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context, bail};
use portlab_backends::{Backend, Recorder, Stop, live};
use portlab_service::inert;
use portlab_stats::trace::{About, FORMAT};
use portlab_sys::whole::WholeFile;
use portlab_words::tr;
use serde_json::json;

use super::Args;
use crate::{args::lang, error_text, output};

/// A timeline that is being recorded, and will be written once.
///
/// Usually the thread that serves writes the file at the end. If that thread is still inside a handler at the
/// deadline of a drain, another thread, which waits for the deadline, writes the file and ends the process.
pub(super) struct Timeline {
    unwritten: Arc<Mutex<Option<Unwritten>>>,
    /// The bell of a forking server, which is kept open and never read: the first process of such a server runs no
    /// handler, so it always writes the file itself, and it must not have a second thread.
    _bell: Option<UnixStream>,
}

struct Unwritten {
    recorder: Recorder,
    file: PathBuf,
    about: About,
    json: bool,
}

/// Begins to record, if `--trace` was given and its file can be written.
pub(super) fn begin(
    args: &Args,
    model: &dyn Backend,
    workers: usize,
    stop: &Stop,
) -> anyhow::Result<Option<Timeline>> {
    let Some(file) = &args.trace else {
        return Ok(None);
    };
    let sheet = model.sheet();
    check(file)?;
    let recorder = Recorder::begin(args.trace_events as usize).with_context(|| {
        let events = args.trace_events;
        tr!(
            lang(),
            "no memory for {events} events; give a smaller number with --trace-events",
            "没有内存存放 {events} 个事件；用 --trace-events 减少一些"
        )
    })?;
    let about = About {
        format: FORMAT.to_owned(),
        portlab_version: env!("CARGO_PKG_VERSION").to_owned(),
        model: args.model.clone(),
        service: args.service.clone(),
        workers,
        work: args.work.to_string(),
        events: 0,
        not_recorded: 0,
        recorded_until_ns: 0,
    };
    let unwritten = Unwritten {
        recorder,
        file: file.clone(),
        about,
        json: args.json,
    };
    let unwritten = Arc::new(Mutex::new(Some(unwritten)));
    let mut bell = Some(
        stop.last_bell()
            .context(tr!("can't wait for the end", "无法等待结束"))?,
    );
    if !sheet.forks()
        && let Some(bell) = bell.take()
    {
        let unwritten = Arc::clone(&unwritten);
        thread::Builder::new()
            .name("timeline".to_owned())
            .spawn(move || write_at_the_last_bell(bell, &unwritten))
            .context(tr!(
                "can't start the thread that writes the trace",
                "无法启动写时间线的线程",
            ))?;
    }
    Ok(Some(Timeline {
        unwritten,
        _bell: bell,
    }))
}

/// Begins to write events into the ring of a viewer, if `--live` was given.
pub(super) fn show(args: &Args) -> anyhow::Result<()> {
    let Some(file) = &args.live else {
        return Ok(());
    };
    live::begin(file).with_context(|| {
        let name = inert(&file.display().to_string());
        tr!(
            lang(),
            "can't write events to --live {name}; the page of `portlab class` creates such a file",
            "无法把事件写到 --live {name}；这样的文件由 `portlab class` 的网页创建"
        )
    })
}

impl Timeline {
    /// Writes the file, now that the model has served.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let unwritten = take(&self.unwritten);
        match unwritten {
            Some(unwritten) => unwritten.write(),
            // The other thread is writing, and will end the process.
            None => loop {
                thread::park();
            },
        }
    }
}

fn write_at_the_last_bell(mut bell: UnixStream, unwritten: &Mutex<Option<Unwritten>>) {
    // The bell was closed, so the server has ended before the deadline.
    if bell.read_exact(&mut [0]).is_err() {
        return;
    }
    if let Some(unwritten) = take(unwritten) {
        let written = unwritten.write();
        if let Err(error) = &written {
            crate::tell!("{}", error_text::of(error));
        }
        // The deadline has passed, so the process ends now.
        std::process::exit(if written.is_ok() { 0 } else { 2 });
    }
}

/// Takes the trace; the thread that gets it writes it.
fn take(unwritten: &Mutex<Option<Unwritten>>) -> Option<Unwritten> {
    let mut unwritten = unwritten.lock().expect("no thread panics while taking it");
    unwritten.take()
}

impl Unwritten {
    fn write(self) -> anyhow::Result<()> {
        let file = self.file;
        let written = WholeFile::create(&file).and_then(|mut out| {
            let about = self.recorder.write(self.about, &mut out)?;
            out.commit()?;
            Ok(about)
        });
        let name = inert(&file.display().to_string());
        let about = written.with_context(|| {
            tr!(
                lang(),
                "can't write the trace to {name}",
                "无法把时间线写入 {name}"
            )
        })?;
        let (events, not_recorded) = (about.events, about.not_recorded);
        if self.json {
            let line = json!({
                "event": "trace",
                "file": file,
                "events": events,
                "not_recorded": not_recorded,
                "recorded_until_ns": about.recorded_until_ns,
            });
            output::print_line(&line.to_string())?;
        } else {
            crate::say!(
                "trace: {events} events in {name}; see it at ui.perfetto.dev, or with: vizviewer {name}",
                "时间线：{name} 里有 {events} 个事件；用 ui.perfetto.dev 打开，或者运行 vizviewer {name}"
            );
        }
        if not_recorded > 0 {
            let seconds = about.recorded_until_ns as f64 / 1e9;
            crate::say!(
                "trace: no room for {not_recorded} more events, so the trace ends {seconds:.3} s after the start; \
                     give a larger number with --trace-events",
                "时间线：放不下另外 {not_recorded} 个事件，所以只到开始后 {seconds:.3} 秒；用 --trace-events 增加"
            );
        }
        Ok(())
    }
}

/// Checks before the start that `file` can be written at the end.
fn check(file: &Path) -> anyhow::Result<()> {
    let name = file.display();
    if file.file_name().is_none() || fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        bail!(tr!(
            "--trace {name} isn't a regular file; write a file's name, such as --trace trace.json",
            "--trace {name} 不是普通文件；请写一个文件名，比如 --trace trace.json"
        ));
    }
    WholeFile::create(file).map(drop).with_context(|| {
        tr!(
            lang(),
            "can't write --trace {name}; name a file in a folder that can be written to",
            "无法写入 --trace {name}；请把文件放在可写的文件夹里"
        )
    })
}
