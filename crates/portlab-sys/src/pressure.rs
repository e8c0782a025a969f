//! How long threads of the whole machine wait for a processor.

use std::{fs, time::Duration};

/// For how long, since the machine started, at least one thread waited for a processor. `None` if the
/// kernel doesn't keep account of it. The pressure between two moments is the difference divided by the
/// time between them.
///
/// Source: `Documentation/accounting/psi.rst` of Linux, `some` of `/proc/pressure/cpu`.
pub fn cpu_pressure() -> Option<Duration> {
    total(&fs::read_to_string("/proc/pressure/cpu").ok()?)
}

fn total(text: &str) -> Option<Duration> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = some.split(' ').find_map(|it| it.strip_prefix("total="))?;
    Some(Duration::from_micros(total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_some_is_found_in_microseconds() {
        let text = "some avg10=14.90 avg60=8.48 avg300=5.06 total=69721565\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(total(text), Some(Duration::from_micros(69_721_565)));
        assert_eq!(total("full avg10=0.00 total=7\n"), None);
        assert_eq!(total(""), None);
    }
}
