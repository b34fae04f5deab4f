"""In: the address of a running Watchfloor. Kept: nothing. Out: whether the log says what it says: boards, KPIs, accounts, customers."""
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .digest import MASK, cell_hash, rfc3339
from .world import World

PARTS = ("value", "state", "numerator", "denominator", "n")
ACCOUNT = ("start", "next", "applied", "duplicates", "late", "dead_lettered", "control", "gaps", "lost", "data_gap", "limited", "cel_errors")
LOOKED_UP = "no hash key was given (--data): the server was asked which opaque ids its customers have"
SHOWN = 20


class House:
    """A running Watchfloor."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, body=None):
        raw = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, raw, {"content-type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def everything(self):
        """Boards at one sealed second; every KPI at the second that was newest when it was asked; accounts."""
        health = self.get("/healthz")
        names = [b["board"] for b in self.get("/v1/boards")["boards"]]
        boards = [self.get(f"/v1/boards/{names[0]}")] if names else []
        boards += [self.get(f"/v1/boards/{name}?s={boards[0]['s']}") for name in names[1:]]
        kpis = [self.get(f"/v1/kpis/{k['kpi']}") for k in self.get("/v1/kpis")["kpis"]]
        return boards, kpis, health

    def customer(self, opaque):
        try:
            return self.get(f"/v1/customers/{opaque}")
        except HTTPError as e:
            if e.code == 404:
                return None
            raise


class Verdict:
    def __init__(self):
        self.compared, self.wrong = {}, []

    def same(self, what, place, theirs, ours):
        self.compared[what] = self.compared.get(what, 0) + 1
        if theirs != ours:
            self.wrong.append(f"{what} {place}: Watchfloor says {theirs}, the log says {ours}")

    def told(self, notes):
        for line in self.wrong[:SHOWN]:
            print(line)
        if len(self.wrong) > SHOWN:
            print(f"and {len(self.wrong) - SHOWN} more")
        for note in notes:
            print(note)
        counted = ", ".join(f"{n} {what}" for what, n in self.compared.items())
        empty = not self.compared.get("cell")
        print(f"compared: {counted or 'nothing'}; {len(self.wrong)} differences: {'differs' if self.wrong or empty else 'equal'}")
        return 1 if self.wrong or empty else 0


def compare(url, place, customers):
    """`place`: (log, sets, keys, topic). Asks first and recounts then: exactly the seconds and offsets that were answered."""
    house = House(url)
    boards, kpis, health = house.everything()
    seconds = {b["s"] for b in boards} | {k["s"] for k in kpis if "s" in k}
    accounts_at = {p["partition"]: p["next"] for p in health["partitions"]}
    world = World(*place, {"customers": False, "accounts_at": accounts_at, "remember": customers > 0})
    verdict = Verdict()
    if not seconds:
        print("nothing is sealed yet")
        return 1
    out, accounts = world.recount(seconds)
    ours = {o["s"]: o for o in out}
    numbers = {o["set_number"] for o in out}
    if len(numbers) > 1:
        print(f"sets {sorted(numbers)} came into force one after the other while it was asked: ask again")
        return 2
    for board in boards:
        _board(verdict, board, ours[board["s"]])
    _kpis(verdict, kpis, ours, world.sets.of(numbers.pop()))
    for theirs in health["partitions"]:
        mine = accounts.get(theirs["partition"], {})
        verdict.same("account", theirs["partition"], {n: theirs[n] for n in ACCOUNT}, {n: mine.get(n) for n in ACCOUNT})
    verdict.same("number of partitions", "", len(health["partitions"]), place[0].partitions)
    notes = world.notes()
    if customers:
        notes = [LOOKED_UP if "hash key" in note else note for note in notes]
        _customers(verdict, house, world, place, customers)
    return verdict.told([*notes, f"under set {out[0]['set_number']} of {world.sets.last()}"])


def _name(kpi, window, dims):
    return kpi, window, tuple(sorted(dims.items()))


def _cells(recounted):
    return {_name(c["kpi"], c["window"], c["dims"]): c for c in recounted["cells"]}


def _board(verdict, board, recounted):
    verdict.same("offset vector", board["board"], [n for _, n in board["offsets"]], recounted["offsets"])
    ours, digest = _cells(recounted), 0
    values = {v[0]: v[1:] for v in board["values"]}
    parts = {p[0]: p[1:] for p in board["parts"]}
    for id_, kpi, window, dims, info in board["cells"]:
        c = ours.get(_name(kpi, window, dims))
        theirs = dict(zip(PARTS, [*values.get(id_, ()), *parts.get(id_, ())]))
        verdict.same("cell", f"{kpi} {window} {dims} at {board['s']}", theirs, c and {n: c[n] for n in PARTS})
        if c:
            digest += cell_hash(kpi, info["definition"], window, dims, c["value"], c["state"])
    verdict.same("digest", f"of board {board['board']}", board["g"], f"{digest & MASK:016x}")


def _kpis(verdict, kpis, ours, catalogue):
    known = sorted([k.name for k in [*catalogue.kpis, *catalogue.derived]] + catalogue.observed)
    verdict.same("list of KPIs", "", sorted(k["kpi"] for k in kpis), known)
    counted = {k.name for k in [*catalogue.kpis, *catalogue.derived]}
    for kpi in kpis:
        if kpi["kpi"] not in counted:
            continue
        mine = {key: c for key, c in _cells(ours[kpi["s"]]).items() if key[0] == kpi["kpi"]}
        theirs = {_name(kpi["kpi"], c["window"], c["dims"]): c for c in kpi["values"]}
        for key in sorted({*mine, *theirs}):
            both = [side.get(key) and {n: side[key][n] for n in PARTS} for side in (theirs, mine)]
            verdict.same("cell", f"{key} at {kpi['s']}", *both)


def _customers(verdict, house, world, place, most):
    """What is kept of a customer moves on while it is asked for: it must be what the log says at one of the offsets since."""
    known = sorted(world.subjects.items())
    chosen = dict(known[::max(1, -(-len(known) // most))])
    since = {p["partition"]: p["next"] for p in house.get("/healthz")["partitions"]}
    theirs = {}
    for subject in chosen:
        if world.keys.customers:
            opaque = f"{world.keys.hash(subject):032x}"
        else:
            opaque = house.get("/v1/customers/lookup", {"customer_id": subject})["customer"]
        theirs[subject] = opaque, house.customer(opaque)
    watched = {}
    for subject, partition in chosen.items():
        watched.setdefault(partition, (since.get(partition, 0), {}))[1][subject] = []
    World(*place, {"customers": False, "watched": watched}).fold([])
    for partition, (_, versions) in watched.items():
        for subject, seen in versions.items():
            opaque, shown = theirs[subject]
            mine = [_shown(opaque, partition, c) for c in seen]
            verdict.same("customer", opaque, shown, shown if shown in mine else mine[-1] if mine else None)


def _shown(opaque, partition, c):
    """As `GET /v1/customers/{opaque id}` has it."""
    kept = {n: c[n] for n in ("events", "contacts", "channels", "last_channel")}
    times = {n: rfc3339(c[n]) for n in ("first_seen", "last_seen")}
    return {"customer": opaque, "partition": partition, **times, **kept}
