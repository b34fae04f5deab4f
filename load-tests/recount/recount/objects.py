"""In: steps of contacts and conversations (schemas/facts.md). Kept: the open ones. Out: facts, decisions, and who waits."""
import heapq
from itertools import count

from .deadlines import Deadline, Deadlines
from .limits import CASE_MS, CLOSED_MS, HORIZON_MS, OPEN_MS

UNANSWERED = 8
CONTACT = {f"cx.contact.{s}.v1": s for s in ("queued", "answered", "dequeued", "ended")}
CASE = {f"cx.case.{s}.v1": s for s in ("opened", "reopened", "resolved", "merged")}
CONVERSATION = {f"cx.conversation.{s}.v1": s for s in ("customer_message", "agent_message", "closed")}


class Contact:
    __slots__ = ("queued", "by", "left", "ended", "until")

    def __init__(self):
        self.queued = self.by = self.left = None
        self.ended, self.until = False, 0

    def waits(self):
        return self.queued is not None and not self.ended and (self.left is None or self.left < self.queued)


class Contacts:
    def __init__(self):
        self.all = {}

    def step(self, id_, step, time, now, event):
        facts = {}
        c = self.all.get(id_)
        if c is None or c.until <= now:
            c = self.all[id_] = Contact()
        if step == "queued":
            if c.queued is None or time >= c.queued:
                c.queued, c.by = time, event
        elif step == "ended":
            c.ended = True
        else:
            first = c.queued is not None and c.queued <= time and (c.left is None or c.left < c.queued)
            if step == "answered" and first:
                facts["wait_ms"] = time - c.queued
            c.left = time if c.left is None else max(c.left, time)
        c.until = now + (CLOSED_MS if c.ended else OPEN_MS)
        return facts

    def purge(self, now):
        self.all = {k: c for k, c in self.all.items() if c.until > now}

    def waiting(self, now):
        """(since, the event that put it into the queue, False) of each that waits."""
        return [(c.queued, c.by, False) for c in self.all.values() if c.until > now and c.waits()]


class Cases:
    """Open from the newest time they were opened or reopened, unless they were resolved or merged at or after it."""

    def __init__(self):
        self.all = {}

    def step(self, id_, step, time, now, event):
        c = self.all.get(id_)
        if c is None or c.until <= now:
            c = self.all[id_] = Contact()
        if step in ("resolved", "merged"):
            c.left = time if c.left is None else max(c.left, time)
        elif c.queued is None or time >= c.queued:
            c.queued, c.by = time, event
        c.until = now + (CASE_MS if c.waits() else CLOSED_MS)

    def purge(self, now):
        self.all = {k: c for k, c in self.all.items() if c.until > now}

    def waiting(self, now):
        """(since, the event that opened it, False) of each that is open."""
        return [(c.queued, c.by, False) for c in self.all.values() if c.until > now and c.waits()]


class Message:
    __slots__ = ("time", "event", "due", "promised")

    def __init__(self, time, event, target):
        self.time, self.event, self.promised = time, event, False
        self.due = None if target is None else target.due(time)


class Conversation:
    __slots__ = ("id", "first", "told", "answered", "closed", "unanswered", "deadlines", "until")

    def __init__(self, id_):
        self.id, self.first, self.answered = id_, None, None
        self.told = self.closed = False
        self.unanswered, self.deadlines, self.until = [], Deadlines(), 0

    def ask(self, message):
        """False where of too many unanswered messages the newest but one went."""
        self.first = message.time if self.first is None else min(self.first, message.time)
        if self.answered is not None and self.answered >= message.time:
            return True
        self.unanswered.append(message)
        self.unanswered.sort(key=lambda m: m.time)
        full = len(self.unanswered) > UNANSWERED
        if full:
            del self.unanswered[-2]
        return not full

    def reply(self, time):
        """The facts that a reply of a person yields."""
        facts = {}
        if self.first is not None and self.first <= time and not self.told:
            self.told = True
            facts["first_reply_ms"] = time - self.first
        if self.unanswered and self.unanswered[0].time <= time:
            facts["reply_ms"] = time - self.unanswered[0].time
        return facts

    def answer(self, time):
        self.answered = time if self.answered is None else max(self.answered, time)
        self.unanswered = [m for m in self.unanswered if m.time > time]

    def keep(self, now):
        """Sets until when it is kept after a step at log time `now`."""
        if self.closed and not self.unanswered:
            self.until = now + CLOSED_MS
        else:
            due = self.unanswered[0].due if self.unanswered else None
            self.until = max(now, now if due is None else due) + OPEN_MS
        self.until = max(self.until, self.deadlines.open_until() or 0)


