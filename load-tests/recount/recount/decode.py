"""In: one record's bytes and headers. Kept: nothing. Out: its event, or why it is refused."""
import json
import re
from datetime import date

MAX_BYTES, MAX_DEPTH, MAX_TEXT = 256 * 1024, 32, 256
I64 = (-(2**63), 2**63 - 1)
RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")
# The last instant that the time library of the house can hold: 9999-12-30T22:00:00.999Z.
LAST_SECOND = 253402207200
EPOCH = date(1970, 1, 1).toordinal()


class Rejected(Exception):
    """A refused record; `reason` is the stable name."""

    def __init__(self, reason, place=""):
        super().__init__(f"{reason} at {place}")
        self.reason, self.place = reason, place


class Pairs(list):
    """A JSON object as it stands in the text, with keys that stand twice."""


def _int(text):
    if text == "-0":
        return -0.0
    if len(text) > 320:
        raise ValueError("number out of range")
    value = int(text)
    if abs(value) >= 2**1024:
        raise ValueError("number out of range")
    return value if I64[0] <= value <= I64[1] else float(value)


def _float(text):
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value


def _constant(text):
    raise ValueError(text)


_reader = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=_int, parse_float=_float, parse_constant=_constant)


def _too_deep(text):
    """Whether brackets outside of texts nest deeper than the limit."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if token[0] in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in "}]":
            depth -= 1
    return False


def _lone_surrogate(value):
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, Pairs):
        return any(_lone_surrogate(k) or _lone_surrogate(v) for k, v in value)
    return isinstance(value, list) and any(map(_lone_surrogate, value))


def parse_json(raw):
    """Strict JSON: UTF-8, no NaN, no half surrogates, no number beyond a double."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Rejected("invalid_json", str(e)) from None
    if _too_deep(text):
        raise Rejected("too_deep")
    try:
        stripped = text.strip(" \t\r\n")
        value, end = _reader.raw_decode(stripped)
        if end != len(stripped):
            raise ValueError("trailing text")
    except ValueError as e:
        raise Rejected("invalid_json", str(e)) from None
    if ("\\ud" in text or "\\uD" in text) and _lone_surrogate(value):
        raise Rejected("invalid_json", "half a surrogate")
    return value


def instant(text):
    """Milliseconds of an RFC 3339 time; None where it is not one."""
    m = RFC3339.fullmatch(text) if len(text) <= 40 else None
    if not m:
        return None
    y, mo, d, h, mi, s = (int(m[i]) for i in range(1, 7))
    if h > 23 or mi > 59 or s > 60 or not 1 <= mo <= 12:
        return None
    try:
        days = date(y, mo, d).toordinal() - EPOCH if y else None
    except ValueError:
        return None
    if days is None:
        return None
    nanos = int((m[7] or "0").ljust(9, "0"))
    seconds = days * 86400 + h * 3600 + mi * 60 + min(s, 59)
    if m[8]:
        if int(m[9]) > 25 or int(m[10]) > 59:
            return None
        offset = int(m[9]) * 3600 + int(m[10]) * 60
        seconds -= offset if m[8] == "+" else -offset
    if seconds > LAST_SECOND:
        return None
    return seconds * 1000 + nanos // 1_000_000


def _attribute(out, faults, name, value):
    if value is None:
        return
    if name in ("specversion", "id", "source", "type", "subject", "sequence", "time"):
        if name in out:
            raise Rejected("invalid_json", name)
        if not isinstance(value, str):
            faults.append(name)
        elif name == "time":
            at = instant(value)
            if at is None:
                faults.append(name)
            else:
                out[name] = at
        else:
            out[name] = value
    elif not (re.fullmatch(r"[a-z0-9]+", name) or (name == "data_base64" and isinstance(value, str))):
        faults.append(name[:64])
    elif isinstance(value, list):
        faults.append(name)
    elif name in ("recordedtime", "expirytime") and (not isinstance(value, str) or instant(value) is None):
        faults.append(name)


def _data(value, attributes):
    """The declared attributes in `data`; one that stands twice is a fault."""
    if not isinstance(value, Pairs):
        return {}
    data = {}
    for name, v in value:
        if name in data and (attributes is None or name in attributes):
            raise Rejected("invalid_json", f"data.{name}")
        data[name] = v
    return data


def _finish(out, faults, data):
    if faults:
        raise Rejected("invalid_attribute", faults[0])
    version = out.get("specversion")
    if version is None:
        raise Rejected("missing_attribute", "specversion")
    if version != "1.0":
        raise Rejected("invalid_attribute", "specversion")
    for name in ("id", "source", "type"):
        if name not in out:
            raise Rejected("missing_attribute", name)
    for name in ("id", "source", "type", "subject"):
        text = out.get(name)
        if text is None:
            continue
        if not text:
            raise Rejected("invalid_attribute", name)
        if len(text.encode()) > MAX_TEXT:
            raise Rejected("too_long", name)
    out["data"] = data
    return out


def _sized(raw):
    if not raw:
        raise Rejected("empty", "record")
    if len(raw) > MAX_BYTES:
        raise Rejected("too_large", "record")


def structured(raw, attributes=None):
    """The event of a structured record."""
    _sized(raw)
    pairs = parse_json(raw)
    if not isinstance(pairs, Pairs):
        raise Rejected("invalid_json", "not an object")
    out, faults, data = {}, [], None
    for name, value in pairs:
        if name == "data":
            if data is not None:
                raise Rejected("invalid_json", "data")
            data = _data(value, attributes)
        else:
            _attribute(out, faults, name, value)
    return _finish(out, faults, data or {})


def of_record(raw, headers, attributes=None):
    """The event of a record: structured, binary, or known by its content. Headers: name to bytes."""
    kind = next((v for k, v in headers if k == "content-type"), None)
    text = (kind or b"").lower()
    if text.startswith(b"application/cloudevents"):
        rest = text[len(b"application/cloudevents"):]
        if rest.startswith(b"+json") or rest.lstrip()[:1] in (b"", b";"):
            return structured(raw, attributes)
        raise Rejected("invalid_attribute", "header content-type")
    named = [(k[3:], v) for k, v in headers if k.startswith("ce_")]
    if not named:
        return structured(raw, attributes)
    out, faults = {}, []
    for name, value in named:
        place = f"header ce_{name}"
        if name in ("data", "data_base64"):
            raise Rejected("invalid_attribute", place)
        if name == "datacontenttype":
            kind = kind if kind is not None else value
            continue
        try:
            _attribute(out, faults, name, value.decode("utf-8"))
        except (UnicodeDecodeError, Rejected):
            raise Rejected("invalid_attribute", place) from None
    data = {}
    if raw:
        _sized(raw)
        media = (kind or b"").split(b";")[0].strip().lower()
        if not media or media.endswith((b"/json", b"+json")):
            data = _data(parse_json(raw), attributes)
    return _finish(out, faults, data)
