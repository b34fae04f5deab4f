"""In: deploy/catalog and the tables of schemas/events.md. Kept: nothing. Out: KPIs with compiled conditions, and what is registered."""
import re
from dataclasses import dataclass, field
from pathlib import Path

from . import across, combined, derived, numbered, yaml12
from .attempts import Journey
from .calendars import Calendar, Target
from .cel import compile_condition

# Length and pane in seconds; of a day the most it can be.
WINDOWS = {"now": (0, 0), "1m": (60, 5), "5m": (300, 5), "15m": (900, 60), "1h": (3600, 60), "24h": (86400, 900), "day": (100800, 900), "7d": (604800, 3600),
           "28d": (2419200, 86400)}
# What the engine itself reads of `data`.
BUILT_IN = {"channel", "contact_id", "queue", "outcome", "conversation_id", "automated"}
REASONS = ["too_large", "empty", "invalid_json", "too_deep", "missing_attribute", "invalid_attribute", "too_long",
           "future", "jump", "misplaced", "control_forged", "control_replayed", "control_invalid"]
OUTCOMES = ["applied", "duplicate", "late", "dead_lettered", "control"]
# What of a conversion's attempts is counted, above and below.
COUNTED = {"conversion_rate": ["converted", "decided"], "drop_off_rate": ["dropped", "decided"], "conversions": ["converted"],
           "decided": ["decided"], "undecided": ["undecided"]}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


@dataclass
class Measure:
    agg: str
    of: str
    conditions: list
    types: set | None
    per_mille: int = 500
    journey: Journey | None = None


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
    day: str | None = None
    bounds: list = field(default_factory=list)


@dataclass
class Catalogue:
    kpis: list
    derived: list
    observed: list
    channels: list
    sources: list
    reply_targets: dict
    types: set
    calendars: dict = field(default_factory=dict)
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
    files = _files(folder / "calendars") if (folder / "calendars").exists() else []
    calendars = {raw["calendar"]: Calendar(raw) for raw in (yaml12.load(f.read_text()) for f in files)}
    targets = {c["channel"]: Target(c["reply_target_s"], calendars.get(c.get("calendar"))) for c in listed if "reply_target_s" in c}
    out = Catalogue([], [], [], channels, sources, targets, event_types(), {None: Calendar(), **calendars}, set(BUILT_IN))
    reader = _Reader({"channel": channels, "source": sources}, out.used, calendars)
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
    def __init__(self, declared, used, calendars):
        self.calendars, self.journeys = calendars, {}
        self.declared, self.used, self.kinds, self.yields = declared, used, attribute_kinds(), facts()

    def kpi(self, raw):
        texts = ["numerator", "denominator"] if raw["type"] == "ratio" else ["measure"]
        if raw["type"] == "conversion":
            measures = self._attempts(raw)
        else:
            measures = [self._measure(raw.get(t, raw), raw.get("filter")) for t in texts]
        records = all(m.agg == "records" for m in measures)
        dims = [self._dimension(d, records) for d in raw.get("dimensions") or []]
        windows = [w for w in raw["windows"] if w in WINDOWS]
        return Kpi(raw["kpi"], len(measures) == 2, measures, dims, windows, raw["unit"], raw["decimals"], records, self._day(raw), self._bounds(raw))

    def _attempts(self, raw):
        within = int(raw["within"][:-1]) * SECONDS[raw["within"][-1]]
        base, conversion = (self._measure({"agg": "stage", "where": raw[s]["where"]}, raw.get("filter")) for s in ("base", "conversion"))
        journey = Journey(raw, base, conversion, within)
        self.used.update([*journey.constant, *journey.changed, f"{journey.entity}_id"])
        journey = self.journeys.setdefault(journey.name, journey)
        return [Measure("attempts", of, [], None, 500, journey) for of in COUNTED[raw.get("calculation", "conversion_rate")]]

    def _day(self, raw):
        """Whose business day `day` is."""
        return raw.get("calendar", "default" if "default" in self.calendars else None)

    def derived(self, raw):
        dims = [self._dimension(d, False) for d in raw.get("dimensions") or []]
        return derived.read(raw, dims, [w for w in raw["windows"] if w in WINDOWS])

    @staticmethod
    def _bounds(raw):
        """Where bands of age end, ms."""
        bands = [d["bands"] for d in raw.get("dimensions") or [] if isinstance(d, dict) and d["name"] == "age"]
        return [int(b[:-1]) * SECONDS[b[-1]] * 1000 for b in (bands[0] if bands else [])]

    def _dimension(self, raw, records):
        """(name, where its value stands, declared values)."""
        if isinstance(raw, dict) and raw["name"] == "age":
            bands = raw["bands"]
            return "age", "age", [f"{a}-{b}" for a, b in zip(["0", *bands], bands)] + [f"{bands[-1]}+"]
        name = raw if isinstance(raw, str) else raw["name"]
        if attributes := combined.of(raw, self.kinds):
            self.used.update(n for n, _ in attributes)
            given = raw["values"] if isinstance(raw, dict) else ["true", "false"] if self.kinds[name] == "bool" else []
            return name, attributes, list(given)
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
        if agg == "count" and of.startswith("reply."):
            agg = "replies"
        if agg == "count" and of.startswith("sequence."):
            agg = numbered.AGG
        if of == "case.open":
            self.used.add("case_id")
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
        if of in (across.CHANNELS, across.SEVERAL):
            agg, of = of, frozenset(self.declared["channel"])
        per_mille = round(raw.get("percentile", 0.5) * 1000)
        return Measure("percentile" if agg == "median" else agg, of, conditions, types, per_mille)
