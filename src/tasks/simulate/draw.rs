//! Numbers drawn from ranges, and effects left out, in a protocol's text.

use toml::{Table, Value};

use super::ProtocolError;
use crate::phantom::random::Random;

/// Replaces every range, a table of `from` and `to` alone, by a number drawn for the seed and its path; removes tables with
/// `enabled = false`, and the word where it is true.
pub(super) fn resolve(table: &mut Table, seed: u64) -> Result<(), ProtocolError> {
    resolve_below(table, seed, "")
}

fn resolve_below(table: &mut Table, seed: u64, above: &str) -> Result<(), ProtocolError> {
    let mut left_out = Vec::new();
    for (key, value) in table.iter_mut() {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        resolve_value(value, seed, &path)?;
        // A detector's own tables have the word among their fields.
        if let Value::Table(inner) = value
            && above != "detector"
        {
            match inner.remove("enabled") {
                Some(Value::Boolean(false)) => left_out.push(key.clone()),
                Some(Value::Boolean(true)) | None => {}
                Some(other) => return Err(ProtocolError::value(&format!("{path}.enabled"), "true or false", other)),
            }
        }
    }
    for key in left_out {
        table.remove(&key);
    }
    Ok(())
}

fn resolve_value(value: &mut Value, seed: u64, path: &str) -> Result<(), ProtocolError> {
    match value {
        Value::Table(table) if is_range(table) => {
            *value = drawn(table, seed, path)?;
            Ok(())
        }
        Value::Table(table) => resolve_below(table, seed, path),
        Value::Array(values) => {
            values.iter_mut().enumerate().try_for_each(|(i, value)| resolve_value(value, seed, &format!("{path}[{i}]")))
        }
        _ => Ok(()),
    }
}

fn is_range(table: &Table) -> bool {
    table.len() == 2 && table.contains_key("from") && table.contains_key("to")
}

/// A number of the range: whole where both ends are, which may both be drawn.
fn drawn(range: &Table, seed: u64, path: &str) -> Result<Value, ProtocolError> {
    let mut random = Random::of(seed, &path.bytes().map(u64::from).collect::<Vec<_>>());
    let refused =
        || ProtocolError::value(path, "a range of two finite numbers, from the smaller one to the larger", range);
    match (&range["from"], &range["to"]) {
        (&Value::Integer(from), &Value::Integer(to)) if from <= to => {
            let count = to.abs_diff(from).saturating_add(1) as f64;
            Ok(Value::Integer(from.saturating_add(random.within(0.0, count) as i64).min(to)))
        }
        (from, to) => {
            let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
            let (Some(from), Some(to)) = (number(from), number(to)) else { return Err(refused()) };
            match from <= to && from.is_finite() && to.is_finite() {
                true => Ok(Value::Float(random.within(from, to))),
                false => Err(refused()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, seed: u64) -> Result<Table, ProtocolError> {
        let mut table: Table = text.parse().unwrap();
        resolve(&mut table, seed).map(|()| table)
    }

    #[test]
    fn ranges_are_drawn_by_seed_and_path_alone() {
        let text = "[beam]\nkvp = { from = 110.0, to = 125.0 }\nmas = { from = 1, to = 3 }\n[x]\ny = [{ from = 0, to = 9.5 }, 2]";
        let first = resolved(text, 7).unwrap();
        assert_eq!(first, resolved(text, 7).unwrap());
        assert_ne!(first["beam"]["kvp"], resolved(text, 8).unwrap()["beam"]["kvp"]);
        let more = format!("{text}\n[a]\nb = {{ from = 0.0, to = 1.0 }}");
        assert_eq!(first["beam"], resolved(&more, 7).unwrap()["beam"]);
        for seed in 0..200 {
            let table = resolved(text, seed).unwrap();
            assert!((110.0..125.0).contains(&table["beam"]["kvp"].as_float().unwrap()));
            assert!((1..=3).contains(&table["beam"]["mas"].as_integer().unwrap()));
        }
        let ends: Vec<i64> = (0..50).map(|s| resolved(text, s).unwrap()["beam"]["mas"].as_integer().unwrap()).collect();
        assert!([1, 2, 3].iter().all(|n| ends.contains(n)), "{ends:?}");
    }

    #[test]
    fn what_is_not_enabled_is_left_out() {
        let table =
            resolved("[a]\nenabled = false\nb = 1\n[c]\nenabled = true\nb = 1\n[d.e]\nenabled = false", 1).unwrap();
        assert_eq!(table, "[c]\nb = 1\n[d]".parse().unwrap());
        assert_eq!(resolved("[a]\nenabled = 3", 1).unwrap_err().to_string(), "a.enabled must be true or false, got 3");
    }

    #[test]
    fn ranges_the_wrong_way_round_are_refused() {
        for range in ["{ from = 3, to = 1 }", "{ from = nan, to = 1 }", "{ from = 'a', to = 1 }"] {
            let message = resolved(&format!("a = {range}"), 1).unwrap_err().to_string();
            assert!(message.starts_with("a must be a range of two finite numbers"), "{message}");
        }
    }
}
