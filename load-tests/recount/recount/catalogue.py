"""In: deploy/catalog and the tables of schemas/events.md. Kept: nothing. Out: KPIs with compiled conditions, and what is registered."""
import re
from dataclasses import dataclass, field
from pathlib import Path

from . import derived, yaml12
from .cel import compile_condition

# Length and pane in seconds. A day, and distinct counts over more than an hour, are known to definitions and have no effect yet.
WINDOWS = {"now": (0, 0), "1m": (60, 5), "5m": (300, 5), "15m": (900, 60), "1h": (3600, 60), "24h": (86400, 900), "7d": (604800, 3600),
           "28d": (2419200, 86400)}
# What the engine itself reads of `data`.
BUILT_IN = {"channel", "contact_id", "queue", "outcome", "conversation_id", "automated"}
REASONS = ["too_large", "empty", "invalid_json", "too_deep", "missing_attribute", "invalid_attribute", "too_long",
           "future", "jump", "misplaced", "control_forged", "control_replayed", "control_invalid"]
OUTCOMES = ["applied", "duplicate", "late", "dead_lettered", "control"]
SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


@dataclass
class Measure:
    agg: str
    of: str
    conditions: list
    types: set | None
    per_mille: int = 500


@dataclass
class Kpi:
    name: str
    ratio: bool
    measures: list
    dims: list
    windows: list
    unit: str
    decimals: int
    of_records: bool


@dataclass
class Catalogue:
    kpis: list
    derived: list
    observed: list
    channels: list
    sources: list
    reply_targets: dict
    types: set
    used: set = field(default_factory=set)


def attribute_kinds():
    """Declared attributes of data by name, from the table in schemas/events.md."""
    rows = re.findall(r"^\| `(\w+)` \| (string|bool|int|double) \|", (SCHEMAS / "events.md").read_text(), re.M)
    return dict(rows)


def facts():
    """The type that yields each fact, by `fact.name`, from the table in schemas/facts.md."""
    return dict(re.findall(r"^\| `(fact\.\w+)` \| `([\w.]+)` \|", (SCHEMAS / "facts.md").read_text(), re.M))


def event_types():
    """Registered types, from the table of families in schemas/events.md."""
    families = (SCHEMAS / "events.md").read_text().split("## Families")[1].split("## Fields")[0]
    rows = re.findall(r"^\| (\w+) \| (\w+(?:, \w+)*) \|$", families, re.M)
    return {f"cx.{family}.{event}.v1" for family, events in rows for event in events.split(", ") if family != "family"}


def load(folder):
    folder = Path(folder)
    listed = yaml12.load((folder / "channels.yaml").read_text())["channels"]
    channels = [c["channel"] for c in listed]
    sources = sorted(yaml12.load(f.read_text())["source"] for f in _files(folder / "sources"))
    targets = {c["channel"]: c["reply_target_s"] for c in listed if "reply_target_s" in c}
    out = Catalogue([], [], [], channels, sources, targets, event_types(), set(BUILT_IN))
    reader = _Reader({"channel": channels, "source": sources}, out.used)
    for file in _files(folder / "kpis"):
        raw = yaml12.load(file.read_text())
        if "observed" in raw:
            out.observed.append(raw["kpi"])
        elif raw["type"] == "derived":
            out.derived.append(reader.derived(raw))
        else:
            out.kpis.append(reader.kpi(raw))
    return out


def _files(folder):
    return sorted(f for f in folder.iterdir() if f.suffix in (".yaml", ".yml") and not f.name.startswith("."))


class _Reader:
    def __init__(self, declared, used):
        self.declared, self.used, self.kinds, self.yields = declared, used, attribute_kinds(), facts()

    def kpi(self, raw):
        texts = ["numerator", "denominator"] if raw["type"] == "ratio" else ["measure"]
        measures = [self._measure(raw.get(t, raw), raw.get("filter")) for t in texts]
        records = all(m.agg == "records" for m in measures)
        dims = [self._dimension(d, records) for d in raw.get("dimensions") or []]
        distinct = any(m.agg == "count_distinct" for m in measures)
        windows = [w for w in raw["windows"] if w in WINDOWS and (not distinct or WINDOWS[w][0] <= 3600)]
        return Kpi(raw["kpi"], raw["type"] == "ratio", measures, dims, windows, raw["unit"], raw["decimals"], records)

    def derived(self, raw):
        dims = [self._dimension(d, False) for d in raw.get("dimensions") or []]
        return derived.read(raw, dims, [w for w in raw["windows"] if w in WINDOWS])

    def _dimension(self, raw, records):
        """(name, where its value stands, declared values)."""
        name = raw if isinstance(raw, str) else raw["name"]
        known = {**self.declared, **({"reason": REASONS, "outcome": OUTCOMES} if records else {})}
        values = known[name] if isinstance(raw, str) else raw["values"]
        group = "event" if name in ("source", "type") else "record" if records and name in ("reason", "outcome") else "data"
        if group == "data":
            self.used.add(name)
        return name, group, list(values)

    def _measure(self, raw, filter_text):
        agg, of, where = raw.get("agg"), raw.get("of") or "", raw.get("where")
        for word in ("gauge", "oldest"):
            if word in raw:
                agg, of, where = word, raw[word]["of"], raw[word].get("where")
        if agg == "count" and of == "record":
            agg = "records"
        if of.startswith("data."):
            of = of.removeprefix("data.")
            self.used.add(of)
        texts = [t for t in (filter_text, where) if t]
        self.used.update(name for t in texts for name in re.findall(r"\bdata\.(\w+)", t))
        conditions = [compile_condition(t, self.kinds, self.yields) for t in texts]
        if of in self.yields:
            conditions.insert(0, compile_condition(f"has({of})", self.kinds, self.yields))
        types = None
        for condition in conditions:
            types = condition.types if types is None else types if condition.types is None else types & condition.types
        per_mille = round(raw.get("percentile", 0.5) * 1000)
        return Measure("percentile" if agg == "median" else agg, of, conditions, types, per_mille)
