"""In: the numbers that sources gave their events (schemas/kpis.md). Kept: by second, window and source how many came and how
far they went. Out: what came and what is expected."""
import re
from itertools import product

AGG = "numbered"


def number(event):
    """1 to 18 digits and nothing else; None where `sequence` is absent or another text."""
    text = event.get("sequence")
    return int(text) if text is not None and re.fullmatch("[0-9]{1,18}", text) else None


class Came:
    """One source in one window, and in the window of the same length before it."""

    def __init__(self):
        self.received, self.least, self.highest, self.before = 0, None, None, None

    def take(self, number_):
        self.received += 1
        self.least = number_ if self.least is None else min(self.least, number_)
        self.highest = number_ if self.highest is None else max(self.highest, number_)

    def expected(self):
        if self.highest is None:
            return 0
        return max(0, self.highest - (self.least - 1 if self.before is None else self.before))


def note(seconds, counts, event, at):
    """An event that was seen for the first time, at log second `at`. `counts`: who counts it, each with its windows' lengths and panes."""
    found = number(event)
    if found is None:
        return
    for second, (count, windows) in product(seconds, counts):
        for window, (length, width) in windows.items():
            back, panes = (second.s - 1) // width - at // width, length // width
            if not 0 <= back < 2 * panes:
                continue
            came = second.numbered.setdefault((count, window, event["source"]), Came())
            if back < panes:
                came.take(found)
            else:
                came.before = found if came.before is None else max(came.before, found)


def add(second, count, i, m, part):
    """Makes the parts of a measure for the second: of each declared source, of all of them together."""
    kpi = count.kpi
    for window in kpi.windows:
        for source in second.sets.first.sources:
            came = second.numbered.get((count, window, source))
            if came is None:
                continue
            told = came.received if m.of == "sequence.received" else came.expected()
            own = [(source,)] if kpi.dims and source in kpi.dims[0][2] else []
            for scope in [("all",) if kpi.dims else (), *own]:
                found = part((count, i, window, scope), m.agg)
                found.n += told
                found.value = found.n
