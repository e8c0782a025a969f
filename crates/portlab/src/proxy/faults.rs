//! The faults as options: one for each line of the table of faults.

use clap::{Arg, ArgAction, ArgMatches, Command};
use portlab_proxy::{FAULTS, Fault, Settings};
use portlab_words::Lang;
use serde_json::{Value, json};

/// The names and values that were given.
#[derive(Debug)]
pub(super) struct FaultArgs(Vec<(&'static str, String)>);

impl FaultArgs {
    /// The settings with these faults.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        for (name, value) in &self.0 {
            settings.set(name, value)?;
        }
        Ok(settings)
    }
}

impl clap::Args for FaultArgs {
    fn augment_args(command: Command) -> Command {
        let options = FAULTS.iter().map(|fault| {
            let option = Arg::new(fault.name)
                .long(fault.name.replace('_', "-"))
                .value_name(value(fault))
                .action(ArgAction::Append)
                .help_heading("Faults")
                .help(fault.about.pick(Lang::En));
            match fault.value {
                // `--pause` alone is both directions.
                "" => option.num_args(0..=1).default_missing_value("both"),
                _ => option,
            }
        });
        command.args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for FaultArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = FAULTS.iter().flat_map(|fault| {
            let values = matches.get_many::<String>(fault.name);
            let values = values.into_iter().flatten();
            values.map(|value| (fault.name, value.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The form of a fault's value.
pub(super) fn value(fault: &Fault) -> &'static str {
    match fault.value {
        "" => "up|down",
        value => value,
    }
}

/// The faults of both directions, in the form in which they can be set.
pub(super) fn json(settings: &Settings) -> Value {
    json!({"up": settings.up.to_string(), "down": settings.down.to_string()})
}
