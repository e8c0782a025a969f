//! Values of options: quantities, handler work, addresses, faults.

use std::{fmt, str::FromStr, time::Duration};

use portlab_load::{Arrivals, Condition, Expect, unescape};
use portlab_ports::address::Purpose;
use portlab_proxy::Settings;
use portlab_service::{HandlerWork, TextEncoding};
use portlab_stats::steps::steps;
use portlab_words::units;

/// Quantities are read or refused, and are within their bounds.
pub(crate) fn values(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let rate = units::rate("0.001", "1G");
    let duration = units::duration("1us", "1d");
    if let Ok(size) = units::size("1", "1MiB")(text) {
        assert!((1..=1 << 20).contains(&size), "{size}");
    }
    if let Ok(count) = units::count("1", "10k")(text) {
        assert!((1..=10_000).contains(&count), "{count}");
    }
    if let Ok(rate) = rate(text) {
        assert!((0.001..=1e9).contains(&rate), "{rate}");
    }
    if let Ok(time) = duration(text) {
        let most = Duration::from_secs(24 * 3600);
        assert!(
            (Duration::from_micros(1)..=most).contains(&time),
            "{time:?}"
        );
    }
    if let Ok(steps) = steps(text, &rate) {
        assert!(steps.is_sorted() && steps.len() <= 101, "{steps:?}");
    }
}

/// Handler work, expectations, arrivals and labels are refused, or written in a form that is read as the same value.
pub(crate) fn options(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    round_trip::<HandlerWork>(text);
    round_trip::<Expect>(text);
    round_trip::<Arrivals>(text);
    if let Ok(encoding) = text.parse::<TextEncoding>() {
        assert_eq!(encoding.name().parse(), Ok(encoding));
    }
    // An escape is never shorter than its bytes.
    if let Ok(plain) = unescape(text) {
        assert!(plain.len() <= text.len(), "{plain:?}");
    }
}

fn round_trip<T: FromStr + fmt::Display + fmt::Debug + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        assert_eq!(written.parse::<T>().ok(), Some(value), "{written}");
    }
}

/// Limits are refused in both languages, or written in a form that is read as the same limits.
pub(crate) fn limits(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let fail_if = |text: &str| Condition::fail_if(text).map(|it| vec![it]);
    for read in [fail_if, |text: &str| Condition::must_hold(text)] {
        match read(text) {
            Ok(limits) => {
                let written: Vec<_> = limits.iter().map(ToString::to_string).collect();
                let again = read(&written.join("&")).expect("what is written can be read");
                assert_eq!(format!("{again:?}"), format!("{limits:?}"));
            }
            Err(error) => assert!(!error.zh.is_ascii(), "{error:?}"),
        }
    }
}

/// An address is written in a form that is read as the same address, or refused with a remedy in both languages.
pub(crate) fn addresses(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for purpose in [Purpose::SERVE, Purpose::LOAD] {
        match purpose.read(text) {
            Ok(address) => {
                let written = address.to_string();
                assert_eq!(purpose.read(&written), Ok(address), "{written}");
            }
            Err(error) => {
                assert!(error.en.to_lowercase().contains("write"), "{error}");
                assert!(!error.zh.is_ascii(), "{error:?}");
            }
        }
    }
}

/// The proxy's faults are refused without a change, or set and written in a form that sets the same faults.
pub(crate) fn faults(input: &[u8]) {
    let mut settings = Settings::default();
    for line in String::from_utf8_lossy(input).lines() {
        let before = settings.clone();
        if settings.line(line).is_err() {
            assert_eq!(
                settings, before,
                "{line:?} is refused and changes something"
            );
        }
    }
    let mut again = Settings::default();
    for (side, faults) in [("up", &settings.up), ("down", &settings.down)] {
        let written = faults.to_string();
        for fault in written.split(", ").filter(|it| *it != "none") {
            let (name, value) = fault.split_once(' ').unwrap_or((fault, ""));
            let set = again.set(name, &format!("{side}:{value}"));
            assert!(set.is_ok(), "{written}: {set:?}");
        }
    }
    assert_eq!(again, settings);
}
