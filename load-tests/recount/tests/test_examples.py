"""In: schemas/. Kept: nothing. Out: Python's verdict on every example and every row of cel.md."""
import base64
import json
import re
import unittest
from pathlib import Path

from recount import decode
from recount.decode import Rejected
from recount.catalogue import SCHEMAS, attribute_kinds
from recount.cel import ERROR, compile_condition
from tests import door


def content(w):
    if "event" in w or "value" in w:
        raw = json.dumps(w["event"] if "event" in w else w["value"], ensure_ascii=False).encode()
    elif "base64" in w:
        raw = base64.b64decode(w["base64"])
    else:
        raw = w.get("text", "").encode()
    if "repeat" in w:
        raw = raw.replace(b"{}", (w["repeat"]["text"] * w["repeat"]["times"]).encode())
    return raw


def header(value):
    """A header's bytes: as text, or as `{"base64": …}` where they are no text."""
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value.encode()


def read(folder):
    """(name, content) of each example, where there are any."""
    found = sorted((SCHEMAS / "examples" / folder).glob("*.json"))
    if not found:
        raise AssertionError(f"no examples in {folder}")
    return [(file.name, file.read_bytes()) for file in found]


def refusal(run, *arguments):
    """The reason for which something is refused, None where it is taken."""
    try:
        run(*arguments)
    except Rejected as refused:
        return refused.reason
    return None


class Examples(unittest.TestCase):
    def test_valid_and_published_events_are_accepted(self):
        for folder in ("valid", "published"):
            for name, raw in read(folder):
                with self.subTest(name):
                    self.assertIsNone(refusal(decode.structured, raw))

    def test_invalid_events_are_refused_for_the_stated_reason(self):
        for name, raw in read("invalid"):
            with self.subTest(name):
                w = json.loads(raw)
                self.assertEqual(refusal(decode.structured, content(w), set(attribute_kinds())), w["reason"])

    def test_records_in_binary_mode_get_the_stated_verdict(self):
        for name, raw in read("kafka-binary"):
            with self.subTest(name):
                w = json.loads(raw)
                h = w["headers"]
                headers = [(k, header(v)) for k, v in (h.items() if isinstance(h, dict) else h)]
                body = content(w) if set(w) & {"event", "value", "text", "base64"} else b""
                self.assertEqual(refusal(decode.of_record, body, headers), w.get("reason"))
                self.assertEqual(refusal(decode.of_record, body, headers) is None, w["valid"])

    def test_requests_bring_as_many_events_as_stated_or_are_refused(self):
        for name, raw in read("http"):
            with self.subTest(name):
                w = json.loads(raw)
                if "accepted" in w:
                    self.assertEqual(door.taken(w["headers"], content(w)), w["accepted"])
                    continue
                reason = refusal(door.taken, w["headers"], content(w))
                self.assertEqual(reason == "unsupported", w["status"] == 415)
                self.assertIsNotNone(reason)
                if "reason" in w:
                    self.assertEqual(reason, w["reason"])


class Cel(unittest.TestCase):
    def test_every_row_of_the_table_holds(self):
        text = Path(SCHEMAS / "cel.md").read_text().split("## Cases")[1]
        rows = re.findall(r"^\| `(.+)` \| `(\{.*\})` \| (true|false|error) \|$", text, re.M)
        self.assertEqual(len(rows), len(re.findall("^[|] `", text, re.M)), "every row is understood")
        self.assertGreaterEqual(len(rows), 87)
        for condition, data, expected in rows:
            with self.subTest(condition, data=data):
                event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t.v1", "subject": "c-1"}
                view = {"data": json.loads(data), "event": event, "fact": {}, "record": {}}
                got = compile_condition(condition.replace("\\|", "|"), attribute_kinds())(view)
                self.assertEqual("error" if got is ERROR else str(got).lower(), expected)
