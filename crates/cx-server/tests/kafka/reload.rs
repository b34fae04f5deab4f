//! In: a running house with files of its own. Kept: its files, dice. Out: definitions that people propose, sign and
//! activate, one change after the other. Never knows: what else happens to the house.

use crate::cluster::Installation;
use crate::living::{activate, catalogue, say};
use crate::restart::until;
use crate::run::House;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A KPI that comes and goes.
const AGAIN: &str = "orders_again";

/// A catalogue that is changed again and again.
pub(crate) struct Reload {
    catalog: tempfile::TempDir,
    random: StdRng,
    /// Number of the last set that was activated.
    set: u64,
}

impl Reload {
    /// Gives the installation a catalogue of its own.
    pub(crate) fn of(at: &mut Installation, seed: u64) -> Self {
        Self {
            catalog: catalogue(at),
            // Its own dice: what else a seed does stays as it is.
            random: StdRng::seed_from_u64(seed ^ 0x5e75),
            set: 1,
        }
    }

    /// Its files.
    pub(crate) fn files(&self) -> &Path {
        self.catalog.path()
    }

    /// Whether it is time for another change.
    pub(crate) fn falls(&mut self) -> bool {
        self.random.random_ratio(1, 8)
    }

    /// One more change, as people make it. False where the last one is still coming: then none is taken.
    pub(crate) fn fall(&mut self, house: &House) -> bool {
        let last = self.last(house);
        assert_eq!(last["set"], self.set, "nobody else activates");
        if last["state"] == "coming" && ahead(&last) {
            return false;
        }
        self.in_force(house);
        let (name, yaml) = self.change();
        let Some(yaml) = yaml else {
            self.retired(house, name);
            return true;
        };
        let (status, told) = house.post(
            "/v1/definitions?by=Eve&why=chaos",
            "application/yaml",
            yaml.as_bytes(),
        );
        assert_eq!(status, 202, "{name}: {told}");
        agreed(house, name, &told["definition"]);
        std::fs::write(self.home(name), yaml).expect("written");
        let (status, told) = activate(house);
        assert_eq!(
            (status, &told["set"]),
            (202, &json!(self.set + 1)),
            "{told}"
        );
        self.set += 1;
        true
    }

    /// The last set that was activated holds.
    pub(crate) fn in_force(&self, house: &House) {
        crate::living::in_force(house, self.set);
    }

    /// The newest set that the house knows.
    fn last(&self, house: &House) -> Value {
        let told = house.get("/v1/definitions");
        let sets = told["sets"].as_array().expect("sets");
        let newest = sets.iter().max_by_key(|set| set["set"].as_u64());
        newest.expect("one at least").clone()
    }

    fn home(&self, name: &str) -> PathBuf {
        self.files().join(format!("kpis/{name}.yaml"))
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.home(name)).expect("there")
    }

    /// A file with a changed text, or none where the KPI goes.
    fn change(&mut self) -> (&'static str, Option<String>) {
        match self.random.random_range(0..4) {
            0 => ("service_level_voice", Some(self.limit())),
            1 => ("page_views", Some(self.window())),
            2 => ("orders", Some(self.filter())),
            _ if self.home(AGAIN).exists() => (AGAIN, None),
            _ => (AGAIN, Some(self.again())),
        }
    }

    fn limit(&self) -> String {
        let text = self.read("service_level_voice");
        let [from, to] = if text.contains("<= 20000}") {
            ["20000", "25000"]
        } else {
            ["25000", "20000"]
        };
        let all = [format!("<= {from}}}"), format!("> {from})")];
        all.iter().fold(text, |text, words| {
            assert!(text.contains(words), "it has {words}");
            text.replace(words, &words.replace(from, to))
        })
    }

    fn window(&self) -> String {
        const FEW: &str = "windows: [5m, 15m, 1h]";
        const MORE: &str = "windows: [5m, 15m, 1h, 24h]";
        let text = self.read("page_views");
        let [from, to] = if text.contains(FEW) {
            [FEW, MORE]
        } else {
            [MORE, FEW]
        };
        assert!(text.contains(from), "it has {from}");
        text.replace(from, to)
    }

    /// Without the orders whose id ends with another digit each time.
    fn filter(&mut self) -> String {
        let text = self.read("orders");
        let lines = text.lines().filter(|l| !l.starts_with("filter: "));
        let kept: Vec<&str> = lines.collect();
        let digit = (2..9).cycle().skip(self.random.random_range(0..7));
        let of = |digit: u8| format!("filter: '!event.id.endsWith(\"{digit}\")'");
        let new = digit.map(of).find(|filter| !text.contains(filter));
        kept.join("\n") + "\n" + &new.expect("of seven digits") + "\n"
    }

    fn again(&self) -> String {
        let text = self.read("orders");
        let name = text.lines().find(|l| l.starts_with("business_name: "));
        let text = text.replace(name.expect("named"), "business_name: Orders, once more");
        text.replace("kpi: orders", &format!("kpi: {AGAIN}"))
    }

    /// Its owner takes a KPI out of force, and its file goes.
    fn retired(&mut self, house: &House, name: &str) {
        let governed = house.get(&format!("/v1/kpis/{name}"));
        let by = &governed["governed"]["may"]["business"]["people"][0];
        let definition = &governed["definition"];
        let word = json!({"word": "retire", "kpi": name, "definition": definition, "by": by, "why": "chaos"});
        let (status, told) = say(house, &word);
        assert_eq!(status, 202, "{word}: {told}");
        std::fs::remove_file(self.home(name)).expect("there");
        self.set += 1;
    }
}

/// Its second lies ahead of what the house has sealed.
fn ahead(set: &Value) -> bool {
    let from = set["effective_from"].as_str().unwrap_or_default();
    let from = cx_model::time::Timestamp::parse_rfc3339(from).expect("a time");
    from > crate::round_trip::now()
}

/// Both owners sign what is proposed.
fn agreed(house: &House, kpi: &str, definition: &Value) {
    let open = |told: &Value| -> Option<Value> {
        let all = told["proposals"].as_array()?;
        all.iter().find(|p| p["definition"] == *definition).cloned()
    };
    let told = until(house, "/v1/definitions", "proposed", |t| open(t).is_some());
    let proposal = open(&told).expect("just seen");
    // What was signed once is signed when it comes back.
    let mut state = proposal["state"].clone();
    if state == "agreed" {
        return;
    }
    for role in ["business", "technical"] {
        let by = &proposal["may"][role]["people"][0];
        let word = json!({"word": "sign", "kpi": kpi, "definition": definition, "role": role, "by": by, "why": "chaos"});
        let (status, told) = say(house, &word);
        assert_eq!(status, 202, "{word}: {told}");
        state = told["state"].clone();
    }
    assert_eq!(state, "agreed", "{kpi}");
}
