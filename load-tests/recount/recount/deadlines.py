"""In: messages, replies and ends of one conversation (schemas/decisions.md). Kept: the deadlines that are undecided, and those
breached that a reply may still restate; eight at most. Out: what is decided of them."""
from .limits import HORIZON_MS, LATENESS_MS

MOST = 8


class Deadline:
    """A reply that is owed to one message."""

    __slots__ = ("asked", "due", "decide_at", "breached", "event", "open", "counted")

    def __init__(self, asked, due, began, event):
        self.asked, self.due, self.event, self.counted = asked, due, event, False
        # A message that came after its due time came late, and so may its reply.
        self.decide_at = max(due, began) + LATENESS_MS
        self.breached, self.open = False, True

    @property
    def customer(self):
        return self.event.get("subject")

    @property
    def channel(self):
        return self.event["data"]["channel"]


class Deadlines:
    """Those of one conversation, in the order in which they began."""

    __slots__ = ("all",)

    def __init__(self):
        self.all = []

    def forget(self, now):
        """Drops the breached ones that no reply can restate any more."""
        self._keep(lambda d: not d.breached or now - d.due <= HORIZON_MS)

    def begin(self, deadline):
        """False where something found no room; the deadline is kept where it is `open` afterwards."""
        full = len(self.all) >= MOST
        if full:
            breached = [d for d in self.all if d.breached]
            if not breached:
                deadline.open = False
                return False
            first = min(breached, key=lambda d: (d.due, d.asked))
            self._keep(lambda d: d is not first)
        self.all.append(deadline)
        return not full

    def answer(self, time, now):
        """A reply or an end came; the breaches it restates, and all promises it kept."""
        in_time = [d for d in self.all if d.asked <= time <= d.due]
        restates = now - time <= HORIZON_MS
        met = [d for d in in_time if d.breached and restates]
        gone = [d for d in in_time if restates or not d.breached]
        self._keep(lambda d: not any(d is g for g in gone))
        return met, gone

    def open_until(self):
        """Until when anything can be decided; None without deadlines."""
        return max((max(d.due + HORIZON_MS + 1, d.decide_at) for d in self.all), default=None)

    def _keep(self, wanted):
        kept = []
        for d in self.all:
            d.open = wanted(d)
            if d.open:
                kept.append(d)
        self.all = kept
