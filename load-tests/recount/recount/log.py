"""In: a dump (NDJSON) or a Kafka topic. Kept: nothing. Out: records in the order of their offsets, and how many partitions there are."""
import base64
import json
from typing import NamedTuple


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    kind: str  # log_append or create
    key: bytes | None
    value: bytes | None
    headers: list


def _bytes(text):
    return None if text is None else base64.b64decode(text, validate=True)


def _text(raw):
    return None if raw is None else base64.b64encode(raw).decode()


class NoTopic(ValueError):
    """There is no such topic."""


class File:
    """A dump: one record a line. Its first line may say `{"topic", "partitions", "lows", "gaps_are_losses", "definitions"}`; lows: by
    partition the first offset that was still there; definitions: the sets, as they stand in `cx.definitions`."""

    def __init__(self, path, partitions=None):
        self.path = path
        with open(path, encoding="utf-8") as lines:
            head = json.loads(next(lines, "null")) or {}
        head = head if "offset" not in head else {}
        self.topic = head.get("topic")
        self.partitions = partitions or head.get("partitions")
        if not self.partitions:
            raise ValueError(f"{path} does not say how many partitions the topic has: give --partitions")
        self.gaps_are_losses = bool(head.get("gaps_are_losses"))
        self.definitions = head.get("definitions") or []
        self.lows = head.get("lows") or [0] * self.partitions
        if len(self.lows) != self.partitions:
            raise ValueError(f"{path}: lows has {len(self.lows)} entries for {self.partitions} partitions")

    def records(self, done=lambda partition: False):
        with open(self.path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                r = json.loads(line)
                if number == 1 and "offset" not in r:
                    continue
                if not 0 <= r["partition"] < self.partitions:
                    raise ValueError(f"{self.path}, line {number}: partition {r['partition']} of {self.partitions}")
                if not done(r["partition"]):
                    yield _record(r)


def _record(r):
    if r["timestamp_kind"] not in ("create", "log_append"):
        raise ValueError(f"timestamp_kind is {r['timestamp_kind']!r}: create or log_append is right")
    headers = [(k, _bytes(v) or b"") for k, v in r.get("headers") or []]
    return Record(r["partition"], r["offset"], r["timestamp"], r["timestamp_kind"], _bytes(r.get("key")), _bytes(r.get("value")), headers)


def dump(path, log):
    """Writes a log as `File` reads it."""
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps({"topic": log.topic, "partitions": log.partitions, "lows": log.lows,
                              "gaps_are_losses": log.gaps_are_losses, "definitions": log.definitions}) + "\n")
        for r in log.records():
            line = {"partition": r.partition, "offset": r.offset, "timestamp": r.timestamp, "timestamp_kind": r.kind,
                    "key": _text(r.key), "value": _text(r.value), "headers": [[k, _text(v)] for k, v in r.headers]}
            out.write(json.dumps(line) + "\n")


class Kafka:
    """A topic, read partition by partition from its first record to its end at that time; nothing of it is held."""

    def __init__(self, address, topic, options):
        from confluent_kafka import Consumer, KafkaError, TopicPartition
        self.topic, self.place, self.gaps_are_losses, self.definitions = topic, TopicPartition, False, []
        self.consumer = Consumer({"bootstrap.servers": address, "group.id": "recount", "enable.auto.commit": False,
                                  "isolation.level": "read_committed", "auto.offset.reset": "error",
                                  "enable.partition.eof": True, "fetch.wait.max.ms": 20, **options})
        found = self.consumer.list_topics(topic, timeout=30).topics[topic]
        if found.error or not found.partitions:
            missing = found.error and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            raise (NoTopic if missing else ValueError)(f"topic {topic} cannot be read: {found.error}")
        self.partitions = len(found.partitions)
        self.lows = [self._ends(p)[0] for p in range(self.partitions)]

    def _ends(self, partition):
        return self.consumer.get_watermark_offsets(self.place(self.topic, partition), timeout=30)

    def records(self, done=lambda partition: False):
        for p in range(self.partitions):
            low, high = self._ends(p)
            if low != self.lows[p]:
                raise ValueError(f"partition {p} lost its records before offset {low} meanwhile: begin again")
            if low < high:
                self.consumer.assign([self.place(self.topic, p, low)])
                yield from self._partition(p, high, done)
        self.consumer.unassign()

    def _partition(self, p, high, done):
        from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError
        while not done(p):
            m = self.consumer.poll(30)
            if m is None:
                raise ValueError(f"partition {p}: no record came for 30 s")
            if m.error():
                if m.error().code() == KafkaError._PARTITION_EOF:
                    return
                raise ValueError(f"partition {p}: {m.error()}")
            if m.offset() >= high:
                return
            kind, at = m.timestamp()
            named = "log_append" if kind == TIMESTAMP_LOG_APPEND_TIME else "create"
            yield Record(p, m.offset(), at, named, m.key(), m.value(), [(k, v or b"") for k, v in m.headers() or []])
