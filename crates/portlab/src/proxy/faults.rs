//! The faults as options: one for each line of the table of faults.

use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command};
use portlab_proxy::{FAULTS, Fault, FaultError, Settings};
use portlab_service::nearest;
use serde_json::{Value, json};

use super::control::COMMANDS;

/// The names and values that were given.
#[derive(Debug)]
pub(super) struct FaultArgs(Vec<(&'static str, String)>);

impl FaultArgs {
    /// The faults that they set.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        for (name, value) in &self.0 {
            let set = settings.set(name, value);
            set.map_err(|error| anyhow!(remedy(&error)))?;
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
                .help(fault.about);
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

/// What a fault's value looks like.
pub(super) fn value(fault: &Fault) -> &'static str {
    match fault.value {
        "" => "up|down",
        value => value,
    }
}

/// The error, with the near name for one that is unknown.
pub(super) fn remedy(error: &FaultError) -> String {
    let FaultError::Unknown(name) = error else {
        return error.to_string();
    };
    let names = FAULTS.iter().map(|fault| fault.name);
    match nearest(name, names.chain(COMMANDS.iter().map(|it| it.0))) {
        Some(near) => format!("{error}; did you mean {near}?"),
        None => format!("{error}; `help` lists all of them"),
    }
}

/// The faults of both directions, as they can be set again.
pub(super) fn json(settings: &Settings) -> Value {
    json!({"up": settings.up.to_string(), "down": settings.down.to_string()})
}
