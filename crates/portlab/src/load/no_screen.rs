//! Stands in for the live screen in a build without the feature `tui`: no screen can be opened, so a run is shown as a
//! line a second.

use std::{convert::Infallible, io};

use portlab_load::{Interval, Plan, Progress};

/// A screen that never exists.
pub(super) struct Screen(Infallible);

impl Screen {
    /// None: this build has no screen.
    pub(super) fn open(_plan: &Plan) -> Option<Self> {
        None
    }

    pub(super) fn connected(&mut self, _connected: usize) {
        match self.0 {}
    }

    pub(super) fn add(&mut self, _interval: &Interval) {
        match self.0 {}
    }

    pub(super) fn tick(&mut self, _progress: &Progress) {
        match self.0 {}
    }

    pub(super) fn wanted_rate(&mut self) -> Option<f64> {
        match self.0 {}
    }

    pub(super) fn wants_to_end(&self) -> bool {
        match self.0 {}
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.0 {}
    }
}
