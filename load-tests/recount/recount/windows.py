"""In: named records, open objects. Kept: what the windows before some seconds need. Out: every cell at those seconds."""
from itertools import product

from .catalogue import WINDOWS
from . import across, combined, derived, numbered
from .cel import ERROR, all_of, fits
from .limits import DATA_GAP, LATENESS_MS, RESTATED, WARMING

OPEN = ("gauge", "oldest")
# Counted when they are decided, not where they stand.
KEPT = ("replies", "attempts", numbered.AGG)
NUMBERS = ("sum", "average", "min", "max", "percentile")


def scaled(top, bottom, scale):
    """top x 10^scale / bottom, half to even; None where bottom is 0 or the result leaves 64 bits."""
    if bottom == 0:
        return None
    n, d = top * 10**scale, bottom
    if d < 0:
        n, d = -n, -d
    q, rest = divmod(n, d)
    q += 1 if rest * 2 > d or (rest * 2 == d and q % 2) else 0
    return q if -(2**63) <= q < 2**63 else None


class Waits:
    """A measure of what is open, whose conditions were judged before."""

    def __init__(self, agg, conditions):
        self.agg, self.conditions = agg, conditions


class Part:
    """One measure in one window and scope."""

    __slots__ = ("value", "n", "restated", "customers", "numbers")

    def __init__(self, agg):
        self.value = None if agg in ("min", "max", "oldest", "percentile") else 0
        self.n, self.restated, self.customers, self.numbers = 0, False, None, None


class Second:
    """What is counted for one second."""

    def __init__(self, s, catalogue):
        self.s, self.kpis, self.derived, self.declared = s, catalogue.kpis, catalogue.derived, catalogue.sources
        self.parts, self.newest, self.numbered = {}, {}, {}
        self.start, self.data_gap = None, False
        # By (window or (day, calendar), minutes only): width and first and last pane.
        self.spans = {}
        for window, (length, width) in WINDOWS.items():
            for minutes in (False, True) if length and window != "day" else ():
                wide = 60 if minutes else width
                last = (s - 1) // wide
                self.spans[window, minutes] = wide, last - length // wide + 1, last
        for name in {kpi.day for kpi in self.kpis if "day" in kpi.windows}:
            last = (s - 1) // 900
            self.spans[("day", name), False] = 900, catalogue.calendars[name].first(last), last

    def part(self, key, agg):
        found = self.parts.get(key)
        if found is None:
            found = self.parts[key] = Part(agg)
        return found

    def pass_(self, partition):
        """A partition passed the second: takes what is open there."""
        self.start = max(partition.start, partition.start if self.start is None else self.start)
        self.data_gap |= partition.missing or partition.data_gap is not None
        now = self.s * 1000
        open_ = {"contact.waiting": partition.contacts.waiting(now), "conversation": partition.conversations.waiting(now),
                 "case.open": partition.cases.waiting(now)}
        for kpi in self.kpis:
            for i, m in enumerate(kpi.measures):
                if m.of == "source.last_event":
                    self._sources((kpi.name, i), partition)
                elif m.agg == "attempts" and m.of == "undecided":
                    own = next(a for a in partition.attempts if a.journey is m.journey)
                    self._objects(kpi, i, Waits("gauge", []), [(0, event, False) for event in own.undecided()])
                elif m.agg in OPEN:
                    waiting = open_.get(m.of, open_["conversation"])
                    self._objects(kpi, i, m, [w for w in waiting if w[2] or m.of != "conversation.overdue"])

    def _objects(self, kpi, i, m, waiting):
        for since, by, _ in waiting:
            view = {"data": by["data"], "event": by, "fact": {}, "record": {}, "age": {"age": self.s * 1000 - since}}
            if matches(m, view):
                for scope in scopes(kpi, view):
                    self._open(self.part((kpi.name, i, "now", scope), m.agg), m.agg, since)

    def _open(self, part, agg, since):
        part.n = part.n + 1 if agg == "gauge" else 1
        age = max(0, self.s * 1000 - since)
        part.value = part.n if agg == "gauge" else max(age, part.value or 0)

    def _sources(self, measure, partition):
        for source, time in partition.sources.get(measure, {}).items():
            key = measure, source
            self.newest[key] = max(time, self.newest.get(key, time))

    def _ages_of_sources(self):
        """A source by its own newest event; `all` by the one that has been silent longest."""
        for (measure, source), time in self.newest.items():
            kpi, i = measure
            dims = next(k.dims for k in self.kpis if k.name == kpi)
            scopes_ = [("all",), (source,)] if dims and source in dims[0][2] else [("all",) if dims else ()]
            for scope in scopes_:
                self._open(self.part((kpi, i, "now", scope), "oldest"), "oldest", time)

    def cells(self):
        """[{kpi, window, dims, value, state, numerator, denominator, n}] in the order of the definitions."""
        self._ages_of_sources()
        for kpi in self.kpis:
            for i, m in enumerate(kpi.measures):
                if m.agg == numbered.AGG:
                    numbered.add(self, kpi, i, m, self.part)
        out = []
        for kpi in self.kpis:
            for window in kpi.windows:
                begins = (self.s - WINDOWS[window][0]) * 1000
                if window == "day":
                    begins = self.spans[reach(kpi, window), False][1] * 900_000
                state = WARMING if window != "now" and begins < self.start + within(kpi) else 0
                state |= DATA_GAP if self.data_gap else 0
                for scope in product(*[["all", *values, "other"] for _, _, values in kpi.dims]):
                    keys = [(kpi.name, i, window, scope) for i in range(len(kpi.measures))]
                    parts = [self.parts.get(k) or Part(m.agg) for k, m in zip(keys, kpi.measures)]
                    dims = {d[0]: v for d, v in zip(kpi.dims, scope)}
                    out.append({"kpi": kpi.name, "window": window, "dims": dims, **value(kpi, parts, state)})
        return out + derived.cells(self.derived, out, {kpi.name: kpi for kpi in [*self.kpis, *self.derived]})


