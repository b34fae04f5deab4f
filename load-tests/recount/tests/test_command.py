"""In: command lines. Kept: nothing. Out: exit codes and words."""
import hashlib
import hmac
import json
import tempfile
import unittest
from pathlib import Path

from recount import control, decided, keys, log
from recount.decode import Rejected
from tests import small


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "log.ndjson"

    def test_the_newest_second_is_counted_where_none_is_named(self):
        small.write(self.file)
        code, text = small.run("--log", str(self.file), "--json")
        self.assertEqual(code, 0, text)
        told = json.loads(text)["seconds"][0]
        self.assertEqual((told["s"], told["offsets"]), (small.BEGIN + 25, [20]))
        revenue = [c for c in told["cells"] if c["kpi"] == "revenue" and c["window"] == "1h"]
        self.assertEqual(revenue[0]["numerator"], 5 * 500)

    def test_a_second_must_rest_on_the_offsets_that_are_claimed(self):
        small.write(self.file)
        line = ["--log", str(self.file), "--s", str(small.BEGIN + 10)]
        self.assertEqual(small.run(*line, "--offsets", "0:10")[0], 0)
        code, text = small.run(*line, "--offsets", "0:11")
        self.assertEqual(code, 1)
        self.assertIn("rests on offsets [10]", text)
        self.assertEqual(small.run(*line, "--offsets", "1:10")[0], 2)

    def test_what_is_not_sealed_is_not_counted(self):
        small.write(self.file)
        for second in (small.BEGIN + 26, small.BEGIN - 1):
            code, text = small.run("--log", str(self.file), "--s", str(second))
            self.assertEqual(code, 2)
            self.assertIn("is not sealed", text)

    def test_a_partition_without_a_record_seals_nothing(self):
        small.write(self.file, partitions=2)
        code, text = small.run("--log", str(self.file))
        self.assertEqual(code, 2)
        self.assertIn("partition 1 has no record", text)

    def test_the_number_of_partitions_is_never_guessed(self):
        small.write(self.file, partitions=None)
        code, text = small.run("--log", str(self.file))
        self.assertEqual(code, 2)
        self.assertIn("--partitions", text)
        self.assertEqual(small.run("--log", str(self.file), "--partitions", "1")[0], 0)

    def test_a_log_out_of_order_is_refused(self):
        lines = small.lines()
        small.write(self.file, [lines[0], lines[2], lines[1], lines[20]])
        code, text = small.run("--log", str(self.file), "--s", str(small.BEGIN + 20))
        self.assertEqual(code, 2)
        self.assertIn("sort the log", text)

    def test_a_dump_is_read_back_as_it_was(self):
        small.write(self.file)
        again = self.file.with_name("again.ndjson")
        self.assertEqual(small.run("--log", str(self.file), "--dump", str(again))[0], 0)
        self.assertEqual(list(log.File(again).records()), list(log.File(self.file).records()))


class Keys(unittest.TestCase):
    def test_opaque_ids_are_those_that_snapshots_and_addresses_hold(self):
        self.assertEqual(f"{keys.Keys((1, 2)).hash('web-shop', 'e-1'):032x}", "60f16df65f70656fccca919aee808220")

    def test_a_control_record_is_read_only_as_it_was_signed(self):
        ring = keys.Keys(control={"k1": b"0" * 32})
        value = b'{"specversion":"1.0","id":"t:0:4","source":"watchfloor","type":"cx.control.clock.v1","time":"2026-01-01T00:00:00Z"}'
        record = log.Record(0, 7, 5000, "create", None, value, [])
        right = hmac.new(b"0" * 32, b"t\n0\n4\nk1\n5000\n" + value, hashlib.sha256).hexdigest()
        self.assertEqual(control.read(record, f"4;k1;{right}".encode(), "t", ring).counter, 4)
        for other, header, topic in ((record._replace(timestamp=5001), f"4;k1;{right}", "t"), (record, f"5;k1;{right}", "t"),
                                     (record, f"4;k1;{right}", "u"), (record, "4;k1", "t"), (record, f"x;k1;{right}", "t"),
                                     (record._replace(value=value + b" "), f"4;k1;{right}", "t")):
            with self.assertRaises(Rejected) as refused:
                control.read(other, header.encode(), topic, ring)
            self.assertEqual(refused.exception.reason, "control_forged")
        with self.assertRaisesRegex(ValueError, "not in the folder"):
            control.read(record, f"4;k2;{right}".encode(), "t", ring)


class Decided(unittest.TestCase):
    OURS = {"partition": 0, "offset": 3, "index": 0, "type": "cx.decision.reply_met.v1", "id": "ab", "time": 5000, "asked_at": 1000,
            "due": 2000, "conversation": "cd", "channel": "chat", "customer": None}

    def differences(self, *events):
        records = [log.Record(0, i, 0, "create", None, json.dumps(e).encode(), []) for i, e in enumerate(events)]
        return decided.differences(records, [self.OURS], [10])[0]

    def test_every_decision_stands_in_the_topic_and_no_other(self):
        right = decided.written(self.OURS)
        later = {**right, "data": {**right["data"], "offset": 10}}
        through = {"type": decided.THROUGH, "data": {"offset": 9}}
        self.assertEqual(self.differences(right, right, later, through), [], "twice is once, what comes later is not looked at")
        for wrong in ([], [{**right, "id": "ff"}], [right, {**right, "data": {**right["data"], "index": 1}}],
                      [{**right, "data": {**right["data"], "due": "x"}}]):
            self.assertTrue(self.differences(*wrong), wrong)
