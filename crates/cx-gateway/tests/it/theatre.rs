//! A stage that remembers what was played.

use cx_gateway::{Gesture, Scene, SceneEngine, SceneSource, Stage};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const SOURCES: [&str; 2] = ["payments", "web-shop"];

#[derive(Default)]
pub(crate) struct Theatre {
    held: Mutex<(bool, BTreeSet<String>)>,
    killed: AtomicBool,
}

impl Stage for Theatre {
    fn scene(&self) -> Scene {
        let (payments_failing, stopped) = self.held.lock().unwrap().clone();
        let one = |s: &&str| SceneSource {
            source: (*s).to_owned(),
            stopped: stopped.contains(*s),
        };
        Scene {
            payments_failing,
            sources: SOURCES.iter().map(one).collect(),
            engine: SceneEngine {
                state: if self.killed.load(Ordering::Relaxed) {
                    "reviving"
                } else {
                    "running"
                },
                words: "so it is".to_owned(),
            },
        }
    }

    /// Refuses to stop the last one, as the company does.
    fn play(&self, gesture: &Gesture) -> Result<Scene, String> {
        {
            let mut held = self.held.lock().unwrap();
            match gesture {
                Gesture::KillEngine => self.killed.store(true, Ordering::Relaxed),
                Gesture::BreakPayments => held.0 = true,
                Gesture::MendPayments => held.0 = false,
                Gesture::StopSource(s) => {
                    if held.1.len() + 1 == SOURCES.len() {
                        return Err("it is the last one that sends".to_owned());
                    }
                    held.1.insert(s.clone());
                }
                Gesture::StartSource(s) => {
                    held.1.remove(s);
                }
            }
        }
        Ok(self.scene())
    }
}
