"""In: events that begin or convert attempts (schemas/kpis.md, Conversions). Kept: every attempt that may still change. Out: counts
at the attempts' own due times, and who is undecided."""
import heapq
from itertools import count

from .cel import ERROR, all_of
from .limits import HORIZON_MS, MOST_ATTEMPTS, OF_ONE

IDS = {"case": "case_id", "contact": "contact_id", "conversation": "conversation_id", "order": "order_id", "session": "session_id"}


class Journey:
    """One conversion as it was defined; measures that count its attempts share it."""

    def __init__(self, raw, base, conversion, within_s):
        self.entity, self.repeat, self.within = raw["entity"], raw["attempts"], within_s * 1000
        self.constant, self.changed = sorted(raw.get("constant_properties", [])), sorted(raw.get("changed_properties", []))
        self.base, self.conversion = base, conversion
        self.name = str((raw.get("filter"), raw["base"]["where"], raw["conversion"]["where"], self.entity, self.repeat, within_s,
                         self.constant, self.changed))

    def key(self, event):
        found = event.get("subject") if self.entity == "customer" else event["data"].get(IDS[self.entity])
        return (found, *self.said(event, self.constant)) if isinstance(found, str) and len(found.encode()) <= 256 else None

    @staticmethod
    def said(event, names):
        told = (event["data"].get(n) for n in names)
        return tuple(t if isinstance(t, str) and len(t.encode()) <= 256 else "" for t in told)


class Attempt:
    __slots__ = ("at", "due", "event", "said", "converted", "decided")

    def __init__(self, at, due, event, said):
        self.at, self.due, self.event, self.said = at, due, event, said
        self.converted = self.decided = False


class Attempts:
    """Those of one journey in one partition. `counted(what, event, due, now, by)` is called with every change."""

    def __init__(self, journey, counted):
        self.journey, self.counted = journey, counted
        self.all, self.heap, self.order, self.many = {}, [], count(), 0

    def take(self, event, facts, times, late, judged):
        """(errors in conditions, whether an attempt found no room). What is not `judged` by the definition begins nothing, though it
        may convert."""
        (time, now), j, view = times, self.journey, {"data": event["data"], "event": event, "fact": facts, "record": {}}
        errors, verdicts = 0, []
        for stage, wanted in ((j.conversion, True), (j.base, not late)):
            types = stage.types
            verdict = all_of(stage.conditions, view) if wanted else False
            errors += verdict is ERROR and (types is None or event["type"] in types)
            verdicts.append(verdict is True)
        converts, begins = verdicts[0], verdicts[1] and judged
        key = j.key(event)
        if key is None or not (converts or begins):
            return errors, False
        own, said = self.all.get(key, []), j.said(event, j.changed)
        if converts:
            self._convert(own, (time, now), said, late)
        refused = begins and self._begin(key, own, Attempt(time, time + j.within, event, said), now)
        return errors, refused

    def _convert(self, own, times, said, late):
        time, now = times
        for a in own:
            if a.converted or not a.at <= time <= a.due or (said and said == a.said) or (a.decided and late):
                continue
            a.converted = True
            if a.decided:
                self.counted("converted", a, now, 1)
                self.counted("dropped", a, now, -1)

    def _begin(self, key, own, fresh, now):
        if self.journey.repeat == "first" and any(a.at <= fresh.at <= a.due for a in own):
            return False
        if self.journey.repeat == "last":
            standing = next((a for a in own if not a.decided and not a.converted), None)
            if standing:
                if fresh.at >= standing.at:
                    standing.at, standing.due, standing.event, standing.said = fresh.at, fresh.due, fresh.event, fresh.said
                    self._wait(key, standing, now)
                return False
        if len(own) >= OF_ONE or self.many >= MOST_ATTEMPTS:
            return True
        self.all.setdefault(key, own).append(fresh)
        self.many += 1
        self._wait(key, fresh, now)
        return False

    def _wait(self, key, attempt, now):
        if attempt.due <= now:
            self._decide(attempt, now)
        heapq.heappush(self.heap, (attempt.due + (HORIZON_MS + 1 if attempt.decided else 0), next(self.order), key, attempt))

    def _decide(self, a, now):
        a.decided = True
        self.counted("decided", a, now, 1)
        self.counted("converted" if a.converted else "dropped", a, now, 1)

    def fire(self, now):
        """Decides and forgets what is due at or before log time `now`."""
        while self.heap and self.heap[0][0] <= now:
            at, _, key, a = heapq.heappop(self.heap)
            if not a.decided and a.due == at:
                self._decide(a, at)
                heapq.heappush(self.heap, (a.due + HORIZON_MS + 1, next(self.order), key, a))
            elif a.decided and a.due + HORIZON_MS + 1 == at and a in self.all.get(key, []):
                self.all[key].remove(a)
                self.many -= 1
                if not self.all[key]:
                    del self.all[key]

    def undecided(self):
        """The events of those that are neither converted nor decided."""
        return [a.event for own in self.all.values() for a in own if not a.converted and not a.decided]
