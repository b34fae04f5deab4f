//! In: figures. Kept: nothing. Out: lines for people, the last line for programs. Never knows: how
//! they were measured.

use serde_json::{Map, Value, json};
use std::io::Write as _;

/// Prints a line.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// The last line of a bench with `--json`.
pub(crate) fn json_line(name: &str, ok: bool, figures: &[(&str, f64)]) {
    let rounded = figures.iter().map(|(key, value)| {
        let value = (value * 1_000.0).round() / 1_000.0;
        ((*key).to_owned(), Value::from(value))
    });
    let figures: Map<String, Value> = rounded.collect();
    let line = json!({"name": name, "ok": ok, "figures": figures, "machine": machine()});
    say(&line.to_string());
}

/// Processor, cores and memory, as far as the machine says.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|l| l.starts_with(name));
        let value = line.and_then(|l| l.split_once(':'));
        value.map_or_else(|| "unknown".to_owned(), |(_, v)| v.trim().to_owned())
    };
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {processor}, {memory}")
}
