//! A check of the part of JSON Schema that our schema uses. A library for all of it would bring forty crates.

use serde_json::Value;

/// What is wrong with `value`, which stands at `path`, by `schema`, a part of `root`.
pub(super) fn problems(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let Some(keywords) = schema.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (keyword, rule) in keywords {
        match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" | "format" | "minItems" | "maxItems" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                let part = root.pointer(pointer).expect("the schema has the part");
                found.extend(problems(root, part, value, path));
            }
            "anyOf" => {
                let any = rule.as_array().unwrap().iter();
                let tried: Vec<_> = any.map(|one| problems(root, one, value, path)).collect();
                if tried.iter().all(|problems| !problems.is_empty()) {
                    found.extend(tried.into_iter().flatten());
                }
            }
            "type" => {
                let types = rule
                    .as_array()
                    .map_or(std::slice::from_ref(rule), Vec::as_slice);
                if !types.iter().any(|name| is_a(value, name.as_str().unwrap())) {
                    found.push(format!("{path}: {value} isn't of type {rule}"));
                }
            }
            "minimum" => {
                if value.as_f64() < rule.as_f64() && value.is_number() {
                    found.push(format!("{path}: {value} is less than {rule}"));
                }
            }
            "maximum" => {
                if value.is_number() && value.as_f64() > rule.as_f64() {
                    found.push(format!("{path}: {value} is more than {rule}"));
                }
            }
            "required" => {
                let names = rule.as_array().unwrap().iter();
                let names = names.map(|name| name.as_str().unwrap());
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                found.extend(missing.map(|name| format!("{path}: {name} is missing")));
            }
            "properties" => {
                for (name, part) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        found.extend(problems(root, part, value, &format!("{path}/{name}")));
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let members = value.as_object().into_iter().flatten();
                let is_known = |name: &String| known.is_some_and(|it| it.contains_key(name));
                for (name, value) in members.filter(|(name, _)| !is_known(name)) {
                    let path = format!("{path}/{name}");
                    match rule.as_bool() {
                        Some(false) => found.push(format!("{path} is not in the schema")),
                        _ => found.extend(problems(root, rule, value, &path)),
                    }
                }
            }
            "prefixItems" => {
                let items = value.as_array().into_iter().flatten();
                for (part, value) in rule.as_array().unwrap().iter().zip(items) {
                    found.extend(problems(root, part, value, path));
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(problems(root, rule, value, &format!("{path}/{index}")));
                }
            }
            unknown => panic!("this check doesn't know the keyword {unknown}"),
        }
    }
    found
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("this check doesn't know the type {name}"),
    }
}
