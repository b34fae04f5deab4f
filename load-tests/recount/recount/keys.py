"""In: the data folder of an installation. Kept: its secrets. Out: opaque ids, and whether a control record is signed right.

Without the folder ids are made under a key of zeros and mean nothing, and control records are taken on trust."""
import hashlib
import hmac
from pathlib import Path

MASK = 2**64 - 1


def _turn(x, by):
    return (x << by | x >> 64 - by) & MASK


def _round(a, b, c, d):
    a = (a + b) & MASK
    b = _turn(b, 13) ^ a
    a = _turn(a, 32)
    c = (c + d) & MASK
    d = _turn(d, 16) ^ c
    a = (a + d) & MASK
    d = _turn(d, 21) ^ a
    c = (c + b) & MASK
    b = _turn(b, 17) ^ c
    return a, b, _turn(c, 32), d


def siphash13_128(k0, k1, data):
    """SipHash with one round a word, three at the end, and 128 bits of result."""
    v = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    whole = len(data) // 8 * 8
    last = int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56
    words = [int.from_bytes(data[i:i + 8], "little") for i in range(0, whole, 8)] + [last]
    for word in words:
        a, b, c, d = _round(v[0], v[1], v[2], v[3] ^ word)
        v = (a ^ word, b, c, d)
    a, b, c, d = v
    c ^= 0xEE
    for _ in range(3):
        a, b, c, d = _round(a, b, c, d)
    first = a ^ b ^ c ^ d
    b ^= 0xDD
    for _ in range(3):
        a, b, c, d = _round(a, b, c, d)
    return first << 64 | (a ^ b ^ c ^ d)


class Keys:
    """The secrets of one installation."""

    def __init__(self, customers=None, control=None):
        self.customers, self.control = customers, control or {}

    def hash(self, *parts):
        """The opaque id of the parts, a number of 128 bits; each part goes in with its length."""
        k0, k1 = self.customers or (0, 0)
        raw = b"".join(len(p := part.encode()).to_bytes(8, "little") + p for part in parts)
        return siphash13_128(k0, k1, raw)

    def signed(self, record, topic, counter, key_id, mac):
        """Whether the signature fits; None where no keys are known at all."""
        if not self.control:
            return None
        if key_id not in self.control:
            raise ValueError(f"partition {record.partition}, offset {record.offset}: control record signed with key "
                             f"{key_id!r}, which is not in the folder; add that key")
        text = f"{topic}\n{record.partition}\n{counter}\n{key_id}\n".encode()
        if record.kind == "create":
            text += f"{record.timestamp}\n".encode()
        right = hmac.new(self.control[key_id], text + (record.value or b""), hashlib.sha256).hexdigest()
        return hmac.compare_digest(right.encode(), mac.lower().encode())


def of_data(folder):
    """The keys below DATA/secrets: `customers.key`, `control/*.key`, each 64 hex digits."""
    secrets = Path(folder) / "secrets"
    raw = _key(secrets / "customers.key")
    words = int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:16], "little")
    return Keys(words, {f.stem: _key(f) for f in sorted((secrets / "control").glob("*.key"))})


def of_words(text):
    """A hash key written as two numbers, `7,9`: for logs of tests."""
    first, second = (int(part) for part in text.split(","))
    return Keys((first, second))


def _key(file):
    raw = bytes.fromhex(file.read_text().strip())
    if len(raw) != 32:
        raise ValueError(f"{file}: a key is 64 hex digits")
    return raw
