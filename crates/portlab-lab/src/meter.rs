//! What is read off the server from outside.

use std::io;

use portlab_load::{Progress, Watch};
use portlab_sys::meter::{Usage, pss_bytes, usage};

use crate::{Observer, Server};

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Readings {
    pub(crate) begin: Usage,
    pub(crate) end: Usage,
    /// Before the first connection of the load.
    pub(crate) empty_pss_bytes: u64,
    pub(crate) peak_pss_bytes: u64,
}

/// Reads the server's meters at the edges of what is measured.
pub(crate) struct Meter<'a> {
    pid: i32,
    wanted: usize,
    readings: io::Result<Readings>,
    observer: &'a mut dyn Observer,
}

impl<'a> Meter<'a> {
    /// A meter of `server`, which is to be loaded on `wanted` connections.
    pub(crate) fn new(server: &Server, wanted: usize, observer: &'a mut dyn Observer) -> Self {
        let mut meter = Self {
            pid: server.pid(),
            wanted,
            readings: Ok(Readings::default()),
            observer,
        };
        meter.read(|pid, readings| {
            readings.empty_pss_bytes = pss_bytes(pid)?;
            Ok(())
        });
        meter
    }

    /// What was read; or why something could not be.
    pub(crate) fn readings(self) -> io::Result<Readings> {
        self.readings
    }

    /// Takes a reading; the first failure stays.
    fn read(&mut self, take: impl FnOnce(i32, &mut Readings) -> io::Result<()>) {
        if let Ok(readings) = &mut self.readings
            && let Err(error) = take(self.pid, readings)
        {
            self.readings = Err(error);
        }
    }

    /// Memory is read when nothing is being measured: walking page tables takes CPU time.
    fn read_memory(&mut self) {
        self.read(|pid, readings| {
            readings.peak_pss_bytes = readings.peak_pss_bytes.max(pss_bytes(pid)?);
            Ok(())
        });
    }
}

impl Watch for Meter<'_> {
    fn connected(&mut self, connected: usize) -> bool {
        self.read_memory();
        connected == self.wanted
    }

    fn begin(&mut self) {
        self.read(|pid, readings| {
            readings.begin = usage(pid)?;
            Ok(())
        });
    }

    fn end(&mut self) {
        self.read(|pid, readings| {
            readings.end = usage(pid)?;
            Ok(())
        });
    }

    fn drained(&mut self) {
        self.read_memory();
    }

    fn tick(&mut self, progress: &Progress) {
        self.observer.tick(progress.share);
    }

    fn interrupted(&self) -> bool {
        self.observer.interrupted()
    }
}
