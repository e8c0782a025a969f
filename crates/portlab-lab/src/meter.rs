//! The server's resource usage, read from outside.

use std::{
    io,
    time::{Duration, Instant},
};

use portlab_load::{Progress, Watch};
use portlab_sys::{
    clock::cpu_pressure,
    meter::{Usage, pss_bytes, pss_bytes_below, usage, usage_below},
};

use crate::{MeasureError, Observer, Server, foreign::check_connections};

/// The readings of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readings {
    pub(crate) begin: Usage,
    pub(crate) end: Usage,
    /// Before the first connection of the load.
    pub(crate) empty_pss_bytes: u64,
    pub(crate) peak_pss_bytes: u64,
    /// The share, in `[0, 1]`, of the time between begin and end in which a thread of the machine waited for
    /// a processor; `None` if the kernel doesn't report it.
    pub(crate) machine_cpu_pressure_share: Option<f64>,
}

/// The machine's pressure until now; `None` if the kernel doesn't report it.
pub(crate) fn pressure_now() -> Option<(Instant, Duration)> {
    Some((Instant::now(), cpu_pressure()?))
}

/// The share, in `[0, 1]`, of the time from `begin` to `end` in which there was pressure.
pub(crate) fn pressure_share(begin: (Instant, Duration), end: (Instant, Duration)) -> Option<f64> {
    let elapsed = end.0.saturating_duration_since(begin.0).as_secs_f64();
    let waited = end.1.saturating_sub(begin.1).as_secs_f64();
    // Time and pressure aren't read at the same moment, so under full pressure the quotient may exceed 1.
    (elapsed > 0.0).then(|| (waited / elapsed).min(1.0))
}

impl Server {
    fn usage(&self) -> io::Result<Usage> {
        match self.is_kept {
            true => usage_below(self.pid()),
            false => usage(self.pid()),
        }
    }

    fn memory(&self) -> io::Result<u64> {
        match self.is_kept {
            true => pss_bytes_below(self.pid()),
            false => pss_bytes(self.pid()),
        }
    }
}

/// Reads the server's usage when measuring begins and ends.
pub(crate) struct Meter<'a> {
    server: &'a Server,
    wanted: usize,
    readings: Result<Readings, MeasureError>,
    /// The machine's pressure at the beginning.
    pressure: Option<(Instant, Duration)>,
    observer: &'a mut dyn Observer,
}

impl<'a> Meter<'a> {
    /// A meter of `server`, which is to be loaded on `wanted` connections.
    pub(crate) fn new(server: &'a Server, wanted: usize, observer: &'a mut dyn Observer) -> Self {
        let mut meter = Self {
            server,
            wanted,
            readings: Ok(Readings::default()),
            pressure: None,
            observer,
        };
        meter.read(|server, readings| {
            readings.empty_pss_bytes = server.memory()?;
            Ok(())
        });
        meter
    }

    /// The readings, or the first error.
    pub(crate) fn readings(self) -> Result<Readings, MeasureError> {
        self.readings
    }

    /// Takes a reading, unless one has failed.
    fn read(&mut self, take: impl FnOnce(&Server, &mut Readings) -> Result<(), MeasureError>) {
        if let Ok(readings) = &mut self.readings
            && let Err(error) = take(self.server, readings)
        {
            self.readings = Err(error);
        }
    }

    /// Reads memory. This walks page tables, which takes CPU time, so it is done outside of the measured time.
    fn read_memory(&mut self) {
        self.read(|server, readings| {
            readings.peak_pss_bytes = readings.peak_pss_bytes.max(server.memory()?);
            Ok(())
        });
    }
}

impl Watch for Meter<'_> {
    fn connected(&mut self, connected: usize) -> bool {
        // The processes that are metered must be those that serve the connections.
        self.read(|server, _| match server.is_kept {
            true => Ok(check_connections(server.pid(), server.addr())?),
            false => Ok(()),
        });
        self.read_memory();
        connected == self.wanted && self.readings.is_ok()
    }

    fn begin(&mut self) {
        self.pressure = pressure_now();
        self.read(|server, readings| {
            readings.begin = server.usage()?;
            Ok(())
        });
    }

    fn end(&mut self) {
        let begin = self.pressure;
        self.read(|server, readings| {
            readings.end = server.usage()?;
            let looks = begin.zip(pressure_now());
            readings.machine_cpu_pressure_share =
                looks.and_then(|(begin, end)| pressure_share(begin, end));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_a_share_of_the_time_between_two_readings_and_at_most_1() {
        let (since, ms) = (Instant::now(), Duration::from_millis);
        let share = |waited: u64, elapsed: u64| {
            pressure_share(
                (since, ms(1_000)),
                (since + ms(elapsed), ms(1_000 + waited)),
            )
        };
        assert_eq!(share(0, 200), Some(0.0));
        assert_eq!(share(50, 200), Some(0.25));
        assert_eq!(share(201, 200), Some(1.0));
        assert_eq!(share(1, 0), None);
    }
}
