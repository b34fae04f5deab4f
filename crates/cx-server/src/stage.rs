//! In: gestures of a presenter. Kept: the simulated company, shared with its feed.
//! Out: what then holds. Never knows: HTTP.

use crate::anew;
use crate::clock;
use crate::common::Common;
use crate::revival::State;
use cx_gateway::{Gesture, Scene, SceneEngine, SceneSource, Stage};
use cx_sim::Company;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

const KEPT_NOWHERE: &str = "The embedded broker keeps nothing, so the engine could not come back: run cargo xtask demo --kafka to kill it";

/// The stage of the demo; gestures fall between two emissions.
pub(crate) struct Theatre {
    /// Not owned: the house owns the stage.
    common: Weak<Common>,
    company: Arc<Mutex<Company>>,
}

impl Theatre {
    pub(crate) fn new(common: &Arc<Common>, company: &Arc<Mutex<Company>>) -> Self {
        Self {
            common: Arc::downgrade(common),
            company: Arc::clone(company),
        }
    }

    fn scene_of(&self, company: &Company) -> Scene {
        let (state, words) = match self.common.upgrade() {
            Some(common) if common.snapshots.is_some() => common.revival.tell(),
            _ => (State::KeptNowhere, KEPT_NOWHERE.to_owned()),
        };
        let engine = SceneEngine {
            state: state.name(),
            words,
        };
        scene(company, engine)
    }
}

impl Stage for Theatre {
    fn scene(&self) -> Scene {
        self.scene_of(&self.company.lock().expect("no holder panics"))
    }

    fn play(&self, gesture: &Gesture) -> Result<Scene, String> {
        let common = self.common.upgrade();
        let common = common.filter(|c| c.live.load(Ordering::Acquire));
        let Some(common) = common else {
            return Err(
                "history is still being folded; try again when /readyz is ready".to_owned(),
            );
        };
        let mut company = self.company.lock().expect("no holder panics");
        let now = clock::now();
        match gesture {
            Gesture::BreakPayments => company.break_payments(now),
            Gesture::MendPayments => company.mend_payments(now),
            Gesture::StopSource(source) => {
                if !company.stop_source(source) {
                    return Err(format!(
                        "{source} is the last source that sends; start another one first"
                    ));
                }
            }
            Gesture::KillEngine => kill(&common)?,
            Gesture::StartSource(source) => {
                if !company.start_source(source) {
                    return Err(format!("the company has no source {source}"));
                }
            }
        }
        Ok(self.scene_of(&company))
    }
}

/// Throws the engines away, and counts the log anew once they are back.
fn kill(common: &Arc<Common>) -> Result<(), String> {
    if common.snapshots.is_none() {
        return Err(KEPT_NOWHERE.to_owned());
    }
    if !common.revival.kill(clock::now()) {
        return Err("the engine is not back yet from the last time".to_owned());
    }
    let common = Arc::clone(common);
    let thread = std::thread::Builder::new().name("recount".to_owned());
    let recount = move || {
        while !common.stop.load(Ordering::Relaxed) {
            if let Some(sealed) = common.revival.first() {
                let counted = anew::count(&common, &sealed);
                common
                    .revival
                    .recounted(counted.map_err(|e| format!("{e:#}")));
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    thread.spawn(recount).map(drop).map_err(|e| e.to_string())
}

fn scene(company: &Company, engine: SceneEngine) -> Scene {
    let stopped = company.stopped();
    let one = |source: &&str| SceneSource {
        source: (*source).to_owned(),
        stopped: stopped.contains(source),
    };
    Scene {
        payments_failing: company.payments_failing(clock::now()),
        sources: company.sources().iter().map(one).collect(),
        engine,
    }
}
