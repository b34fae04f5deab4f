"""In: a log, the definitions, seconds. Kept: every partition's fold. Out: the recount at those seconds."""
from .cel import ERROR, all_of
from .digest import MASK, customer
from .fold import Clock, NotSealed, Partition
from .windows import OPEN, Counter, Second

TRUSTED = "no control keys were given (--data): control records taken on trust"
NO_KEY = "no hash key was given (--data): opaque ids of customers and decisions are made under a key of zeros"


class World:
    """What all partitions share."""

    def __init__(self, log, catalogue, keys, topic, options=None):
        self.log, self.catalogue, self.keys, self.topic = log, catalogue, keys, topic
        self.counter = Counter(catalogue)
        options = options or {}
        self.gaps_are_losses = log.gaps_are_losses
        self.with_customers = options.get("customers", True)
        of = [m for kpi in catalogue.kpis for m in kpi.measures if m.agg in OPEN]
        self.waits = {family: [m for m in of if m.of.startswith(family + ".")] for family in ("contact", "conversation", "case")}
        measures = [m for kpi in catalogue.kpis for m in kpi.measures]
        self.journeys = list({id(m.journey): m.journey for m in measures if m.journey}.values())
        self.promises = [m for m in measures if m.agg == "replies"]
        self.ages = [(kpi.name, i, m) for kpi in catalogue.kpis for i, m in enumerate(kpi.measures) if m.of == "source.last_event"]
        self.accounts_at, self.watched = options.get("accounts_at", {}), options.get("watched", {})
        # By name, in which partition a customer lives; only where somebody asks.
        self.subjects = {} if options.get("remember") else None

    def notes(self):
        return ([] if self.keys.control else [TRUSTED]) + ([] if self.keys.customers else [NO_KEY])

    def ages_of(self, event):
        """The measures of ages of sources whose condition an event fulfils, and how many conditions ended in an error."""
        found = [((kpi, i), all_of(m.conditions, _view(event))) for kpi, i, m in self.ages]
        return [measure for measure, verdict in found if verdict is True], sum(verdict is ERROR for _, verdict in found)

    def errors(self, family, event):
        """How many conditions on what waits end in an error, over the event that begins a wait."""
        return sum(all_of(m.conditions, _view(event)) is ERROR for m in self.waits[family])

    def promised(self, event):
        """How many conditions on promised replies end in an error, over the message that is promised one."""
        return sum(all_of(m.conditions, _view(event)) is ERROR for m in self.promises)

    def told(self, partition):
        """What one partition says at a second."""
        digest = customers = None
        if self.with_customers:
            customers = [self.shown(subject, kept) for subject, kept in partition.customers.items()]
            digest = sum(int(c["digest"], 16) for c in customers) & MASK
        if self.subjects is not None:
            self.subjects.update((subject, partition.number) for subject in partition.customers)
        decisions = [self._decision(partition.number, d) for d in partition.decisions]
        return {"account": account(partition), "customers": customers, "digest": digest, "decisions": decisions}

    def shown(self, subject, kept):
        return customer(f"{self.keys.hash(subject):032x}", kept, self.catalogue.channels)

    def _decision(self, partition, decision):
        offset, index, ruling, conversation, d, at = decision
        hex_ = f"{conversation:032x}"
        return {"partition": partition, "offset": offset, "index": index, "type": f"cx.decision.{ruling}.v1",
                "id": f"{self.keys.hash('decision', ruling, hex_, str(d.asked)):032x}", "time": at,
                "asked_at": d.asked, "due": d.due, "conversation": hex_, "channel": d.channel,
                "customer": None if d.customer is None else f"{self.keys.hash(d.customer):032x}"}

    def changed(self, partition, subject, kept):
        """Notes every version of a watched customer from some offset on."""
        since, versions = self.watched.get(partition.number, (0, {}))
        if subject in versions and partition.next > since:
            versions[subject].append(self.shown(subject, kept))

    def fold(self, seconds):
        """All partitions, folded up to the last second and whatever else is asked for."""
        lows = self.log.lows
        all_ = [Partition(p, self.log.partitions, self, seconds, lows[p]) for p in range(self.log.partitions)]
        accounts, begun = {}, set()

        def done(p):
            return not all_[p].pending and p not in self.watched and all_[p].next >= self.accounts_at.get(p, 0)
        for r in self.log.records(done):
            p = all_[r.partition]
            if done(r.partition):
                continue
            if p.number in self.watched and p.number not in begun and r.offset >= self.watched[p.number][0]:
                begun.add(p.number)
                self._versions(p)
            p.take(r)
            if p.next == self.accounts_at.get(p.number):
                accounts[p.number] = account(p)
            if done(p.number):
                p.release()
        for p in all_:
            p.ends()
            if p.number in self.watched and p.number not in begun:
                self._versions(p)
            if p.next == self.accounts_at.get(p.number):
                accounts.setdefault(p.number, account(p))
        return all_, accounts

    def _versions(self, partition):
        """The watched customers as they are when the first offset comes from which they are watched."""
        for subject, versions in self.watched[partition.number][1].items():
            if subject in partition.customers:
                versions.append(self.shown(subject, partition.customers[subject]))

    def newest(self):
        """The newest second that every partition passed."""
        clocks = [Clock(self.topic, self.keys) for _ in range(self.log.partitions)]
        for r in self.log.records():
            clock = clocks[r.partition]
            steers = clock.steers(r)
            if not clock.move(r, steers) and clock.rises(steers):
                clock.counter = steers.counter
        empty = [p for p, c in enumerate(clocks) if c.log_time is None]
        if empty:
            raise NotSealed(f"nothing is sealed: partition {empty[0]} has no record")
        s = min(c.log_time for c in clocks) // 1000
        begins = max(c.start for c in clocks) // 1000
        if s < begins:
            raise NotSealed(f"nothing is sealed: one partition begins at second {begins}, another ends at {s}")
        return s

    def recount(self, seconds):
        """[{s, offsets, cells, accounts, customers, customers_digest, decisions}] in order, and the accounts asked for."""
        counted = [Second(s, self.catalogue) for s in sorted(set(seconds))]
        all_, accounts = self.fold(counted)
        out = []
        for second in counted:
            told = [p.told[second.s] for p in all_]
            digest = sum(t["digest"] for t in told) & MASK if self.with_customers else None
            out.append({
                "s": second.s, "offsets": [t["account"]["next"] for t in told], "cells": second.cells(),
                "accounts": [t["account"] for t in told],
                "customers": [c for t in told for c in t["customers"]] if self.with_customers else None,
                "customers_digest": None if digest is None else f"{digest:016x}",
                "decisions": [d for t in told for d in t["decisions"]],
            })
        return out, accounts


def _view(event):
    return {"data": event["data"], "event": event, "fact": {}, "record": {}}


def account(p):
    """Where every offset went (law 10), and what stands beside it."""
    gap = p.data_gap and {"from": p.data_gap[0], "to": p.data_gap[1]}
    return {"partition": p.number, "start": 0, "next": p.next, **p.account, "data_gap": gap,
            "limited": dict(p.limited), "unregistered": {k: dict(v) for k, v in p.unregistered.items()}}


def holds(a):
    """Law 10, with what was lost."""
    named = sum(a[n] for n in ("applied", "duplicates", "late", "dead_lettered", "control", "gaps", "lost"))
    return a["next"] - a["start"] == named
