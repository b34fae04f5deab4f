"""In: the definitions of all sets (schemas/definitions.md). Kept: them; of a partition, which of them hold since when. Out: what is
counted at a record, which events it judges, and whose numbers stand at a second."""
import json

from . import catalogue, numbered
from .decode import Rejected, instant
from .limits import OPEN_MS, WARMING

ALWAYS, NEVER = float("-inf"), float("inf")


class UnknownSet(Exception):
    """The log goes on under a set whose definitions nobody gave."""


class Count:
    """A KPI as it is counted from set `born` on, until `ends`: the first later set that has it otherwise, or not at all."""

    __slots__ = ("kpi", "born", "ends")

    def __init__(self, kpi, born):
        self.kpi, self.born, self.ends = kpi, born, None


class Plan:
    """What is counted at the same time, each as (count, which of its measures, measure)."""

    def __init__(self, counts):
        self.counts = counts
        every = [(count, i, m) for count in counts for i, m in enumerate(count.kpi.measures)]
        kept = catalogue.OPEN + catalogue.KEPT
        self.tasks = [t for t in every if t[2].agg not in kept]
        # (count, {its window: (length, pane)})
        self.numbered = [(c, {w: catalogue.WINDOWS[w] for w in c.kpi.windows}) for c in counts
                         if any(m.agg == numbered.AGG for m in c.kpi.measures)]
        self.replies = [t for t in every if t[2].agg == "replies"]
        self.ages = [t for t in every if t[2].of == "source.last_event"]
        self.open = [t for t in every if t[2].agg in catalogue.OPEN and t[2].of != "source.last_event"]
        self.waits = {family: [t for t in self.open if t[2].of.startswith(family + ".")]
                      for family in ("contact", "conversation", "case")}
        self.attempts = [t for t in every if t[2].agg == "attempts"]
        self.journeys = {count: m.journey for count, _, m in self.attempts}


class Sets:
    """All sets that are known, from set 1 on. `hashes`: as they were written down beside them; `why` there are no more."""

    def __init__(self, all_, hashes=None, why="only one set was given"):
        self.all, self.hashes, self.why = all_, hashes or [None] * len(all_), why
        self.first, self.counts, self.plans, self.used = all_[0], [], {}, []
        for number, one in enumerate(all_, 1):
            if one.fixed() != self.first.fixed():
                raise ValueError(f"set {number} has other limits, channels, reply targets or sources than set 1: they cannot change in a log")
            self._add(number, one)
        # Kept apart by what they say: calendars whose days are counted.
        self.days = {kpi.day.key: kpi.day for one in all_ for kpi in one.kpis if kpi.day}

    def _add(self, number, one):
        before = self.counts[-1] if self.counts else {}
        said = {kpi.name: kpi for kpi in self.all[number - 2].kpis} if before else {}
        now = {}
        for kpi in one.kpis:
            old = said.get(kpi.name)
            goes_on = old and old.same == kpi.same and _covers(old, kpi)
            now[kpi.name] = before[kpi.name] if goes_on else Count(kpi, number)
        for name, count in before.items():
            if now.get(name) is not count:
                count.ends = number
        self.counts.append(now)
        self.used.append(one.used | (self.used[-1] if self.used else set()))

    def last(self):
        return len(self.all)

    def of(self, number):
        """The catalogue of a set."""
        return self.all[number - 1]

    def plan(self, numbers):
        """What is counted under a set, and beside it what only a later one counts."""
        if numbers not in self.plans:
            counts = [count for number in numbers for count in self.counts[number - 1].values()]
            self.plans[numbers] = Plan(list(dict.fromkeys(counts)))
        return self.plans[numbers]

    def shown(self, number, held):
        """Each KPI of a set with its count; at a second at which partitions are `held`: how its cells are marked there, and whether
        they are empty. A partition under a later set may count it otherwise by now, or not in all its windows."""
        for kpi in self.of(number).kpis:
            count = self.counts[number - 1][kpi.name]
            missing = any(not self._goes_on(kpi, count, theirs) for theirs, _ in held)
            begun = max((since[count.born] for _, since in held if count.born in since), default=None)
            yield kpi, count, begun, missing

    def _goes_on(self, kpi, count, number):
        if self.counts[number - 1].get(kpi.name) is not count:
            return False
        theirs = next(k for k in self.of(number).kpis if k.name == kpi.name)
        return set(kpi.windows) <= set(theirs.windows)


def _covers(old, kpi):
    """Whether no window is new; `day` is another one by another calendar."""
    return set(kpi.windows) <= set(old.windows) and ("day" not in kpi.windows or kpi.day.key == old.day.key)


