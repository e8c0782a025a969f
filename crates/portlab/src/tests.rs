//! Tests of every option of every command.

use std::panic::catch_unwind;

use clap::{CommandFactory, Parser, error::ErrorKind};
use portlab_proxy::{FAULTS, Settings};
use unicode_width::UnicodeWidthStr;

use super::Cli;

/// Texts that are not a quantity, or are too large for every option, with `|` between them.
const HOSTILE: &str = "| |-1|-1s|NaN|nan%|inf|-inf|1e400|0x10|s|KiB|%|..|1..|1..1Mx1.0000001|1..1Mxinf|٣|５ms|5中|\u{1b}[2J|1000001%|\
    18446744073709551616|18446744073709551615s|18446744073709551615h|18446744073709551615.9999999999999999999|\
    18446744073709551615.9999999999999999999EiB|0.123456789012345678901234567890s|\
    99999999999999999999999999999999999999999999999999YiB|wait:18446744073709551615s|bytes:18446744073709551616|\
    lines:-1|1,2,99999999999999999999";

/// Large and small values that some options take and others must refuse.
const EXTREME: &str = "0|0s|0%|1ns|0.001|0.123456789012345678901234567890|18446744073709551615";

/// The names of values that are quantities: `<TIME>`, `<N>`.
const QUANTITIES: &[&str] = &["BYTES", "N", "NS", "RATE", "RATES", "SHARE", "TIME"];

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn no_line_of_an_after_help_is_wider_than_80_columns() {
    for command in Cli::command().get_subcommands() {
        let after_help = command.get_after_help().map(ToString::to_string);
        let after_help = after_help.unwrap_or_default();
        let wide = after_help.lines().find(|line| line.width() > 80);
        assert_eq!(wide, None, "{}", command.get_name());
    }
}

#[test]
fn no_option_panics_and_none_takes_a_hostile_quantity() {
    let (mut options, mut failures) = (0, Vec::new());
    for command in Cli::command().get_subcommands() {
        for option in command
            .get_arguments()
            .filter(|it| it.get_action().takes_values())
        {
            let names = option.get_value_names().unwrap_or_default();
            // The faults of `proxy` are read by the proxy itself: see below.
            let is_quantity = names.iter().any(|it| QUANTITIES.contains(&it.as_str()))
                && option.get_id() != "hex"
                && option.get_help_heading() != Some("Faults");
            for value in HOSTILE.split('|').chain(EXTREME.split('|')) {
                let word = match option.get_long() {
                    Some(long) => format!("--{long}={value}"),
                    None => value.to_owned(),
                };
                let words = ["portlab", command.get_name(), &word];
                let parsed = catch_unwind(|| Cli::try_parse_from(words));
                let refused = match &parsed {
                    Err(_) => false,
                    Ok(Ok(_)) => !is_quantity,
                    // clap reads the values before it looks for missing and conflicting options.
                    Ok(Err(error)) => {
                        let of_the_value = [ErrorKind::InvalidValue, ErrorKind::ValueValidation];
                        error.exit_code() == 2
                            && (!is_quantity || of_the_value.contains(&error.kind()))
                    }
                };
                if !(refused || (parsed.is_ok() && EXTREME.split('|').any(|it| it == value))) {
                    failures.push(format!("{} {word:?}: {parsed:?}", command.get_name()));
                }
            }
            options += usize::from(is_quantity);
        }
    }
    assert!(options > 50, "{options} options have a quantity");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_fault_of_the_proxy_takes_a_hostile_quantity() {
    for fault in FAULTS.iter().filter(|fault| !fault.value.is_empty()) {
        for value in HOSTILE.split('|') {
            let set = Settings::default().set(fault.name, value);
            assert!(set.is_err(), "{} {value:?}", fault.name);
        }
    }
}

#[test]
fn an_error_names_the_value_the_option_and_the_bounds() {
    for (words, bounds) in [
        ("serve --drain=18446744073709551615s", "between 0s and 1h"),
        ("serve --work=wait:2h", "between 0s and 1h"),
        (
            "load 1 --size=18446744073709551615.9999999999999999999",
            "between 1 and 64MiB",
        ),
        ("load 1 --connections=4000000000", "between 1 and 1M"),
        ("compare --rounds=501", "between 1 and 500"),
        ("compare --connections=1,0", "between 1 and 1M"),
        ("advise --rate=1 -c=1 --time=1s", "between 10s and 10m"),
        (
            "lesson tcp --seed=18446744073709551616",
            "between 0 and 18446744073709551615",
        ),
    ] {
        let (_, option) = words.rsplit_once(' ').unwrap();
        let (option, value) = option.split_once('=').unwrap();
        // Of a list, the value at fault.
        let value = value.rsplit(',').next().unwrap();
        let words = ["portlab"].into_iter().chain(words.split(' '));
        let error = Cli::try_parse_from(words).unwrap_err();
        let told = error.to_string();
        assert_eq!(error.exit_code(), 2, "{told}");
        for part in [&format!("'{value}'"), option, bounds] {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
    }
}
