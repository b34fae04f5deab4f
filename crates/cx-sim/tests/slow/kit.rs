//! Small logs and small definitions.

use cx_catalog::definition::{Agg, Dimension, Direction, Formula, Kpi, Measure, Object, Owners};
use cx_model::control::{Act, Control};
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::time::Timestamp;
use cx_model::value::CellValue;
use cx_model::window::Window;
use cx_sim::slow::{LogRecord, SlowModel};
use serde_json::{Value, json};

/// A whole hour; all times of the cases are milliseconds after it.
pub(crate) const T: i64 = 1_800_000_000_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 3_600_000;

/// Appends records to partitions.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Vec<LogRecord>);

impl Log {
    pub(crate) fn put(mut self, partition: u32, at: i64, value: &[u8]) -> Self {
        let offset = self.0.iter().filter(|r| r.partition == partition).count();
        self.0.push(LogRecord {
            partition,
            offset: i64::try_from(offset).expect("small"),
            timestamp: Timestamp(T + at),
            timestamp_kind: TimestampKind::LogAppend,
            value: value.to_vec(),
            control: None,
        });
        self
    }

    pub(crate) fn event(self, at: i64, event: &Value) -> Self {
        self.put(0, at, event.to_string().as_bytes())
    }

    pub(crate) fn control(self, at: i64, counter: u64, act: Act) -> Self {
        let mut log = self.put(0, at, b"");
        log.0.last_mut().expect("just put").control = Some(Ok(Control { counter, act }));
        log
    }

    pub(crate) fn clock(self, at: i64, counter: u64) -> Self {
        self.control(at, counter, Act::Clock)
    }

    /// All records so far were stamped by their producers.
    pub(crate) fn create(mut self) -> Self {
        for record in &mut self.0 {
            record.timestamp_kind = TimestampKind::Create;
        }
        self
    }

    pub(crate) fn model(self, kpis: &[Kpi]) -> SlowModel {
        self.model_of(kpis, 1)
    }

    pub(crate) fn model_of(self, kpis: &[Kpi], partitions: u32) -> SlowModel {
        let sources = ["shop".to_owned(), "voice".to_owned()];
        let channels = ["web".to_owned()];
        let mut model = SlowModel::new(kpis, &channels, &sources, Limits::default(), partitions);
        model.feed(self.0);
        model
    }

    /// What the records were named, with the reasons of the refused.
    pub(crate) fn names(self) -> Vec<String> {
        let model = self.model(&[]);
        let name = |(_, name, reason): (i64, &str, &str)| match reason {
            "" => name.to_owned(),
            reason => reason.to_owned(),
        };
        model.names(0).into_iter().map(name).collect()
    }
}

/// An event of source `shop` for customer `c`, stated at `time`.
pub(crate) fn event(id: &str, time: i64, kind: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "shop", "type": kind, "subject": "c",
        "time": Timestamp(T + time).to_rfc3339(), "data": data,
    })
}

pub(crate) fn with(mut event: Value, name: &str, value: impl Into<Value>) -> Value {
    event[name] = value.into();
    event
}

pub(crate) fn without(mut event: Value, name: &str) -> Value {
    event.as_object_mut().expect("an object").remove(name);
    event
}

pub(crate) fn measure(agg: Agg, condition: Option<&str>) -> Measure {
    Measure {
        agg,
        condition: condition.map(str::to_owned),
    }
}

pub(crate) fn kpi(formula: Formula, dimensions: &[(&str, &[&str])], windows: &[Window]) -> Kpi {
    let dimension = |(name, values): &(&str, &[&str])| Dimension {
        name: (*name).to_owned(),
        values: values.iter().map(ToString::to_string).collect(),
    };
    Kpi {
        kpi: "k".to_owned(),
        business_name: "K".to_owned(),
        meaning: "A case.".to_owned(),
        formula,
        filter: None,
        dimensions: dimensions.iter().map(dimension).collect(),
        windows: windows.to_vec(),
        unit: "count".to_owned(),
        decimals: 0,
        direction: Direction::None,
        target: None,
        owners: Owners {
            business: "a.b".to_owned(),
            technical: "c.d".to_owned(),
        },
        examples: Vec::new(),
        hash: "0".repeat(64),
        file: "case".to_owned(),
    }
}

pub(crate) fn simple(agg: Agg, condition: Option<&str>, windows: &[Window]) -> Kpi {
    let measure = measure(agg, condition);
    kpi(Formula::Simple { measure }, &[], windows)
}

pub(crate) fn gauge() -> Kpi {
    let of = Object::ContactWaiting;
    simple(Agg::Gauge { of }, None, &[Window::Now])
}

/// The cell with these dimension values (all of them given) at `s` ms after `T`.
pub(crate) fn cell(model: &SlowModel, s: i64, window: Window, dims: &[(&str, &str)]) -> CellValue {
    let found = model.at((T + s) / SECOND).into_iter().find(|(_, w, d, _)| {
        *w == window && d.len() == dims.len() && dims.iter().all(|(k, v)| d[*k] == *v)
    });
    found.expect("the cell exists").3
}

/// The value and the state of the only cell of a window.
pub(crate) fn value(model: &SlowModel, s: i64, window: Window) -> Option<i64> {
    cell(model, s, window, &[]).value
}