def warming(s, window_begins, start, begun, within):
    """The mark of a window that reaches back to `window_begins` (s; None: `now`) and was counted in all partitions from `begun` on
    (s; None: from `start`, ms, on); what is decided in it may have begun `within` ms before."""
    if window_begins is None:
        return WARMING if begun is not None and (s - begun) * 1000 < (within or OPEN_MS) else 0
    since = start if begun is None else max(start, begun * 1000)
    return WARMING if window_begins * 1000 < since + within else 0


class Held:
    """The sets of one partition. `number` was activated last (0: none was heard of), `now` is in force."""

    def __init__(self, sets):
        self.sets, self.number, self.now, self.since = sets, 0, 1, {}
        self.plan, self.spans, self.used = sets.plan((1,)), {}, sets.used[0]

    def coming(self):
        return self.number > self.now

    def judges(self, count, time):
        """Whether an event of that time (of records: their log time) is one of a count's."""
        span = self.spans.get(count)
        return span is None or span[0] <= time < span[1]

    def reach(self, s):
        """Second `s` is passed: a set from before it holds now. True where other things are counted from now on."""
        if not self.coming() or s <= self.since[self.number]:
            return False
        self.now = self.number
        self._plan()
        return True

    def activate(self, data, now):
        """The next set is activated at log time `now`."""
        number, hash_ = data["number"], data["hash"]
        if number != self.number + 1 or self.coming():
            raise Rejected("control_invalid", "data.number")
        if number == 1:
            self.number = 1
            return
        if number > self.sets.last():
            raise UnknownSet(f"set {number} (hash {hash_[:12]}) is activated there, which is not known: {self.sets.why}")
        if self.sets.hashes[number - 1] != hash_:
            raise UnknownSet(f"set {number} is activated there by hash {hash_[:12]}, the definitions that were given have "
                             f"{(self.sets.hashes[number - 1] or 'none')[:12]}: they are of another log")
        self._follow(number, -(-instant(data["effective_from"]) // 1000), now)

    def again(self, data, now):
        """The active set is said again; who heard of none goes on under it."""
        number, hash_ = data["number"], data["hash"]
        if self.number == 0 and number > self.sets.last():
            raise UnknownSet(f"set {number} (hash {hash_[:12]}) is the active one there, which is not known: {self.sets.why}")
        known = self.sets.hashes[number - 1] if 0 < number <= self.sets.last() else None
        if self.number not in (0, number) or number < 1 or known not in (None, hash_):
            raise Rejected("control_invalid", "data.number")
        if self.number == 0 and number > 1:
            self._follow(number, 0, now)
        self.number = number

    def _follow(self, number, named, now):
        """It holds from the second that is named, at the earliest from the first of which nothing can have been heard."""
        begins = max(named, (now + self.sets.first.limits["clamp_ms"]) // 1000 + 1)
        self.since.update((n, begins) for n in range(max(self.number, 1) + 1, number + 1))
        self.number = number
        self._plan()

    def _plan(self):
        self.plan = self.sets.plan((self.now, self.number) if self.coming() else (self.now,))
        self.used = self.sets.used[self.number - 1]
        self.spans = {c: (self._begins(c.born, ALWAYS), self._begins(c.ends, NEVER)) for c in self.plan.counts}

    def _begins(self, number, otherwise):
        return self.since[number] * 1000 if number in self.since else otherwise


def known(folder, written):
    """All sets: those written down, as they stand in `cx.definitions`, where `folder` is one of them; else the folder's alone."""
    files, all_, hashes = catalogue.load(folder), [], []
    why = f"only the definitions in {folder} are known"
    for number, one in enumerate(written, 1):
        why = f"cx.definitions holds {len(written)} sets"
        if one.get("set") != number or not isinstance(one.get("files"), dict):
            why = f"set {number} of cx.definitions is missing" if one.get("set") != number else f"set {number} has no files with it"
            break
        all_.append(catalogue.of_texts(one["files"]))
        hashes.append(one["hash"])
    if any(one.meaning() == files.meaning() for one in all_):
        return Sets(all_, hashes, why)
    if written:
        why = f"the definitions in {folder} are none of the {len(written)} sets in cx.definitions"
    return Sets([files], None, why)


def written(records):
    """The sets of `cx.definitions` in the order of their numbers; of one number the first is believed."""
    found = {}
    for r in records:
        try:
            one = json.loads(r.value or b"")
        except ValueError:
            raise ValueError(f"offset {r.offset} of cx.definitions is no JSON") from None
        if type(one.get("set")) is int:
            found.setdefault(one["set"], one)
    return [found[number] for number in sorted(found)]
