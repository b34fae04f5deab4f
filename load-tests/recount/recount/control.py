"""In: a record with the header `cx-control`. Kept: nothing. Out: its counter and what it asks for, or why it is refused."""
import json
import re
from typing import NamedTuple

from .decode import Rejected, instant

HEADER = re.compile(r"([0-9]{1,20});([^;]*);([^;]*)")
CLOCK, ACTIVATION, ACTIVE, GAP = (f"cx.control.{n}.v1" for n in ("clock", "activation", "active_set", "data_gap_acknowledged"))
SET = (("number", int), ("hash", str))


class Control(NamedTuple):
    counter: int
    kind: str
    data: dict


def read(record, header, topic, keys):
    """Where no keys are known the signature is taken on trust."""
    try:
        found = HEADER.fullmatch(header.decode("utf-8"))
    except UnicodeDecodeError:
        found = None
    if not found or int(found[1]) >= 2**64:
        raise Rejected("control_forged", "header cx-control")
    counter = int(found[1])
    if keys.control and not re.fullmatch("[0-9a-fA-F]{64}", found[3]):
        raise Rejected("control_forged", "header cx-control")
    if keys.signed(record, topic, counter, found[2], found[3]) is False:
        raise Rejected("control_forged", "header cx-control")
    return Control(counter, *_act(record.value or b""))


def _act(raw):
    try:
        event = json.loads(raw)
        data = event.get("data", {})
        texts = all(isinstance(event.get(n), str) for n in ("specversion", "id", "source", "type", "time"))
    except (ValueError, AttributeError):
        raise Rejected("control_invalid", "value") from None
    if not texts or not isinstance(data, dict):
        raise Rejected("control_invalid", "value")
    kind = event["type"]
    needs = {CLOCK: (), ACTIVATION: SET, ACTIVE: SET, GAP: (("through", int),)}.get(kind)
    if needs is None or any(type(data.get(n)) is not t for n, t in needs):
        raise Rejected("control_invalid", "value")
    # Set 1 holds for every time; a later one from a second on.
    if kind == ACTIVATION and (data["number"] != 1 or "effective_from" in data):
        from_ = data.get("effective_from")
        if not isinstance(from_, str) or instant(from_) is None:
            raise Rejected("control_invalid", "data.effective_from")
    return kind, data