class Conversations:
    """All of one partition. `decide` is called with what was decided, `limit` with what a limit took away."""

    def __init__(self, targets, keys, decide, limit, counted):
        self.all, self.targets, self.keys = {}, targets, keys
        self.decide, self.limit, self.counted = decide, limit, counted
        self.breaches, self.misses, self.order = [], [], count()

    def step(self, id_, step, time, now, event):
        facts = {}
        c = self.all.get(id_)
        if c is None or c.until <= now:
            c = self.all[id_] = Conversation(self.keys.hash("conversation", id_))
        c.deadlines.forget(now)
        if step == "customer_message":
            channel = event["data"].get("channel")
            target = self.targets.get(channel) if isinstance(channel, str) else None
            if not c.ask(Message(time, event, target)):
                self.limit("unanswered")
        else:
            if step == "agent_message":
                facts = self._business(c.reply(time), time, event["data"].get("channel"))
            else:
                c.closed = True
            c.answer(time)
            met, kept = c.deadlines.answer(time, now)
        self._promise(c, now)
        c.keep(now)
        for d in met if step != "customer_message" else []:
            self.decide("reply_met", c.id, d, now)
            self.counted("decided", d, d.due, now, -1)
        for d in kept if step != "customer_message" and now - time <= HORIZON_MS else []:
            self.counted("decided", d, time, now, 1)
            self.counted("met", d, time, now, 1)
        return facts

    def _business(self, facts, time, channel):
        """The same facts in the business time of the reply's channel."""
        target = self.targets.get(channel) if isinstance(channel, str) else None
        calendar = target.calendar if target else None
        for name in ("first_reply", "reply"):
            if (ms := facts.get(f"{name}_ms")) is not None:
                facts[f"{name}_business_ms"] = calendar.between(time - ms, time) if calendar else ms
        return facts

    def _promise(self, c, now):
        """The oldest unanswered message has a deadline of its own from the first time it is that."""
        oldest = c.unanswered[0] if c.unanswered else None
        if oldest is None or oldest.promised:
            return
        oldest.promised = True
        if oldest.due is None:
            return
        d = Deadline(oldest.time, oldest.due, now, oldest.event)
        if not c.deadlines.begin(d):
            self.limit("deadlines")
        if d.open:
            heapq.heappush(self.breaches, (d.decide_at, c.id, d.asked, next(self.order), d))
            heapq.heappush(self.misses, (d.decide_at, next(self.order), d))

    def miss(self, now):
        """Counts the promises that are broken at or before log time `now`; what is decided of them comes with a record."""
        while self.misses and self.misses[0][0] <= now:
            at, _, d = heapq.heappop(self.misses)
            if d.open:
                self.counted("decided", d, d.due, at, 1)

    def fire(self, now):
        """Decides what is due at or before log time `now`: by time, conversation, message."""
        while self.breaches and self.breaches[0][0] <= now:
            at, conversation, _, _, d = heapq.heappop(self.breaches)
            if d.open:
                d.breached = True
                self.decide("reply_breached", conversation, d, at)

    def purge(self, now):
        self.all = {k: c for k, c in self.all.items() if c.until > now}

    def waiting(self, now):
        """(since, the message that began it, whether it is overdue) of each that waits."""
        found = []
        for c in self.all.values():
            if c.until > now and c.unanswered:
                m = c.unanswered[0]
                found.append((m.time, m.event, m.due is not None and m.due <= now))
        return found
