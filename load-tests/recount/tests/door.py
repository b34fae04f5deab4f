"""In: an HTTP request as schemas/examples/http has it. Kept: nothing. Out: the records it becomes, or why it is refused.

The recount reads logs only; this is as much of the door as its examples need (CloudEvents HTTP binding 1.0.2)."""
import json
import re

from recount.decode import Rejected, of_record

CLOUD = "application/cloudevents"


def _plain(value):
    """A header's text: out of its quotes, percent-decoded once."""
    if value.startswith('"'):
        found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', value)
        if not found:
            raise Rejected("invalid_attribute", "header")
        value = re.sub(r"\\(.)", r"\1", found[1])
    if re.search(r"%(?![0-9a-fA-F]{2})", value):
        raise Rejected("invalid_attribute", "header")
    return re.sub(rb"%(..)", lambda m: bytes.fromhex(m[1].decode()), value.encode())


def records(headers, body):
    """[(value, Kafka headers)]."""
    headers = {k.lower(): v for k, v in headers.items()}
    kind = headers.get("content-type", "")
    media, _, parameters = kind.partition(";")
    media = media.strip().lower()
    if "charset" in parameters and "utf-8" not in parameters.lower():
        raise Rejected("unsupported")
    named = [(k[3:], v) for k, v in headers.items() if k.startswith("ce-")]
    if media in (f"{CLOUD}+json", CLOUD):
        return [(body, [])]
    if media == f"{CLOUD}-batch+json" or (not named and body.lstrip()[:1] == b"["):
        return [(json.dumps(one).encode(), []) for one in _batch(body)]
    if media.startswith(CLOUD):
        raise Rejected("unsupported")
    if not named:
        if media not in ("", "application/json"):
            raise Rejected("unsupported")
        return [(body, [])]
    if any(name == "datacontenttype" for name, _ in named):
        raise Rejected("invalid_attribute", "header ce-datacontenttype")
    kafka = [(f"ce_{name}", _plain(value)) for name, value in named]
    return [(body, kafka + ([("content-type", kind.encode())] if kind else []))]


def _batch(body):
    try:
        all_ = json.loads(body)
    except ValueError as e:
        raise Rejected("invalid_json", str(e)) from None
    if not isinstance(all_, list):
        raise Rejected("invalid_json", "not an array")
    return all_


def taken(headers, body):
    """How many events a request brings; each must be one."""
    found = records(headers, body)
    for value, kafka in found:
        of_record(value, kafka)
    return len(found)
