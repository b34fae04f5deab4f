"""In: cells, customers. Kept: nothing. Out: their digests as DESIGN 6 defines them."""
from datetime import datetime, timedelta, timezone

MASK = 2**64 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def hash64(text):
    """FNV-1a-64 with the murmur3 finaliser."""
    h = 0xCBF29CE484222325
    for b in text.encode():
        h = (h ^ b) * 0x100000001B3 & MASK
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ h >> 33


def cell_hash(kpi, definition, window, dims, value, state):
    text = ",".join(f"{k}={v}" for k, v in sorted(dims.items()))
    return hash64(f"{kpi}|{definition}|{window}|{text}|{'null' if value is None else value}|{state}")


def customer(opaque, kept, channels):
    """A customer as the recount prints one; its digest is over
    `opaque id|first seen|last seen|events|contacts|channel,…|last channel`, times in ms, channels in the catalogue's order."""
    first, last, events, contacts, used, last_channel = kept
    used = [c for c in channels if c in used]
    text = f"{opaque}|{first}|{last}|{events}|{contacts}|{','.join(used)}|{last_channel or 'null'}"
    return {"customer": opaque, "first_seen": first, "last_seen": last, "events": events, "contacts": contacts,
            "channels": used, "last_channel": last_channel, "digest": f"{hash64(text):016x}"}


def rfc3339(ms):
    """As Watchfloor writes times: UTC, with milliseconds where they are not 0."""
    at = EPOCH + timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"
