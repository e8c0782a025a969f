//! Rules: conditions on what was received, and the answers.

use portlab_load::{Conditions, unescape};
use portlab_words::{Text, narrow, narrow_char, tr};

use crate::{Speech, Template};

/// Rules, of which the first that fits answers.
///
/// A rule is `CONDITION => ANSWER`, as in `contains:你好 => 你好，我是服务端`. A condition is `any`, `equals:TEXT`, or one or more
/// of `starts:TEXT`, `contains:TEXT`, `not:TEXT` and `match:REGEX`, joined by `&`. The answer is a [`Template`].
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    condition: Condition,
    answer: Template,
}

#[derive(Clone, Debug)]
enum Condition {
    Any,
    Equals(String),
    All(Conditions),
}

impl Rules {
    /// Reads rules.
    ///
    /// # Errors
    /// When a rule has no `=>`, or its condition or its answer can't be read.
    pub fn parse(rules: &[String]) -> Result<Self, Text> {
        let rules = rules.iter().map(|rule| {
            Rule::parse(rule)
                .map_err(|why| tr!("in the rule {rule:?}: {why}", "规则 {rule:?} 有误：{why:#}"))
        });
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Checks that the encoding has every character of the answers.
    ///
    /// # Errors
    /// When it lacks one.
    pub fn check(&self, speech: Speech) -> Result<(), Text> {
        self.0.iter().try_for_each(|it| it.answer.check(speech))
    }

    /// Adds the rules of `more` behind these.
    pub(crate) fn add(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The number of the first rule that fits the text, counted from 1, and its answer.
    pub(crate) fn answer(&self, text: &str) -> Option<(usize, &Template)> {
        let fits = |rule: &&Rule| rule.condition.fits(text);
        let at = self.0.iter().position(|it| fits(&it))?;
        Some((at + 1, &self.0[at].answer))
    }
}

impl Rule {
    fn parse(rule: &str) -> Result<Self, Text> {
        let (condition, answer) = at_arrow(rule).ok_or_else(|| {
            Text::new(
                "it has no \"=>\"; write CONDITION => ANSWER, as in 'contains:hello => hello, client'",
                "缺少 \"=>\"；请写成 条件 => 答复，例如 'contains:你好 => 你好，我是服务端'",
            )
        })?;
        Ok(Self {
            condition: Condition::parse(condition.trim())?,
            answer: Template::parse(answer.trim())?,
        })
    }
}

impl Condition {
    fn parse(text: &str) -> Result<Self, Text> {
        let (name, all) = match text.split_once([':', '：']) {
            Some((name, all)) => (narrow(name) + ":", all),
            None => (narrow(text), ""),
        };
        match &*name {
            "any" => Ok(Self::Any),
            "equals:" => Ok(Self::Equals(unescape(all)?)),
            "starts:" | "contains:" | "not:" | "match:" => Ok(Self::All(Conditions::parse(text)?)),
            _ => Err(tr!(
                "unknown condition {text:?}: expected any, equals:TEXT, starts:TEXT, contains:TEXT, not:TEXT or match:REGEX",
                "没有 {text:?} 这种条件：可以写 any（任何内容）、equals:文字、starts:文字、contains:文字、not:文字、match:正则表达式"
            )),
        }
    }

    /// Whether it is met by `text`. A line end at the end of the text belongs to it, except for `equals`: a person who
    /// writes `equals:bye` means the client's line.
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Equals(all) => text == all || text.trim_end_matches(['\r', '\n']) == all,
            Self::All(conditions) => conditions.are_met_by(text.as_bytes()),
        }
    }
}

/// What stands before and behind the first `=>`, which may be typed on a Chinese keyboard.
fn at_arrow(rule: &str) -> Option<(&str, &str)> {
    let pairs = rule.char_indices().zip(rule.char_indices().skip(1));
    let mut arrows =
        pairs.filter(|((_, one), (_, two))| (narrow_char(*one), narrow_char(*two)) == ('=', '>'));
    let ((begin, _), (at, last)) = arrows.next()?;
    Some((&rule[..begin], &rule[at + last.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: &[&str]) -> Result<Rules, Text> {
        Rules::parse(&rules.iter().map(|&it| it.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let rules = rules(&[
            "equals:bye => 再见",
            "starts:GET &contains:HTTP/1.1 => page",
            "match:^[0-9]+$ => number",
            "contains:你好 => 你好，{text}",
            "not:x => no x",
        ])
        .unwrap();
        let number = |text| rules.answer(text).map(|(number, _)| number);
        for (text, answer) in [
            ("bye", Some(1)),
            ("bye\r\n", Some(1)),
            ("bye bye", Some(5)),
            ("GET / HTTP/1.1", Some(2)),
            ("42", Some(3)),
            ("你好吗", Some(4)),
            ("x", None),
        ] {
            assert_eq!(number(text), answer, "{text:?}");
        }
    }

    #[test]
    fn the_syntax_of_a_rule_may_be_full_width_and_its_texts_stay_as_they_are() {
        for (rule, text) in [
            ("contains：你：＝ ＝》好，＞＝", "你：＝"),
            ("ｎｏｔ：x＆starts:你＆ =＞ 好，＞＝", "你＆"),
            ("equals：， ＝> 好，＞＝", "，"),
            ("ａｎｙ　=》　好，＞＝", "x"),
        ] {
            let rules = rules(&[rule]).unwrap();
            assert!(rules.answer("x:=,&").is_none() || text == "x", "{rule}");
            let (_, answer) = rules.answer(text).expect(rule);
            assert_eq!(*answer, Template::parse("好，＞＝").unwrap());
        }
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_named_with_what_may_be_written() {
        for (rule, part) in [
            ("你好", "=>"),
            ("contain:x => y", "contains:TEXT"),
            ("any => {tme}", "{time}"),
            ("match:( => y", "regular expression"),
            ("any => \\q", "escape"),
        ] {
            let error = rules(&[rule]).unwrap_err().to_string();
            assert!(error.contains(rule) || error.contains(&format!("{rule:?}")));
            assert!(error.contains(part), "{error}");
        }
    }
}