def within(kpi):
    """How long before the window what is decided in it may have begun, ms."""
    return max((m.journey.within for m in kpi.measures if m.journey), default=0)


def reach(kpi, window):
    """The name of a window's panes: those of a day are a calendar's."""
    return ("day", kpi.day) if window == "day" else window


class Counter:
    """Counts records into the seconds that their partition has not passed yet."""

    def __init__(self, catalogue):
        self.tasks = [(kpi, i, m) for kpi in catalogue.kpis for i, m in enumerate(kpi.measures) if m.agg not in OPEN + KEPT]
        self.replies = [(kpi, i, m) for kpi in catalogue.kpis for i, m in enumerate(kpi.measures) if m.agg == "replies"]
        self.numbered = {w: WINDOWS[w] for kpi in catalogue.kpis for w in kpi.windows if any(m.agg == numbered.AGG for m in kpi.measures)}
        self.attempts = [(kpi, i, m) for kpi in catalogue.kpis for i, m in enumerate(kpi.measures) if m.agg == "attempts"]

    def take(self, seconds, named, log_time):
        """`named`: (outcome, reason, event, facts, event time). How many conditions ended in an error that Watchfloor tried: of
        events those whose type can make them true."""
        outcome, reason, event, facts, time = named
        if self.numbered and outcome in ("applied", "late"):
            numbered.note(seconds, self.numbered, event, log_time // 1000)
        applied, errors = outcome == "applied", 0
        by_event = hits(seconds, time // 1000) if applied else {}
        by_record = hits(seconds, log_time // 1000)
        view = {"data": event["data"], "event": event, "fact": facts, "record": {"outcome": outcome, "reason": reason}}
        for kpi, i, m in self.tasks:
            records, minutes = m.agg == "records", m.agg == "count_distinct"
            if not records and not applied:
                continue
            verdict = all_of(m.conditions, view)
            if verdict is ERROR:
                errors += records or m.types is None or event["type"] in m.types
            if verdict is not True:
                continue
            found = by_record if records else by_event
            for window in kpi.windows:
                for second, end in found.get((reach(kpi, window), minutes and WINDOWS[window][0] <= 3600), ()):
                    late = not records and end + LATENESS_MS <= log_time
                    for scope in scopes(kpi, view):
                        tally(second.part((kpi.name, i, window, scope), m.agg), m, view, late)
        return errors


    def replied(self, seconds, told, times, by):
        """A promised reply was decided, or is not any more. `told`: (what, the message)."""
        what, event = told
        view = {"data": event["data"], "event": event, "fact": {}, "record": {}}
        wanted = {"reply.decided": "decided", "reply.met": "met"}
        for kpi, i, m in self.replies:
            if wanted[m.of] == what and matches(m, view):
                _add(seconds, (kpi, i), view, times, by)

    def attempted(self, seconds, told, times, by):
        """An attempt was decided, or otherwise than before. `told`: (journey, what, the event that began it)."""
        journey, what, event = told
        view = {"data": event["data"], "event": event, "fact": {}, "record": {}}
        for kpi, i, m in self.attempts:
            if m.journey is journey and m.of == what:
                _add(seconds, (kpi, i), view, times, by)


def _add(seconds, measure, view, times, by):
    """Adds to a count at a time of its own, known at log time `now`."""
    (kpi, i), (at, now) = measure, times
    found = hits(seconds, at // 1000)
    for window in kpi.windows:
        for second, end in found.get((reach(kpi, window), False), ()):
            for scope in scopes(kpi, view):
                part = second.part((kpi.name, i, window, scope), "count")
                part.n += by
                part.value = part.n
                part.restated |= end + LATENESS_MS <= now


def hits(seconds, at):
    """The seconds by window of theirs in which something of second `at` counts, each with the end of its pane, ms."""
    found = {}
    for second in seconds:
        for key, (width, first, last) in second.spans.items():
            if first <= at // width <= last:
                found.setdefault(key, []).append((second, (at // width + 1) * width * 1000))
    return found


def tally(part, m, view, late):
    part.restated |= late
    if m.agg in ("count", "records"):
        part.n += 1
        part.value = part.n
    elif m.agg == "count_distinct":
        if (subject := view["event"].get("subject")) is not None:
            part.customers = part.customers or set()
            part.customers.add(subject)
            part.n = part.value = len(part.customers)
    elif m.agg in (across.CHANNELS, across.SEVERAL):
        across.tally(part, m, view)
    else:
        v = view["fact"].get(m.of[5:]) if m.of.startswith("fact.") else view["data"].get(m.of)
        if type(v) is not int:
            return
        part.n += 1
        if m.agg == "percentile":
            part.numbers = part.numbers or []
            part.numbers.append(v)
        elif m.agg in ("sum", "average"):
            part.value += v
        elif part.value is None:
            part.value = v
        else:
            part.value = min(part.value, v) if m.agg == "min" else max(part.value, v)


def percentile(numbers, per_mille):
    """The number of the nearest rank, as coarse as percentiles are told: below 256 exact, above in 128 steps for each
    power of two, the middle of a step."""
    ordered = sorted(numbers)
    found = ordered[max(1, -(-len(ordered) * per_mille // 1000)) - 1]
    size = min(abs(found), 2**40 - 1)
    step = max(0, size.bit_length() - 8)
    size = (size >> step << step) + ((1 << step) - 1) // 2
    return -size if found < 0 else size


def value(kpi, parts, state):
    top, m = parts[0], kpi.measures[0]
    if m.agg == "percentile" and top.numbers:
        top.value = percentile(top.numbers, m.per_mille)
    above, below = factor(kpi)
    state |= RESTATED if any(p.restated for p in parts) else 0
    numerator, n, denominator = top.value or 0, top.n, None
    if kpi.ratio:
        denominator, n = parts[1].value or 0, parts[1].n
    elif m.agg == "average":
        denominator = top.n
    if denominator is None:
        shown = None if top.value is None else scaled(top.value * above, below, kpi.decimals)
    else:
        shown = scaled(numerator * above, denominator * below, kpi.decimals)
    return {"value": shown, "state": state, "numerator": numerator, "denominator": denominator, "n": n}


def factor(kpi):
    """Unit of the definition: percent, seconds from ms, money from minor units."""
    m = kpi.measures[0]
    of = "" if kpi.ratio else "_ms" if m.agg == "oldest" else m.of if m.agg in NUMBERS else ""
    if kpi.unit == "percent":
        return 100, 1
    if kpi.unit == "seconds":
        return (1, 1000) if of.endswith("_ms") else (1, 1)
    return (1, 100) if of.endswith("_minor") and kpi.unit not in ("count", "points") else (1, 1)


def matches(m, view):
    """Filter and condition; an error is false."""
    return all_of(m.conditions, view) is True


def scopes(kpi, view):
    """Every combination of a declared value (or `other`) and `all` that the event counts in."""
    each = []
    for name, group, values in kpi.dims:
        v = combined.said(view["data"], group) if isinstance(group, tuple) else view[group].get(name)
        if group == "age":
            v = values[sum(v >= bound for bound in kpi.bounds)]
        each.append((v if fits(v, "string") and v in values else "other", "all"))
    return product(*each)
