//! In: the ledger at the end. Kept: nothing. Out: law 10 per partition, for people or programs.
//! Never knows: how to stop.

use crate::check::say;
use crate::ledger::Ledger;
use cx_engine::Account;
use serde_json::json;

/// Prints the accounting of the command `name`; false where an identity fails.
pub(crate) fn print(name: &str, ledger: &Ledger, frames: u64, as_json: bool) -> bool {
    let noted = ledger.read();
    let accounts: Vec<(&u32, &Account)> = noted.iter().map(|(p, n)| (p, &n.account)).collect();
    let sum = |pick: fn(&Account) -> i64| accounts.iter().map(|(_, a)| pick(a)).sum::<i64>();
    let ok = !accounts.is_empty() && accounts.iter().all(|(_, a)| a.holds());
    say("partition      next   applied  duplicates   late  dead-lettered  control  gaps  identity");
    for (p, a) in &accounts {
        say(&format!(
            "{p:>9} {:>9} {:>9} {:>11} {:>6} {:>14} {:>8} {:>5}  {}",
            a.next,
            a.applied,
            a.duplicates,
            a.late,
            a.dead_lettered,
            a.control,
            a.gaps,
            if a.holds() { "holds" } else { "FAILS" },
        ));
    }
    say(&format!(
        "{frames} frames sent; law 10 {}",
        if ok { "holds" } else { "FAILS" }
    ));
    if as_json {
        let machine = std::thread::available_parallelism().map_or(0, usize::from);
        let line = json!({
            "name": name, "ok": ok,
            "figures": {
                "applied": sum(|a| a.applied), "duplicates": sum(|a| a.duplicates),
                "late": sum(|a| a.late), "dead_lettered": sum(|a| a.dead_lettered),
                "control": sum(|a| a.control), "gaps": sum(|a| a.gaps), "frames": frames,
            },
            "machine": format!("{machine} cores, {}", std::env::consts::ARCH),
        });
        say(&line.to_string());
    }
    ok
}
