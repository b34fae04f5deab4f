"""In: a log, the definitions of its sets, seconds. Kept: every partition's fold. Out: the recount at those seconds."""
from .digest import MASK, customer
from .fold import Clock, NotSealed, Partition
from .sets import UnknownSet
from .windows import Second

TRUSTED = "no control keys were given (--data): control records taken on trust"
NO_KEY = "no hash key was given (--data): opaque ids of customers and decisions are made under a key of zeros"


class World:
    """What all partitions share."""

    def __init__(self, log, sets, keys, topic, options=None):
        self.log, self.sets, self.keys, self.topic = log, sets, keys, topic
        # What no later set can change.
        self.catalogue = sets.first
        options = options or {}
        self.gaps_are_losses = log.gaps_are_losses
        self.with_customers = options.get("customers", True)
        self.accounts_at, self.watched = options.get("accounts_at", {}), options.get("watched", {})
        # By name, in which partition a customer lives; only where somebody asks.
        self.subjects = {} if options.get("remember") else None

    def notes(self):
        return ([] if self.keys.control else [TRUSTED]) + ([] if self.keys.customers else [NO_KEY])

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

        def wanted(p):
            return all_[p].pending or p in self.watched or all_[p].next < self.accounts_at.get(p, 0)

        def done(p):
            return all_[p].unknown or not wanted(p)
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
        self._known([p for p in all_ if p.unknown and wanted(p.number)])
        for p in all_:
            p.ends()
            if p.number in self.watched and p.number not in begun:
                self._versions(p)
            if p.next == self.accounts_at.get(p.number):
                accounts.setdefault(p.number, account(p))
        return all_, accounts

    @staticmethod
    def _known(unknown):
        """Nothing that was asked for rests on records that come after an unknown set was activated."""
        if unknown:
            at, last = " ".join(f"{p.number}:{p.place[0]}" for p in unknown), min(p.log_time // 1000 for p in unknown)
            raise UnknownSet(f"offsets {at}: {unknown[0].unknown}. What comes before these is proven, so seconds up to {last} "
                             f"(--s {last}); of later ones no number can be")

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
        counted = [Second(s, self.sets) for s in sorted(set(seconds))]
        all_, accounts = self.fold(counted)
        out = []
        for second in counted:
            told = [p.told[second.s] for p in all_]
            digest = sum(t["digest"] for t in told) & MASK if self.with_customers else None
            out.append({
                "s": second.s, "set_number": second.number(), "offsets": [t["account"]["next"] for t in told], "cells": second.cells(),
                "accounts": [t["account"] for t in told],
                "customers": [c for t in told for c in t["customers"]] if self.with_customers else None,
                "customers_digest": None if digest is None else f"{digest:016x}",
                "decisions": [d for t in told for d in t["decisions"]],
            })
        return out, accounts


def account(p):
    """Where every offset went (law 10), and what stands beside it."""
    gap = p.data_gap and {"from": p.data_gap[0], "to": p.data_gap[1]}
    return {"partition": p.number, "start": 0, "next": p.next, **p.account, "data_gap": gap,
            "limited": dict(p.limited), "unregistered": {k: dict(v) for k, v in p.unregistered.items()}}


def holds(a):
    """Law 10, with what was lost."""
    named = sum(a[n] for n in ("applied", "duplicates", "late", "dead_lettered", "control", "gaps", "lost"))
    return a["next"] - a["start"] == named
