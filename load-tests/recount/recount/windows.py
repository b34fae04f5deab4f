"""In: named records, open objects. Kept: what the windows before some seconds need. Out: every cell at those seconds."""
from itertools import product

from .catalogue import WINDOWS
from . import across, combined, derived, numbered
from .cel import ERROR, all_of, fits
from .limits import DATA_GAP, LATENESS_MS, RESTATED, WARMING
from .sets import warming

NUMBERS = ("sum", "average", "min", "max", "percentile")


# A cell that a partition does not count any more.
EMPTY = {"value": None, "state": WARMING, "numerator": 0, "denominator": None, "n": 0}


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


class Part:
    """One measure in one window and scope."""

    __slots__ = ("value", "n", "restated", "customers", "numbers")

    def __init__(self, agg):
        self.value = None if agg in ("min", "max", "oldest", "percentile") else 0
        self.n, self.restated, self.customers, self.numbers = 0, False, None, None


class Second:
    """What is counted for one second, under whichever sets hold in the partitions."""

    def __init__(self, s, sets):
        self.s, self.sets, self.parts, self.newest, self.numbered = s, sets, {}, {}, {}
        self.start, self.data_gap = None, False
        # By partition, the set that holds there, and since when later sets do.
        self.held = []
        # By (window or (day, calendar), minutes only): width and first and last pane.
        self.spans = {}
        for window, (length, width) in WINDOWS.items():
            for minutes in (False, True) if length and window != "day" else ():
                wide = 60 if minutes else width
                last = (s - 1) // wide
                self.spans[window, minutes] = wide, last - length // wide + 1, last
        for key, calendar in sets.days.items():
            last = (s - 1) // 900
            self.spans[("day", key), False] = 900, calendar.first(last), last

    def part(self, key, agg):
        found = self.parts.get(key)
        if found is None:
            found = self.parts[key] = Part(agg)
        return found

    def pass_(self, partition):
        """A partition passed the second: takes what is open there."""
        self.start = max(partition.start, partition.start if self.start is None else self.start)
        self.data_gap |= partition.missing or partition.data_gap is not None
        held, now = partition.held, self.s * 1000
        self.held.append((held.now, dict(held.since)))
        open_ = {"contact.waiting": partition.contacts.waiting(now), "conversation": partition.conversations.waiting(now),
                 "case.open": partition.cases.waiting(now)}
        for count, i, m in held.plan.open:
            waiting = open_.get(m.of, open_["conversation"])
            for since, by, overdue in waiting:
                if held.judges(count, since) and (overdue or m.of != "conversation.overdue"):
                    self._object((count, i, m.agg), m.conditions, since, by)
        for count, i, m in held.plan.attempts:
            for event in partition.attempts[count].undecided() if m.of == "undecided" else ():
                self._object((count, i, "gauge"), [], 0, event)
        for count, i, _ in held.plan.ages:
            for source, time in partition.sources.get((count, i), {}).items():
                key = (count, i), source
                self.newest[key] = max(time, self.newest.get(key, time))

    def _object(self, measure, conditions, since, by):
        count, i, agg = measure
        view = {"data": by["data"], "event": by, "fact": {}, "record": {}, "age": {"age": self.s * 1000 - since}}
        if all_of(conditions, view) is True:
            for scope in scopes(count.kpi, view):
                self._open(self.part((count, i, "now", scope), agg), agg, since)

    def _open(self, part, agg, since):
        part.n = part.n + 1 if agg == "gauge" else 1
        age = max(0, self.s * 1000 - since)
        part.value = part.n if agg == "gauge" else max(age, part.value or 0)

    def _ages_of_sources(self):
        """A source by its own newest event; `all` by the one that has been silent longest."""
        for ((count, i), source), time in self.newest.items():
            dims = count.kpi.dims
            scopes_ = [("all",), (source,)] if dims and source in dims[0][2] else [("all",) if dims else ()]
            for scope in scopes_:
                self._open(self.part((count, i, "now", scope), "oldest"), "oldest", time)

    def number(self):
        """The newest set that holds in all partitions."""
        return min(number for number, _ in self.held)

    def cells(self):
        """[{kpi, window, dims, value, state, numerator, denominator, n}] in the order of the definitions."""
        self._ages_of_sources()
        number, out = self.number(), []
        shared = DATA_GAP if self.data_gap else 0
        for kpi, count, begun, missing in self.sets.shown(number, self.held):
            for i, m in enumerate(kpi.measures):
                if m.agg == numbered.AGG:
                    numbered.add(self, count, i, m, self.part)
            for window in kpi.windows:
                state = shared | (WARMING if missing else warming(self.s, self._begins(kpi, window), self.start, begun, within(kpi)))
                for scope in product(*[["all", *values, "other"] for _, _, values in kpi.dims]):
                    dims = {d[0]: v for d, v in zip(kpi.dims, scope)}
                    told = dict(EMPTY, state=state) if missing else value(kpi, self._taken(kpi, count, window, scope), state)
                    out.append({"kpi": kpi.name, "window": window, "dims": dims, **told})
        own = self.sets.of(number)
        return out + derived.cells(own.derived, out, {kpi.name: kpi for kpi in [*own.kpis, *own.derived]})

    def _begins(self, kpi, window):
        """The second to which a window looks back; None where it does not."""
        if window == "day":
            return self.spans[reach(kpi, window), False][1] * 900
        return None if window == "now" else self.s - WINDOWS[window][0]

    def _taken(self, kpi, count, window, scope):
        keys = [(count, i, window, scope) for i in range(len(kpi.measures))]
        return [self.parts.get(key) or Part(m.agg) for key, m in zip(keys, kpi.measures)]


