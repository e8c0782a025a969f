//! The colours for light and dark screens, and the style sheet that uses them.
//!
//! Hues are after Okabe and Ito's palette, which people with the usual kinds of colour blindness can
//! tell apart; within a family the lightness differs.

use std::fmt::Write as _;

use crate::live;

/// A colour by its name in CSS, such as `--ink`.
struct Colour {
    name: &'static str,
    light: &'static str,
    dark: &'static str,
}

/// The colours as CSS variables for a page: light, and dark on a screen that asks for dark. A page can force either with
/// `data-theme="light"` or `data-theme="dark"` on its root. On paper it is always light.
pub fn variables() -> String {
    let list = |value: fn(&Colour) -> &'static str| {
        let list = COLOURS
            .iter()
            .map(|colour| format!("--{}:{}", colour.name, value(colour)));
        list.collect::<Vec<_>>().join(";")
    };
    let (light, dark) = (list(|colour| colour.light), list(|colour| colour.dark));
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n\
         @media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )
}

/// The rules that charts need on a page that has the [`variables`]. All are bound to `.pl`, the class
/// of each chart, but for `.k0` and so on, which set a model's colour anywhere, and for what [`crate::SCRIPT`] adds.
pub fn style_sheet() -> String {
    drawn() + live::STYLE
}

/// The rules for what is drawn.
fn drawn() -> String {
    let mut rules = SHEET.to_owned();
    for colour in COLOURS {
        let name = colour.name;
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        // Writing to a string can't fail.
        let _ = match family {
            "k" => writeln!(rules, ".{name}{{color:var(--{name})}}"),
            "s" | "c" => writeln!(
                rules,
                ".pl .{name}{{fill:var(--{name});stroke:var(--{name})}}"
            ),
            _ => Ok(()),
        };
    }
    rules
}

/// The style of a file: without variables, which many viewers of SVG don't support.
pub(crate) fn file_style() -> String {
    let rules = drawn();
    let coloured = rules.lines().filter(|rule| rule.contains("var("));
    let coloured = coloured.collect::<Vec<_>>().join("\n");
    let light = resolve(&rules, |colour| colour.light);
    let dark = resolve(&coloured, |colour| colour.dark);
    format!("{light}@media (prefers-color-scheme:dark){{\n{dark}\n}}")
}

fn resolve(rules: &str, value: fn(&Colour) -> &'static str) -> String {
    COLOURS.iter().fold(rules.to_owned(), |rules, colour| {
        rules.replace(&format!("var(--{})", colour.name), value(colour))
    })
}

const SHEET: &str = include_str!("chart.css");

const fn colour(name: &'static str, light: &'static str, dark: &'static str) -> Colour {
    Colour { name, light, dark }
}

static COLOURS: &[Colour] = &[
    // The page, a panel on it, and a raised part of a panel.
    colour("paper", "#f6f7f9", "#0e1116"),
    colour("panel", "#ffffff", "#161b22"),
    colour("raised", "#eef1f5", "#212833"),
    // Text, and muted text; lines of panels, of grids and of light grids.
    colour("ink", "#16202c", "#e8edf3"),
    colour("soft", "#55606e", "#a3afbd"),
    colour("rule", "#d8dee6", "#313a46"),
    colour("grid", "#dfe4ea", "#303946"),
    colour("faint", "#eff2f5", "#222933"),
    // What is good, what calls for caution, what is wrong; links.
    colour("good", "#0a7350", "#3ecf9a"),
    colour("good-bg", "#e3f5ed", "#10322a"),
    colour("warn", "#8a5300", "#f2b84b"),
    colour("warn-bg", "#fdf1d8", "#372a10"),
    colour("bad", "#b3261e", "#ff8a80"),
    colour("bad-bg", "#fdeae8", "#3b1a1a"),
    colour("link", "#0b5cad", "#6cb6ff"),
    // Models: one after another; processes; threads; a thread pool; events; tasks.
    colour("k0", "#6f5a44", "#c0aa92"),
    colour("k1", "#c2410c", "#ff8148"),
    colour("k2", "#bd7b00", "#f6bd4f"),
    colour("k3", "#0a5cb0", "#4c9df0"),
    colour("k4", "#2f94d3", "#9ad3fb"),
    colour("k5", "#6a3fb8", "#b094f5"),
    colour("k6", "#0a8f6c", "#1fbf93"),
    colour("k7", "#5c961c", "#a5dc63"),
    colour("k8", "#3b9c86", "#7fe0c6"),
    colour("k9", "#0d7f8f", "#43c6d6"),
    colour("k10", "#d8579f", "#f9a8d4"),
    colour("k11", "#a3195b", "#ee5a9c"),
    colour("k12", "#c06a92", "#d995b8"),
    // Foreign servers.
    colour("k13", "#3a4654", "#ccd5e0"),
    colour("k14", "#7b8896", "#8e9bab"),
    colour("k15", "#5e5a52", "#b3ada2"),
    colour("k16", "#8a7f6d", "#8a8374"),
    // What a thread does: accept, read, handle, write, wait, other.
    colour("s0", "#7a4fc9", "#b594ff"),
    colour("s1", "#1f7fd0", "#5cb2ff"),
    colour("s2", "#d9600a", "#ff9a4d"),
    colour("s3", "#0b8f6b", "#35cfa0"),
    colour("s4", "#c9d1da", "#3a4451"),
    colour("s5", "#8b95a1", "#7d8896"),
    // Connections, in turn.
    colour("c0", "#0072b2", "#56a8e0"),
    colour("c1", "#d55e00", "#f08a3c"),
    colour("c2", "#009e73", "#2fd0a2"),
    colour("c3", "#cc79a7", "#e79cc4"),
    colour("c4", "#b58900", "#f0c94c"),
    colour("c5", "#56b4e9", "#a5dcff"),
    colour("c6", "#6a3fb8", "#b094f5"),
    colour("c7", "#333d49", "#dfe6ee"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast ratio of WCAG 2.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |hex: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.03928 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    fn find(name: &str) -> &'static Colour {
        COLOURS.iter().find(|colour| colour.name == name).unwrap()
    }

    #[test]
    fn texts_and_models_stand_out_on_light_and_dark_screens() {
        let panel = find("panel");
        for colour in COLOURS {
            let least = match colour.name {
                "ink" | "soft" | "good" | "warn" | "bad" | "link" => 4.5,
                name if name.starts_with('k') => 3.0,
                _ => continue,
            };
            for (which, ratio) in [
                ("light", contrast(colour.light, panel.light)),
                ("dark", contrast(colour.dark, panel.dark)),
            ] {
                assert!(
                    ratio >= least,
                    "{}, {which}: {ratio:.2} is below {least}",
                    colour.name
                );
            }
        }
    }

    #[test]
    fn signs_stand_out_on_their_backgrounds() {
        for name in ["good", "warn", "bad"] {
            let (sign, ground) = (find(name), find(&format!("{name}-bg")));
            assert!(contrast(sign.light, ground.light) >= 4.5, "{name}, light");
            assert!(contrast(sign.dark, ground.dark) >= 4.5, "{name}, dark");
        }
    }

    #[test]
    fn a_file_has_no_variables() {
        let style = file_style();
        assert!(!style.contains("var("), "{style}");
        assert!(style.contains(".k3{color:#0a5cb0}") && style.contains(".k3{color:#4c9df0}"));
    }
}
