//! Every command as people run it. The tests are one program, so that tests that wait run side by side.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod addresses;
mod advise;
mod assist;
mod assist_screen;
mod chaos;
mod cli;
mod compare;
mod connect;
mod counts;
mod doctor;
mod files;
mod forks;
mod inert;
mod judge;
mod languages;
mod leftovers;
mod load;
mod output;
mod ports;
mod proxy;
mod report;
mod stacks;
mod uring;