def within(kpi):
    """How long before the window what is decided in it may have begun, ms."""
    return max((m.journey.within for m in kpi.measures if m.journey), default=0)


def reach(kpi, window):
    """The name of a window's panes: those of a day are a calendar's."""
    return ("day", kpi.day.key) if window == "day" else window


def take(seconds, held, named, log_time):
    """Counts a record into the seconds that its partition has not passed yet. `named`: (outcome, reason, event, facts, event time).
    How many conditions ended in an error that Watchfloor tried: of events those whose type can make them true."""
    outcome, reason, event, facts, time = named
    if outcome in ("applied", "late"):
        numbered.note(seconds, [(c, w) for c, w in held.plan.numbered if held.judges(c, log_time)], event, log_time // 1000)
    applied, errors = outcome == "applied", 0
    by_event = hits(seconds, time // 1000) if applied else {}
    by_record = hits(seconds, log_time // 1000)
    view = {"data": event["data"], "event": event, "fact": facts, "record": {"outcome": outcome, "reason": reason}}
    for counted, i, m in held.plan.tasks:
        records, minutes = m.agg == "records", m.agg == "count_distinct"
        judged = held.judges(counted, log_time if records else time)
        if not records and not (applied and judged):
            continue
        verdict = all_of(m.conditions, view)
        if verdict is ERROR:
            errors += records or m.types is None or event["type"] in m.types
        if verdict is not True or not judged:
            continue
        kpi, found = counted.kpi, by_record if records else by_event
        for window in kpi.windows:
            for second, end in found.get((reach(kpi, window), minutes and WINDOWS[window][0] <= 3600), ()):
                late = not records and end + LATENESS_MS <= log_time
                for scope in scopes(kpi, view):
                    tally(second.part((counted, i, window, scope), m.agg), m, view, late)
    return errors


def replied(seconds, held, told, times, by):
    """A promised reply was decided, or is not any more. `told`: (what, when the message was sent, the message)."""
    what, asked, event = told
    view = {"data": event["data"], "event": event, "fact": {}, "record": {}}
    for counted, i, m in held.plan.replies:
        if m.of == f"reply.{what}" and held.judges(counted, asked) and matches(m, view):
            _add(seconds, (counted, i), view, times, by)


def attempted(seconds, counted, told, times, by):
    """An attempt of one count was decided, or otherwise than before. `told`: (what, the event that began it)."""
    what, event = told
    view = {"data": event["data"], "event": event, "fact": {}, "record": {}}
    for i, m in enumerate(counted.kpi.measures):
        if m.of == what:
            _add(seconds, (counted, i), view, times, by)


def _add(seconds, measure, view, times, by):
    """Adds to a count at a time of its own, known at log time `now`."""
    (counted, i), (at, now) = measure, times
    found = hits(seconds, at // 1000)
    for window in counted.kpi.windows:
        for second, end in found.get((reach(counted.kpi, window), False), ()):
            for scope in scopes(counted.kpi, view):
                part = second.part((counted, i, window, scope), "count")
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
