//! In: gestures of a presenter. Kept: the simulated company, shared with its feed.
//! Out: what then holds. Never knows: HTTP.

use crate::clock;
use crate::common::Common;
use cx_gateway::{Gesture, Scene, SceneSource, Stage};
use cx_sim::Company;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

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

    fn live(&self) -> bool {
        let common = self.common.upgrade();
        common.is_some_and(|c| c.live.load(Ordering::Acquire))
    }
}

impl Stage for Theatre {
    fn scene(&self) -> Scene {
        scene(&self.company.lock().expect("no holder panics"))
    }

    fn play(&self, gesture: &Gesture) -> Result<Scene, String> {
        if !self.live() {
            return Err(
                "history is still being folded; try again when /readyz is ready".to_owned(),
            );
        }
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
            Gesture::StartSource(source) => {
                if !company.start_source(source) {
                    return Err(format!("the company has no source {source}"));
                }
            }
        }
        Ok(scene(&company))
    }
}

fn scene(company: &Company) -> Scene {
    let stopped = company.stopped();
    let one = |source: &&str| SceneSource {
        source: (*source).to_owned(),
        stopped: stopped.contains(source),
    };
    Scene {
        payments_failing: company.payments_failing(clock::now()),
        sources: company.sources().iter().map(one).collect(),
    }
}
