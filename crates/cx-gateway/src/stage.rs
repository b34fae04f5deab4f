//! In: nothing. Kept: nothing. Out: what the gateway asks of a demo.
//! Never knows: how the demo does it.

use serde::Serialize;

/// A simulated company, as a presenter's gestures reach it.
pub trait Stage: Send + Sync {
    /// What holds now.
    fn scene(&self) -> Scene;
    /// Plays a gesture whose source, if it has one, is among the scene's.
    ///
    /// # Errors
    /// Why it cannot be played now, in words.
    fn play(&self, gesture: &Gesture) -> Result<Scene, String>;
}

/// What a presenter can do to the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gesture {
    /// Card payments fail from now on.
    BreakPayments,
    /// They work again.
    MendPayments,
    /// A source sends nothing from now on.
    StopSource(String),
    /// It sends again, and what it held back.
    StartSource(String),
    /// All that the engine holds in memory is thrown away, unsaved; it must come back by itself.
    KillEngine,
}

/// Answer of `GET /v1/demo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scene {
    /// Whether card payments fail.
    pub payments_failing: bool,
    /// All sources.
    pub sources: Vec<SceneSource>,
    /// The engine.
    pub engine: SceneEngine,
}

/// The engine of the demo, as far as gestures reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SceneEngine {
    /// `running`; after it was killed `reviving`, `counting` (the log is counted anew), then `agrees`
    /// or `differs`; `kept_nowhere` where it could not come back.
    pub state: &'static str,
    /// The same in a sentence, with figures.
    pub words: String,
}

/// One source of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SceneSource {
    /// CloudEvents `source`.
    pub source: String,
    /// Whether it was told to send nothing.
    pub stopped: bool,
}
