"""In: one partition's records in order. Kept: log time, repeats, customers, open objects. Out: each record with its name
(DESIGN 2), counted into the seconds that are asked for; at each of them what the partition says."""
from . import control, windows
from .decode import Rejected, of_record
from .limits import FUTURE_MS, HORIZON_MS, REPEAT_MINUTES, UNREGISTERED
from .attempts import Attempts
from .cel import ERROR, all_of
from .objects import CASE, CONTACT, CONVERSATION, Cases, Contacts, Conversations
from .sets import Held, UnknownSet

NOTHING = {"data": {}}
NAMES = ("applied", "duplicates", "late", "dead_lettered", "control", "gaps", "lost", "breached", "met", "cel_errors")
COUNTED = {"duplicate": "duplicates"}
PURGE_MS = 600_000


class NotSealed(ValueError):
    """A second that the log does not seal."""


def murmur2(data):
    """Kafka's, seed 0x9747b28c."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


class Clock:
    """What moves log time: enough to know which seconds a partition passed."""

    def __init__(self, topic, keys):
        self.topic, self.keys = topic, keys
        self.start = self.log_time = self.counter = None

    def steers(self, r):
        """What a control record says, why it is refused, or None where the record is none."""
        header = next((v for k, v in r.headers if k == "cx-control"), None)
        if header is None:
            return None
        try:
            return control.read(r, header, self.topic, self.keys)
        except Rejected as refused:
            return refused

    def rises(self, steers):
        return isinstance(steers, control.Control) and (self.counter is None or steers.counter > self.counter)

    def move(self, r, steers):
        """True where the record jumps too far and moves nothing."""
        if self.log_time is None:
            self.start = self.log_time = r.timestamp
            return False
        if r.kind == "create" and not self.rises(steers) and r.timestamp - self.log_time > FUTURE_MS:
            return True
        self.log_time = max(self.log_time, r.timestamp)
        return False


class Partition(Clock):
    """Folds one partition. `seconds`: what is counted for, ascending."""

    def __init__(self, number, count, world, seconds, low=0):
        super().__init__(world.topic, world.keys)
        self.number, self.count, self.world = number, count, world
        self.pending, self.held, self.unknown = list(seconds), Held(world.sets), None
        self.next, self.missing, self.data_gap = 0, False, None
        self.account = dict.fromkeys(NAMES, 0)
        self.limited, self.unregistered = {}, {}
        self.filed, self.customers, self.sources, self.decisions = {}, {}, {}, []
        self.place, self.purged, self.told = (0, 0), 0, {}
        self.contacts, self.cases = Contacts(), Cases()
        self.conversations = Conversations(world.catalogue.reply_targets, world.keys, self._decide, self._limit, self._reply)
        self.attempts = {}
        self._planned()
        if low > 0:
            self._miss(low)
            self.account["lost"], self.next = low, low

    def take(self, r):
        """Folds one record."""
        if r.offset < self.next:
            raise ValueError(f"partition {self.number}: offset {r.offset} stands after {self.next - 1}; sort the log by offset")
        gap = r.offset - self.next
        self.missing = gap > 0 and self.world.gaps_are_losses
        steers = self.steers(r)
        jump = self.move(r, steers)
        self._pass()
        self.account["gaps"] += gap
        if self.missing:
            self._miss(r.offset)
        self.place = (r.offset, 0)
        self._due(self.log_time)
        self.conversations.fire(self.log_time)
        self.next = r.offset + 1
        if self.log_time - self.purged > PURGE_MS:
            self._purge()
        try:
            named = self._name(r, steers, jump)
        except UnknownSet as why:
            self.unknown, self.next = why, r.offset
            return
        key = COUNTED.get(named[0], named[0])
        self.account[key] += 1
        self.account["cel_errors"] += windows.take(self.pending, self.held, named, self.log_time)

    def release(self):
        """Nothing more is asked of it: lets its tables go."""
        self.filed, self.customers, self.sources, self.decisions = {}, {}, {}, []
        self.contacts.all, self.conversations.all, self.conversations.breaches = {}, {}, []
        self.attempts, self.conversations.misses, self.cases.all = {}, [], {}

    def ends(self):
        """After the last record: what it did not pass is not sealed. Where it goes on under an unknown set, what comes after is not
        for us to say."""
        if self.pending and not self.unknown:
            stands = "has no record" if self.log_time is None else f"stands at {self.log_time} ms"
            raise NotSealed(f"second {self.pending[0].s} is not sealed: partition {self.number} {stands}")

    def _pass(self):
        while self.pending and self.pending[0].s * 1000 <= self.log_time:
            self._due(self.pending[0].s * 1000)
            self._reach(self.pending[0].s)
            second = self.pending.pop(0)
            if second.s < self.start // 1000:
                raise NotSealed(f"second {second.s} is not sealed: partition {self.number} begins at {self.start} ms")
            second.pass_(self)
            self.told[second.s] = self.world.told(self)
        self._reach(self.log_time // 1000)

    def _reach(self, s):
        if self.held.reach(s):
            self._planned()

    def _planned(self):
        """What is counted from now on: a journey that stays keeps its attempts, a new one has none."""
        all_ = self.held.plan.journeys.items()
        self.attempts = {count: self.attempts.get(count) or Attempts(journey, self._attempt(count)) for count, journey in all_}

    def _due(self, now):
        """Counts what is decided by time alone."""
        self.conversations.miss(now)
        for attempts in self.attempts.values():
            attempts.fire(now)

    def _reply(self, what, deadline, at, now, by):
        windows.replied(self.pending, self.held, (what, deadline.asked, deadline.event), (at, now), by)

    def _attempt(self, count):
        def counted(what, attempt, now, by):
            windows.attempted(self.pending, count, (what, attempt.event), (attempt.due, now), by)
        return counted

    def _name(self, r, steers, jump):
        """(outcome, reason, event, facts, event time), after state took it."""
        event, time = NOTHING, self.log_time
        try:
            if isinstance(steers, Rejected) and not jump:
                raise steers
            if steers is not None and not jump:
                self._obey(steers)
                return "control", "", NOTHING, {}, time
            if steers is None:
                event = self._decoded(r, jump)
            if jump:
                raise Rejected("jump")
            outcome, time = self._event(event)
        except Rejected as refused:
            return "dead_lettered", refused.reason, event, {}, self.log_time
        facts = self._remember(event, time) if outcome != "duplicate" else {}
        for count, attempts in self.attempts.items() if outcome != "duplicate" else ():
            errors, refused = attempts.take(event, facts, (time, self.log_time), outcome == "late", self.held.judges(count, time))
            self.account["cel_errors"] += errors
            if refused:
                self._limit("attempts")
        return outcome, "", event, facts, time

    def _decoded(self, r, jump):
        try:
            return of_record(r.value or b"", r.headers, self.held.used)
        except Rejected:
            if jump:
                return NOTHING
            raise

    def _obey(self, steers):
        if not self.rises(steers):
            raise Rejected("control_replayed")
        if steers.kind in (control.ACTIVATION, control.ACTIVE):
            follow = self.held.activate if steers.kind == control.ACTIVATION else self.held.again
            follow(steers.data, self.log_time)
            self._planned()
        if steers.kind == control.GAP and self.data_gap and self.data_gap[1] <= steers.data["through"]:
            self.data_gap = None
        self.counter = steers.counter

    def _event(self, event):
        now = self.log_time
        stated = event.get("time", now)
        if stated - now > FUTURE_MS:
            raise Rejected("future")
        subject = event.get("subject")
        if subject is not None and (murmur2(subject.encode()) & 0x7FFFFFFF) % self.count != self.number:
            raise Rejected("misplaced")
        id_, minute = (event["source"], event["id"]), now // 60_000
        known = self.filed.get(id_)
        if known is not None and minute - known <= REPEAT_MINUTES:
            return "duplicate", now
        self.filed[id_] = max(minute, stated // 60_000)
        self._bound("repeats", self.filed)
        time = now if stated - now > self.world.catalogue.limits["clamp_ms"] else stated
        return ("late" if now - time > HORIZON_MS else "applied"), time

    def _remember(self, event, time):
        """What takes an event however late it is; the facts it yields."""
        data, kind, subject = event["data"], event["type"], event.get("subject")
        channel = data.get("channel") if _named(data.get("channel")) else None
        known = channel if channel in self.world.catalogue.channels else None
        self._register(kind, channel, known, event["source"])
        self._source(event, time)
        if subject is not None:
            self._customer(subject, kind, known, time)
        step, id_ = CONTACT.get(kind), data.get("contact_id")
        if step and _named(id_):
            if step == "queued":
                self._errors(self.held.plan.waits["contact"], event, time)
            facts = self.contacts.step(id_, step, time, self.log_time, event)
            self._bound("contacts", self.contacts.all)
            return facts
        step, id_ = CASE.get(kind), data.get("case_id")
        if step and _named(id_) and self.held.plan.waits["case"]:
            if step in ("opened", "reopened"):
                self._errors(self.held.plan.waits["case"], event, time)
            self.cases.step(id_, step, time, self.log_time, event)
            self._bound("cases", self.cases.all)
            return {}
        step, id_ = CONVERSATION.get(kind), data.get("conversation_id")
        if step and _named(id_) and not (step == "agent_message" and data.get("automated") is True):
            if step == "customer_message":
                self._errors(self.held.plan.waits["conversation"], event, time)
                if channel in self.world.catalogue.reply_targets and self.world.catalogue.reply_targets[channel].due(time) is not None:
                    self._errors(self.held.plan.replies, event, time)
            facts = self.conversations.step(id_, step, time, self.log_time, event)
            self._bound("conversations", self.conversations.all)
            return facts
        return {}

    def _register(self, kind, channel, known, source):
        catalogue = self.world.catalogue
        for what, name, registered in (("type", kind, kind in catalogue.types),
                                       ("channel", channel, known is not None),
                                       ("source", source, source in catalogue.sources)):
            if name is None or registered:
                continue
            names = self.unregistered.setdefault(what, {})
            name = name if name in names or len(names) < UNREGISTERED else ""
            names[name] = names.get(name, 0) + 1

    def _source(self, event, time):
        if event["source"] in self.world.catalogue.sources:
            for measure in self._errors(self.held.plan.ages, event, time):
                newest = self.sources.setdefault(measure, {})
                newest[event["source"]] = max(time, newest.get(event["source"], time))

    def _errors(self, tasks, event, time):
        """The measures whose conditions an event fulfils; notes how many of those that judge it ended in an error."""
        view = {"data": event["data"], "event": event, "fact": {}, "record": {}}
        judging = [(count, i, all_of(m.conditions, view)) for count, i, m in tasks if self.held.judges(count, time)]
        self.account["cel_errors"] += sum(verdict is ERROR for *_, verdict in judging)
        return [(count, i) for count, i, verdict in judging if verdict is True]

    def _customer(self, subject, kind, channel, time):
        c = self.customers.get(subject)
        if c is None:
            c = self.customers[subject] = [time, time, 0, 0, set(), None]
            self._bound("customers", self.customers)
        c[0] = min(c[0], time)
        c[2] += 1
        c[3] += kind == "cx.contact.queued.v1"
        if channel:
            c[4].add(channel)
        if time >= c[1]:
            c[1], c[5] = time, channel
        self.world.changed(self, subject, c)

    def _decide(self, ruling, conversation, d, at):
        offset, index = self.place
        self.place = (offset, index + 1)
        self.account[ruling.removeprefix("reply_")] += 1
        self.decisions.append((offset, index, ruling, conversation, d, at))

    def _limit(self, what):
        self.limited[what] = self.limited.get(what, 0) + 1

    def _bound(self, what, table):
        if len(table) > self.world.catalogue.limits[what]:
            self._purge()
            if len(table) > self.world.catalogue.limits[what]:
                raise ValueError(f"partition {self.number}: more than {self.world.catalogue.limits[what]} {what}: Watchfloor refuses some of them, and "
                                 "no recount can say the same")

    def _miss(self, to):
        self.data_gap = (self.next if self.data_gap is None else self.data_gap[0], to)

    def _purge(self):
        self.purged = self.log_time
        oldest = self.log_time // 60_000 - REPEAT_MINUTES
        self.filed = {k: v for k, v in self.filed.items() if v >= oldest}
        self.contacts.purge(self.log_time)
        self.conversations.purge(self.log_time)
        self.cases.purge(self.log_time)


def _named(text):
    return isinstance(text, str) and len(text.encode()) <= 256
