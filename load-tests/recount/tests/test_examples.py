"""In: schemas/. Kept: nothing. Out: Python's verdict on every example and every row of cel.md."""
import base64
import json
import re
import unittest
from pathlib import Path

from recount import decode
from recount.catalogue import SCHEMAS, attribute_kinds
from recount.cel import ERROR, compile_condition


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


class Examples(unittest.TestCase):
    def files(self, folder):
        found = sorted((SCHEMAS / "examples" / folder).glob("*.json"))
        self.assertTrue(found)
        for file in found:
            with self.subTest(file.name):
                yield file

    def test_valid_and_published_events_are_accepted(self):
        for folder in ("valid", "published"):
            for file in self.files(folder):
                decode.structured(file.read_bytes())

    def test_invalid_events_are_refused_for_the_stated_reason(self):
        for file in self.files("invalid"):
            w = json.loads(file.read_text())
            with self.assertRaises(decode.Rejected) as refused:
                decode.structured(content(w), set(attribute_kinds()))
            self.assertEqual(refused.exception.reason, w["reason"])

    def test_records_in_binary_mode_get_the_stated_verdict(self):
        for file in self.files("kafka-binary"):
            w = json.loads(file.read_text())
            h = w["headers"]
            headers = [(k, header(v)) for k, v in (h.items() if isinstance(h, dict) else h)]
            reason = None
            try:
                decode.of_record(content(w) if set(w) & {"event", "value", "text", "base64"} else b"", headers)
            except decode.Rejected as e:
                reason = e.reason
            self.assertEqual(reason, w.get("reason"))


class Cel(unittest.TestCase):
    def test_every_row_of_the_table_holds(self):
        text = Path(SCHEMAS / "cel.md").read_text().split("## Cases")[1]
        rows = re.findall(r"^\| `(.+)` \| `(\{.*\})` \| (true|false|error) \|$", text, re.M)
        self.assertGreaterEqual(len(rows), 60)
        for condition, data, expected in rows:
            with self.subTest(condition, data=data):
                event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t.v1", "subject": "c-1"}
                view = {"data": json.loads(data), "event": event, "fact": {}, "record": {}}
                got = compile_condition(condition.replace("\\|", "|"), attribute_kinds())(view)
                self.assertEqual("error" if got is ERROR else str(got).lower(), expected)
