"""In: the files of a set and the tables of schemas/events.md. Kept: nothing. Out: KPIs with compiled conditions, and what is registered."""
import re
from dataclasses import dataclass, field
from pathlib import Path

from . import across, combined, derived, numbered, yaml12
from .attempts import Journey
from .calendars import Calendar, Target
from .cel import compile_condition
from .limits import CLAMP_MS, MOST

# Length and pane in seconds; of a day the most it can be.
WINDOWS = {"now": (0, 0), "1m": (60, 5), "5m": (300, 5), "15m": (900, 60), "1h": (3600, 60), "24h": (86400, 900), "day": (100800, 900), "7d": (604800, 3600),
           "28d": (2419200, 86400)}
# What the engine itself reads of `data`.
BUILT_IN = {"channel", "contact_id", "queue", "outcome", "conversation_id", "automated"}
REASONS = ["too_large", "empty", "invalid_json", "too_deep", "missing_attribute", "invalid_attribute", "too_long",
           "future", "jump", "misplaced", "control_forged", "control_replayed", "control_invalid"]
OUTCOMES = ["applied", "duplicate", "late", "dead_lettered", "control"]
# Kinds of measures: of what is open at a second; of what counts when it is decided, not where it stands.
OPEN, KEPT = ("gauge", "oldest"), ("replies", "attempts", numbered.AGG)
# What of a conversion's attempts is counted, above and below.
COUNTED = {"conversion_rate": ["converted", "decided"], "drop_off_rate": ["dropped", "decided"], "conversions": ["converted"],
           "decided": ["decided"], "undecided": ["undecided"]}
KINDS = ("calendars", "kpis", "sources")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
UTC = Calendar()
SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


@dataclass
class Measure:
    agg: str
    of: str
    conditions: list
    types: set | None
    per_mille: int = 500
    journey: Journey | None = None
    where: str | None = None

    def said(self):
        return self.agg, self.of, self.where, self.per_mille, self.journey and self.journey.name


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
    day: Calendar | None = None
    bounds: list = field(default_factory=list)
    filter: str | None = None

    @property
    def same(self):
        """What must stay as it is for a later set to go on with what was counted; its windows beside it."""
        dims = [(name, group, tuple(values)) for name, group, values in self.dims]
        measures = [m.said() for m in self.measures]
        return self.name, self.ratio, self.filter, measures, dims, self.bounds


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
    limits: dict = field(default_factory=dict)

    def fixed(self):
        """What no later set can change."""
        targets = {channel: (t.ms, t.calendar and t.calendar.key) for channel, t in self.reply_targets.items()}
        return self.limits, self.channels, self.sources, targets

    def meaning(self):
        """Equal where no number can differ."""
        shown = [(kpi.same, kpi.windows, kpi.day and kpi.day.key, kpi.unit, kpi.decimals) for kpi in self.kpis]
        return self.fixed(), shown, self.derived, self.observed


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
    """The set whose files lie in a folder."""
    return of_texts(texts_of(folder))


def texts_of(folder):
    """The files of a catalogue by their names below its folder."""
    folder, texts = Path(folder), {}
    for file in [*folder.glob("*.y*ml"), *(f for kind in KINDS for f in folder.glob(f"{kind}/*"))]:
        if file.suffix in (".yaml", ".yml") and not file.name.startswith("."):
            texts[file.relative_to(folder).as_posix()] = file.read_text()
    if "channels.yaml" not in texts:
        raise ValueError(f"{folder} has no channels.yaml: give the folder of a catalogue, as deploy/catalog is one")
    return texts


def of_texts(texts):
    """The set of such files, by their names below the folder."""
    read = {kind: [_yaml(texts, name) for name in sorted(texts) if name.startswith(kind + "/")] for kind in KINDS}
    listed = _yaml(texts, "channels.yaml")["channels"]
    channels, sources = [c["channel"] for c in listed], sorted(raw["source"] for raw in read["sources"])
    calendars = {raw["calendar"]: Calendar(raw) for raw in read["calendars"]}
    targets = {c["channel"]: Target(c["reply_target_s"], calendars.get(c.get("calendar"))) for c in listed if "reply_target_s" in c}
    limits = _limits((_yaml(texts, "limits.yaml") if "limits.yaml" in texts else None) or {})
    out = Catalogue([], [], [], channels, sources, targets, event_types(), set(BUILT_IN), limits)
    reader = _Reader({"channel": channels, "source": sources}, out.used, calendars)
    for raw in read["kpis"]:
        if "observed" in raw:
            out.observed.append(raw["kpi"])
        elif raw["type"] == "derived":
            out.derived.append(reader.derived(raw))
        else:
            out.kpis.append(reader.kpi(raw))
    return out


def _yaml(texts, name):
    try:
        return yaml12.load(texts[name])
    except yaml12.yaml.YAMLError as e:
        raise ValueError(f"{name}: {e}") from None


def _limits(raw):
    """The bounds of a partition, with those of `limits.yaml` in their place."""
    if unknown := set(raw) - {*MOST, "clamp_s"}:
        raise ValueError(f"limits.yaml: {', '.join(sorted(unknown))} is not known here")
    clamp_ms = raw.pop("clamp_s", CLAMP_MS // 1000) * 1000
    return {**MOST, **raw, "clamp_ms": clamp_ms}


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
        day = self._day(raw) if "day" in windows else None
        return Kpi(raw["kpi"], len(measures) == 2, measures, dims, windows, raw["unit"], raw["decimals"], records, day, self._bounds(raw),
                   raw.get("filter"))

    def _attempts(self, raw):
        within = int(raw["within"][:-1]) * SECONDS[raw["within"][-1]]
        base, conversion = (self._measure({"agg": "stage", "where": raw[s]["where"]}, raw.get("filter")) for s in ("base", "conversion"))
        journey = Journey(raw, base, conversion, within)
        self.used.update([*journey.constant, *journey.changed, f"{journey.entity}_id"])
        journey = self.journeys.setdefault(journey.name, journey)
        return [Measure("attempts", of, [], None, 500, journey) for of in COUNTED[raw.get("calculation", "conversion_rate")]]

    def _day(self, raw):
        """Whose business day `day` is; UTC's where no calendar is named and none is usual."""
        return self.calendars[raw["calendar"]] if "calendar" in raw else self.calendars.get("default", UTC)

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
        return Measure("percentile" if agg == "median" else agg, of, conditions, types, per_mille, None, where)
