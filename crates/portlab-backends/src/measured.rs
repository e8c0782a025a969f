//! The measured costs of models, with the place and the day: `measured.json`, which
//! `PORTLAB_RENEW=1 cargo bench --bench sheets` writes. A model that isn't in the file has no figures.

use std::sync::LazyLock;

use portlab_words::{
    Lang, Text, tr,
    units::{bytes, nanos},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Measured {
    place: Text,
    /// The day, as `2026-11-28`.
    date: String,
    /// The figures of each model, by name.
    models: std::collections::BTreeMap<String, std::collections::BTreeMap<String, f64>>,
}

static MEASURED: LazyLock<Measured> = LazyLock::new(|| {
    // The file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("../measured.json")).expect("measured.json is valid")
});

/// The figures of the model `name`: each with its name, which says the unit.
pub fn of(name: &str) -> impl Iterator<Item = (&'static str, f64)> + use<> {
    let figures = MEASURED.models.get(name).into_iter().flatten();
    figures.map(|(key, figure)| (key.as_str(), *figure))
}

/// The figures of the model `name` in words, with the place and the day; `None` if the model has no figures.
pub fn in_words(name: &str, lang: Lang) -> Option<String> {
    let told = of(name).map(|(key, figure)| {
        let [size, time] = [bytes(figure), nanos(figure * 1e3)];
        match key {
            "idle_connection_bytes" => tr!(
                lang,
                "{size} for an idle connection",
                "一个空闲连接占 {size}"
            ),
            "short_connection_cpu_us" => {
                tr!(
                    lang,
                    "{time} of CPU for a short connection",
                    "一个短连接用 {time} 的 CPU"
                )
            }
            "hand_over_cpu_us" => tr!(
                lang,
                "{time} of CPU for handing over a job",
                "转交一个任务用 {time} 的 CPU"
            ),
            other => format!("{other} {figure}"),
        }
    });
    let told: Vec<String> = told.collect();
    let Measured { place, date, .. } = &*MEASURED;
    let place = place.pick(lang);
    (!told.is_empty()).then(|| match lang {
        Lang::En => format!("{} ({place}; {date})", told.join("; ")),
        Lang::Zh => format!("{}（{place}；{date}）", told.join("；")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_only_models_of_the_table() {
        for (name, figures) in &MEASURED.models {
            assert!(crate::find(name).is_some(), "{name}");
            let is_possible = |figure: &f64| figure.is_finite() && *figure > 0.0;
            assert!(figures.values().all(is_possible), "{name}");
        }
        assert!(in_words("fork", Lang::Zh).is_some_and(|told| told.contains(&*MEASURED.place.zh)));
        assert_eq!(in_words("unknown", Lang::En), None);
    }
}
