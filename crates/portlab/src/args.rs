//! What several subcommands read from the command line, and the colours they share.

use std::os::fd::AsFd;

use anstyle::{AnsiColor, Style};
use anyhow::bail;
use clap::builder::{PossibleValue, PossibleValuesParser};
use portlab_backends::{MODELS, by_hand::BY_HAND};
use portlab_lab::workloads::WORKLOADS;
use portlab_report::Lang;
use portlab_service::SERVICES;

/// The colour of errors.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The colour of warnings.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// The colour of what is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// The colour of headings.
pub(crate) const HEAD: Style = Style::new().bold();
/// The colour of what matters less.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Takes a model's name, and suggests the near one.
pub(crate) fn model_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(MODELS.iter().map(|model| model.sheet().name))
}

/// Takes a model's name, or that of an echo by hand, which is not suggested.
pub(crate) fn server_parser() -> PossibleValuesParser {
    let controls = BY_HAND
        .iter()
        .map(|model| PossibleValue::new(model.sheet().name).hide(true));
    let models = MODELS
        .iter()
        .map(|model| PossibleValue::new(model.sheet().name));
    PossibleValuesParser::new(models.chain(controls))
}

/// The same for who takes part in a comparison, where `none` stands for no model.
pub(crate) fn entrant_parser() -> PossibleValuesParser {
    let servers = MODELS.iter().map(|model| model.sheet().name);
    let controls = BY_HAND.iter().map(|model| model.sheet().name);
    let hidden = controls
        .chain(["none"])
        .map(|name| PossibleValue::new(name).hide(true));
    PossibleValuesParser::new(servers.map(PossibleValue::new).chain(hidden))
}

/// Takes a workload's name, and suggests the near one.
pub(crate) fn workload_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(WORKLOADS.iter().map(|workload| workload.name))
}

/// Takes a service's name, and suggests the near one.
pub(crate) fn service_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(
        SERVICES
            .iter()
            .map(|service| PossibleValue::new(service.name)),
    )
}

/// The language that was asked for; else the one that the environment speaks (`locale(7)`), which is
/// English unless it is Chinese.
pub(crate) fn lang(asked: Option<Lang>) -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter();
    let mut set = set.filter_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    asked.unwrap_or_else(|| match set.next() {
        Some(locale) if locale.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    })
}

/// The width of the terminal that stdout is; off a terminal, enough for every column.
pub(crate) fn terminal_width() -> usize {
    width_of(std::io::stdout()).unwrap_or(200)
}

/// The width for prose on stdout: that of the terminal, but wide lines are hard to read, and below 40
/// columns nothing can be laid out.
pub(crate) fn prose_width() -> usize {
    terminal_width().clamp(40, 80)
}

/// The width of the terminal that stderr is, if it is one.
pub(crate) fn stderr_width() -> Option<usize> {
    width_of(std::io::stderr())
}

fn width_of(stream: impl AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| width.0.into())
}

/// Reads bytes in hex: pairs of digits, with or without white space between them.
pub(crate) fn bytes_of_hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| character.to_digit(16))
        .collect();
    match digits.as_deref().map(<[u32]>::as_chunks) {
        Some((pairs, [])) => Ok(pairs
            .iter()
            .map(|[high, low]| (high * 16 + low) as u8)
            .collect()),
        _ => bail!("{text:?} is no hex; write pairs of digits, such as \"50 49 4e 47 0d 0a\""),
    }
}

/// Reads a share: `5%`, or `0.05`.
pub(crate) fn share(text: &str) -> anyhow::Result<f64> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text, 1.0),
    };
    let share = digits.trim_end().parse::<f64>().ok().map(|it| it / unit);
    match share {
        Some(share) if share.is_finite() && share >= 0.0 => Ok(share),
        _ => bail!("{text:?} is no share; write 5%, or 0.05"),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes_of_hex, share};

    #[test]
    fn hex_is_read_with_and_without_spaces() {
        assert_eq!(bytes_of_hex("50 49\n4E470d 0a").unwrap(), b"PING\r\n");
        for text in ["5", "xy", "a 中"] {
            let error = bytes_of_hex(text).unwrap_err().to_string();
            assert!(error.contains("pairs of digits"), "{error}");
        }
    }

    #[test]
    fn a_share_is_read_in_per_cent_and_in_parts() {
        assert_eq!(share("5%").unwrap(), 0.05);
        assert_eq!(share("0.05").unwrap(), 0.05);
        assert_eq!(share("0").unwrap(), 0.0);
        for text in ["", "%", "five", "-5%", "inf", "nan"] {
            assert!(share(text).is_err(), "{text:?}");
        }
    }
}
