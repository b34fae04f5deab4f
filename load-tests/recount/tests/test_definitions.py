"""In: deploy/catalog. Kept: nothing. Out: whether every worked example of every KPI gives the number its owners wrote down."""
import json
import re
import unittest
from decimal import Decimal

from recount import keys, log, sets, yaml12
from recount.world import World
from tests import small

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Lines:
    """A log in memory of one partition."""

    partitions, lows, gaps_are_losses = 1, [0], False

    def __init__(self, lines):
        self.lines = lines

    def records(self, done=lambda partition: False):
        return (log._record(line) for line in self.lines)


def shown(cell, decimals):
    return None if cell["value"] is None else Decimal(cell["value"]) / 10**decimals


def counted(known, example):
    """The recount of an example's events, each merged over the default event, one second apart from 2026-01-01T00:00:00Z."""
    lines = []
    for i, given in enumerate(example["events"]):
        at = small.BEGIN + i
        default = {"specversion": "1.0", "id": f"example-{i}", "source": "example", "subject": "c-1",
                   "time": f"2026-01-01T00:{i // 60:02d}:{i % 60:02d}Z", "data": {}}
        lines.append(small._line(i, at, json.dumps({**default, **given}).encode()))
    number, unit = re.fullmatch(r"(\d+)([smhd])", example.get("after", "1s")).groups()
    last = small.BEGIN + len(lines) - 1 + int(number) * SECONDS[unit]
    return World(Lines([*lines, small.clock(len(lines), last)]), known, keys.Keys(), "t").recount([last])[0][0]


class Definitions(unittest.TestCase):
    def test_every_worked_example_gives_its_number(self):
        known, ran = sets.known(small.CATALOG, []), 0
        decimals = {k.name: k.decimals for k in known.first.kpis}
        for file in sorted((small.CATALOG / "kpis").glob("*.yaml")):
            kpi = yaml12.load(file.read_text())
            for number, example in enumerate(kpi["examples"] if kpi["kpi"] in decimals else [], 1):
                with self.subTest(file.name, example=number):
                    ran += 1
                    self._holds(kpi["kpi"], example, counted(known, example), decimals[kpi["kpi"]])
        self.assertGreater(ran, 50)

    def _holds(self, name, example, told, decimals):
        wanted = example.get("dims", {})
        found = [c for c in told["cells"] if c["kpi"] == name and c["window"] == example["window"]
                 and all(v == wanted.get(d, "all") for d, v in c["dims"].items())]
        self.assertEqual(len(found), 1)
        value = example.get("value")
        self.assertEqual(shown(found[0], decimals), None if value is None else Decimal(str(value)))
        if "n" in example:
            self.assertEqual(found[0]["n"], example["n"])

    def test_words_of_other_yaml_are_texts_here(self):
        told = yaml12.load("{a: no, b: on, c: 2026-01-01T00:00:00Z, d: 1:30, e: true, f: 12, g: -0.5, h: null, i: 010, j: ~}")
        self.assertEqual(told, {"a": "no", "b": "on", "c": "2026-01-01T00:00:00Z", "d": "1:30", "e": True, "f": 12, "g": -0.5,
                                "h": None, "i": 10, "j": None})
