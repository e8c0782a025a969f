//! Which models are chosen, by their names, groups and families.

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use portlab_backends::{Backend, Group, MODELS, Sheet, find, models::of_group};

use crate::args::lang;

/// The option `--family`, which stands beside `--models`.
#[derive(Debug, Args)]
pub(crate) struct Families {
    /// All models of a family, such as event or coroutines, in addition to --models;
    /// `processes + event` belongs to both; may be given several times
    #[arg(long, value_name = "NAME", value_parser = family_parser(), hide_possible_values = true)]
    family: Vec<String>,
}

/// Stands for all models, as no option does.
pub(crate) const ALL: &str = "@all";

/// The groups for `--models`, and what they contain.
pub(crate) fn groups() -> impl Iterator<Item = PossibleValue> {
    let title = |group: Group| group.title().pick(lang()).to_owned();
    let groups = Group::ALL.iter().copied();
    let groups = groups.map(move |it| PossibleValue::new(it.name()).help(title(it)));
    groups.chain([PossibleValue::new(ALL).help(lang().pick("all models", "所有模型"))])
}

/// Takes the name of a family in either language, and suggests the near one.
fn family_parser() -> PossibleValuesParser {
    let mut names: Vec<&str> = Vec::new();
    let mut values = Vec::new();
    for family in sheets().map(|sheet| &sheet.family) {
        if !names.contains(&&*family.en) {
            names.push(&family.en);
            values.push(PossibleValue::new(&*family.en).alias(&*family.zh));
        }
    }
    PossibleValuesParser::new(values)
}

impl Families {
    /// The names of the models that `names`, in which a group stands for its models, and these families choose; each once.
    /// Empty if nothing was chosen.
    pub(crate) fn and(&self, names: &[String]) -> Vec<String> {
        let mut chosen = Vec::new();
        for name in names {
            match in_group(name) {
                Some(models) => chosen.extend(models.map(|it| it.sheet().name.to_owned())),
                None => chosen.push(name.clone()),
            }
        }
        for family in &self.family {
            let models = sheets().filter(|sheet| is_of(sheet, family));
            chosen.extend(models.map(|sheet| sheet.name.to_owned()));
        }
        let mut once: Vec<String> = Vec::new();
        for name in chosen {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        once
    }

    /// The models that `names` and these families choose; all if nothing was chosen.
    pub(crate) fn models(&self, names: &[String]) -> Vec<&'static dyn Backend> {
        let chosen = self.and(names);
        match chosen.is_empty() {
            true => MODELS.to_vec(),
            false => chosen.iter().filter_map(|name| find(name)).collect(),
        }
    }
}

/// The models of the group called `name`; `None` if there is no such group.
pub(crate) fn in_group(name: &str) -> Option<Box<dyn Iterator<Item = &'static dyn Backend>>> {
    if name == ALL {
        return Some(Box::new(MODELS.iter().copied()));
    }
    let group = Group::ALL.iter().find(|group| group.name() == name)?;
    Some(Box::new(of_group(*group)))
}

/// Whether `sheet` is of `family`, named in either language: a model of `processes + event` is one of processes and
/// one of events, too.
fn is_of(sheet: &Sheet, family: &str) -> bool {
    let mut families = sheets().map(|it| &it.family);
    let named = families.find(|it| *it.en == *family || *it.zh == *family);
    let family = named.map_or(family, |it| &*it.en);
    let mut parts = sheet.family.en.split('+').map(str::trim);
    *sheet.family.en == *family || parts.any(|part| part == family)
}

fn sheets() -> impl Iterator<Item = &'static Sheet> {
    MODELS.iter().map(|model| model.sheet())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], families: &[&str]) -> Vec<String> {
        let owned = |texts: &[&str]| texts.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let families = Families {
            family: owned(families),
        };
        families.and(&owned(names))
    }

    #[test]
    fn a_family_is_chosen_in_either_language_with_its_mixtures() {
        for sheet in sheets() {
            for name in [&sheet.family.en, &sheet.family.zh] {
                let models = chosen(&[], &[name]);
                assert!(
                    models.contains(&sheet.name.to_owned()),
                    "{name}: {models:?}"
                );
            }
        }
        let event = chosen(&[], &["事件驱动"]);
        assert_eq!(event, chosen(&[], &["event"]));
        assert!(event.contains(&"loop-pool".to_owned()), "{event:?}");
        assert!(!event.contains(&"pool".to_owned()), "{event:?}");
        let mixed = chosen(&[], &["event + pool"]);
        assert_eq!(mixed, ["loop-pool"]);
    }

    #[test]
    fn groups_names_and_families_add_up_and_each_model_is_chosen_once() {
        let history: Vec<_> = in_group("@history").unwrap().collect();
        let models = chosen(&["tasks", "@history", "threads"], &["threads"]);
        assert_eq!(models[0], "tasks");
        assert_eq!(models.len(), 1 + history.len(), "{models:?}");
        let all = chosen(&["@all", "@fast"], &["event"]);
        assert_eq!(all.len(), MODELS.len());
        assert!(chosen(&[], &[]).is_empty());
        assert!(in_group("@nothing").is_none());
    }
}
