"""In: small logs whose definitions change in mid-stream. Kept: nothing. Out: whether each record is judged as schemas/definitions.md says."""
import json
import tempfile
import unittest
from pathlib import Path

from recount.digest import rfc3339
from tests import small

BEGIN = small.BEGIN
WHERE = 'event.type == "cx.commerce.order_placed.v1"'
LARGE = {"kpis/orders.yaml": (WHERE + "}", WHERE + " && data.amount_minor > 500}")}
WARMING = 1


def order(offset, at, stamp, amount_minor):
    value = {"specversion": "1.0", "id": f"o{offset}", "source": "web-shop", "type": "cx.commerce.order_placed.v1", "subject": "c-1",
             "time": rfc3339(round(stamp * 1000)), "data": {"channel": "web", "amount_minor": amount_minor, "currency": "EUR"}}
    return small._line(offset, at, json.dumps(value).encode())


def activation(offset, at, number, begins, counter=None, hash_=None):
    data = {"number": number, "hash": hash_ or f"hash-{number}"}
    if number > 1:
        data["effective_from"] = rfc3339(round(begins * 1000))
    return small.control(offset, at, counter or offset + 1, "activation", **data)


class Sets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.log = Path(folder.name), str(Path(folder.name) / "log.ndjson")

    def recount(self, lines, written, *seconds, partitions=1, catalog=0):
        """(exit code, what was printed; the seconds where it ended well). `catalog`: whose files are given, by place."""
        small.write(self.log, lines, partitions, written)
        files = small.folder(self.folder / f"set-{catalog}", written[catalog]["files"] if written else {})
        line = ["--log", self.log, "--json", "--no-customers", "--s", ",".join(str(s) for s in seconds)]
        code, text = small.run(*line, catalog=files if written else small.CATALOG)
        return code, json.loads(text)["seconds"] if code == 0 else text

    def told(self, lines, written, *seconds, **more):
        code, told = self.recount(lines, written, *seconds, **more)
        self.assertEqual(code, 0, told)
        return told

    def cell(self, told, kpi="orders", window="15m"):
        found = [c for c in told["cells"] if (c["kpi"], c["window"]) == (kpi, window) and set(c["dims"].values()) <= {"all"}]
        self.assertEqual(len(found), 1, kpi)
        return found[0]

    def changed(self):
        """Set 2 holds from second 40 on, and counts large orders only."""
        return [small.clock(0, BEGIN), activation(1, BEGIN + 1, 1, 0), order(2, BEGIN + 2, BEGIN + 2, 100), activation(3, BEGIN + 5, 2, BEGIN + 40),
                order(4, BEGIN + 39, BEGIN + 39.999, 100), order(5, BEGIN + 39, BEGIN + 40, 100), order(6, BEGIN + 39, BEGIN + 40, 900),
                order(7, BEGIN + 41, BEGIN + 39, 700), order(8, BEGIN + 42, BEGIN + 41, 800), small.clock(9, BEGIN + 1000)]

    def test_an_event_is_judged_by_the_set_in_force_at_its_time(self):
        before, at, after, late = self.told(self.changed(), small.definitions(LARGE), BEGIN + 39, BEGIN + 40, BEGIN + 43, BEGIN + 1000)
        self.assertEqual([t["set_number"] for t in (before, at, after, late)], [1, 1, 2, 2])
        self.assertEqual([self.cell(t)["numerator"] for t in (before, at, after)], [1, 2, 2])
        # A quarter of an hour ends at most one pane later, so it lies behind the change from second 940 on.
        self.assertEqual([self.cell(t)["state"] & WARMING for t in (after, late)], [WARMING, 0])

    def test_every_set_may_be_given_and_another_may_not(self):
        for place in (0, 1):
            self.told(self.changed(), small.definitions(LARGE), BEGIN + 43, catalog=place)
        small.write(self.log, self.changed(), 1, small.definitions(LARGE))
        code, text = small.run("--log", self.log, "--s", str(BEGIN + 43))
        self.assertEqual(code, 1)
        self.assertIn("are none of the 2 sets in cx.definitions", text)

    def test_what_only_words_change_goes_on(self):
        words = {"kpis/orders.yaml": ("decimals: 0", "decimals: 2"), "kpis/revenue.yaml": ("meaning: ", "meaning: Once more, ")}
        before, after = self.told(self.changed(), small.definitions(words), BEGIN + 40, BEGIN + 43)
        self.assertEqual((self.cell(before)["value"], self.cell(after)["value"]), (4, 600))
        self.assertEqual(self.cell(after)["state"], self.cell(before)["state"])
        self.assertEqual(self.cell(after, "revenue")["numerator"], 100 + 100 + 100 + 900 + 700 + 800)

    def test_fewer_windows_go_on_and_a_new_one_begins_empty(self):
        windows = {"kpis/orders.yaml": ("windows: [1m, 15m, 1h, 24h, day]", "windows: [15m, 1h]")}
        fewer = self.told(self.changed(), small.definitions(windows), BEGIN + 43)[0]
        self.assertEqual([c["window"] for c in fewer["cells"] if c["kpi"] == "orders"], ["15m", "1h"])
        self.assertEqual(self.cell(fewer)["numerator"], 6)
        more = self.told(self.changed(), small.definitions({"kpis/orders.yaml": ("windows: [1m,", "windows: [1m, 5m,")}), BEGIN + 43)[0]
        self.assertEqual(self.cell(more)["numerator"], 3)

    def test_kpis_come_and_go_and_derived_ones_follow_their_parts(self):
        told = self.told(self.changed(), small.definitions({**LARGE, "kpis/survey_response_rate.yaml": None}), BEGIN + 40, BEGIN + 43)
        names = [{c["kpi"] for c in t["cells"]} for t in told]
        self.assertEqual(names[0] - names[1], {"survey_response_rate"})
        self.assertEqual(self.cell(told[1], "orders_per_customer", "1h")["state"] & WARMING, WARMING)

    def test_a_late_activation_holds_from_the_first_second_of_which_nothing_was_heard(self):
        # The stamp of 12.999 was believed, two seconds ahead of 10.999: the first second that was not heard of is 13.
        lines = [small.clock(0, BEGIN), activation(1, BEGIN + 1, 1, 0), order(2, BEGIN + 10.999, BEGIN + 12.999, 100),
                 activation(3, BEGIN + 10.999, 2, BEGIN + 11), order(4, BEGIN + 12, BEGIN + 12.999, 100), order(5, BEGIN + 12, BEGIN + 13, 100),
                 order(6, BEGIN + 14, BEGIN + 13, 900), small.clock(7, BEGIN + 100)]
        at, after = self.told(lines, small.definitions(LARGE), BEGIN + 13, BEGIN + 14)
        self.assertEqual((at["set_number"], self.cell(at)["numerator"]), (1, 2))
        after = self.told(lines, small.definitions(LARGE), BEGIN + 15)[0]
        self.assertEqual((after["set_number"], self.cell(after)["numerator"]), (2, 1))

    def test_one_that_comes_too_early_or_out_of_turn_is_refused(self):
        written = small.definitions(LARGE, {"kpis/revenue.yaml": ("decimals: 0", "decimals: 1")})
        lines = [small.clock(0, BEGIN), activation(1, BEGIN + 1, 2, BEGIN + 40), activation(2, BEGIN + 1, 1, 0), activation(3, BEGIN + 5, 2, BEGIN + 40),
                 activation(4, BEGIN + 40, 3, BEGIN + 60), activation(5, BEGIN + 41, 3, BEGIN + 60), small.clock(6, BEGIN + 100)]
        lines[2]["headers"] = activation(2, BEGIN, 1, 0, 2)["headers"]
        early, after = self.told(lines, written, BEGIN + 41, BEGIN + 61)
        self.assertEqual(early["accounts"][0]["dead_lettered"], 2, "set 2 before set 1, and set 3 while set 2 is still coming")
        self.assertEqual((early["set_number"], after["set_number"]), (2, 3))
        bad = activation(3, BEGIN + 5, 2, BEGIN + 40)
        value = small.control(3, BEGIN + 5, 4, "activation", number=2, hash="hash-2", effective_from="soon")["value"]
        told = self.told([*lines[:3], {**bad, "value": value}, small.clock(4, BEGIN + 100)], written, BEGIN + 99)[0]
        self.assertEqual((told["set_number"], told["accounts"][0]["dead_lettered"]), (1, 2))

    def test_a_partition_that_is_ahead_leaves_empty_what_it_does_not_count_any_more(self):
        def of(partition, lines):
            return [{**line, "partition": partition} for line in lines]
        ahead = of(0, [small.clock(0, BEGIN), activation(1, BEGIN + 1, 1, 0), activation(2, BEGIN + 5, 2, BEGIN + 40), small.clock(3, BEGIN + 100)])
        behind = of(1, [small.clock(0, BEGIN), activation(1, BEGIN + 1, 1, 0), activation(2, BEGIN + 50, 2, BEGIN + 40), small.clock(3, BEGIN + 100)])
        mixed, last = self.told(ahead + behind, small.definitions(LARGE), BEGIN + 50, BEGIN + 54, partitions=2)
        self.assertEqual((mixed["set_number"], last["set_number"]), (1, 2))
        orders = self.cell(mixed)
        self.assertEqual((orders["value"], orders["n"], orders["state"]), (None, 0, WARMING))
        self.assertEqual(self.cell(mixed, "revenue")["value"], 0, "what both count is there")
        self.assertEqual(self.cell(mixed, "orders_per_customer", "1h")["value"], None)

    def test_who_heard_no_activation_goes_on_under_the_set_that_is_said_again(self):
        lines = [small.clock(0, BEGIN), small.control(1, BEGIN + 5, 2, "active_set", number=2, hash="hash-1"),
                 small.control(2, BEGIN + 5, 2, "active_set", number=2, hash="hash-2"), order(3, BEGIN + 6, BEGIN + 7.999, 100),
                 order(4, BEGIN + 6, BEGIN + 8, 100), order(5, BEGIN + 6, BEGIN + 8, 900), activation(6, BEGIN + 9, 1, 0),
                 small.control(7, BEGIN + 10, 9, "active_set", number=2, hash="hash-2"), small.clock(8, BEGIN + 100)]
        at, after = self.told(lines, small.definitions(LARGE), BEGIN + 8, BEGIN + 11)
        self.assertEqual((at["set_number"], self.cell(at)["numerator"]), (1, 1))
        self.assertEqual((after["set_number"], self.cell(after)["numerator"]), (2, 1))
        account = after["accounts"][0]
        self.assertEqual((account["control"], account["dead_lettered"]), (3, 2), "another hash, and a set that was active long ago")

    def test_a_set_that_is_not_known_is_refused_with_its_offset_and_what_comes_before_is_proven(self):
        first = small.definitions()
        none = small.folder(self.folder / "wrong", {**first[0]["files"], "kpis/orders.yaml": "kpi: [orders"})
        self.assertIn("kpis/orders.yaml: while parsing", small.run("--log", small.write(self.log), catalog=none)[1])
        for written, words in ((first, "cx.definitions holds 1 sets"), ([], "only the definitions in"),
                               ([*first, {**small.definitions(LARGE)[1], "set": 3}], "set 2 of cx.definitions is missing")):
            code, text = self.recount(self.changed(), written, BEGIN + 6)
            self.assertEqual(code, 1, text)
            for said in ("offsets 0:3: set 2 (hash hash-2)", words, f"(--s {BEGIN + 5})"):
                self.assertIn(said, text)
            told = self.told(self.changed(), written, BEGIN + 5)[0]
            self.assertEqual(self.cell(told)["numerator"], 1)
        other = [first[0], {**small.definitions(LARGE)[1], "hash": "another"}]
        code, text = self.recount(self.changed(), other, BEGIN + 6)
        self.assertEqual(code, 1)
        self.assertIn("by hash hash-2, the definitions that were given have another", text)

    def test_what_cannot_change_alive_is_told(self):
        code, text = self.recount(self.changed(), small.definitions({"limits.yaml": ("clamp_s: 2", "clamp_s: 3")}), BEGIN + 5)
        self.assertEqual(code, 2)
        self.assertIn("set 2 has other limits", text)

    def test_what_waits_and_what_is_promised_is_judged_by_the_time_at_which_it_began(self):
        asked = [("c-1", 8, 100), ("c-2", 38, 101), ("c-3", 41, 102)]
        lines = [small.clock(0, BEGIN), activation(1, BEGIN + 1, 1, 0), activation(2, BEGIN + 5, 2, BEGIN + 40)]
        for i, (conversation, at, _) in enumerate(asked, 3):
            value = {"specversion": "1.0", "id": f"m{i}", "source": "chat-platform", "type": "cx.conversation.customer_message.v1",
                     "subject": "c-1", "data": {"channel": "chat", "conversation_id": conversation}}
            lines.append(small._line(i, BEGIN + at, json.dumps(value).encode()))
        lines.append(small.clock(6, BEGIN + 90_000))
        change = {f"kpis/{kpi}.yaml": ("\ntype: ", "\nfilter: data.channel != \"pigeon\"\ntype: ") for kpi in ("replies_waiting", "response_sla_met")}
        before, after = self.told(lines, small.definitions(change), BEGIN + 39, BEGIN + 42)
        waiting = [self.cell(t, "replies_waiting", "now") for t in (before, after)]
        self.assertEqual([(c["value"], c["state"]) for c in waiting], [(2, 0), (1, WARMING)])
        late = self.told(lines, small.definitions(change), BEGIN + 40 + 86_400)[0]
        self.assertEqual(self.cell(late, "replies_waiting", "now")["state"], 0, "all that is kept began under it")
        sla = [self.cell(t, "response_sla_met", "1h")["denominator"] for t in self.told(lines, small.definitions(change), BEGIN + 3600)]
        self.assertEqual(sla, [1])

    def test_attempts_that_began_before_are_in_nobodys_way(self):
        def started(offset, at):
            value = {"specversion": "1.0", "id": f"s{offset}", "source": "web-shop", "type": "cx.commerce.checkout_started.v1",
                     "subject": "c-1", "data": {"channel": "web"}}
            return small._line(offset, BEGIN + at, json.dumps(value).encode())
        change = {"kpis/checkout_undecided.yaml": ("\ntype: ", "\nfilter: data.channel != \"pigeon\"\ntype: ")}
        written = small.definitions(change)
        written.append({**written[0], "set": 3, "hash": "hash-3"})
        lines = [small.clock(0, BEGIN), activation(1, BEGIN + 1, 1, 0), activation(2, BEGIN + 5, 2, BEGIN + 10), started(3, 6), started(4, 12),
                 activation(5, BEGIN + 14, 3, BEGIN + 20), started(6, 22), small.clock(7, BEGIN + 100)]
        seconds = [10, 13, 21, 23]
        told = self.told(lines, written, *[BEGIN + s for s in seconds])
        self.assertEqual([t["set_number"] for t in told], [1, 2, 3, 3])
        self.assertEqual([self.cell(t, "checkout_undecided", "now")["value"] for t in told], [1, 1, 0, 1])

    def test_a_house_is_held_against_the_set_that_it_tells(self):
        written = small.definitions(LARGE)
        small.write(self.log, self.changed(), 1, written)
        files = small.folder(self.folder / "files", written[1]["files"])
        with small.house(small.answers(self.log, files)) as url:
            code, text = small.run("--log", self.log, "--against", url, "--customers", "5", catalog=files)
        self.assertEqual(code, 0, text)
        self.assertIn("under set 2 of 2", text)
        self.assertIn("0 differences: equal", text)
