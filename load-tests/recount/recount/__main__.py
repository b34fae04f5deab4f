"""In: arguments. Kept: nothing. Out: the recount, or what differs from a running Watchfloor. Exit: 0 done or equal, 1 differs or rests on
a set that is not known, 2 it cannot be said."""
import argparse
import json
import sys

from . import against, decided, keys, log, sets
from .world import World, holds


def arguments(line=None):
    a = argparse.ArgumentParser("recount", description="Counts every number of Watchfloor again, from the log alone.")
    a.add_argument("--catalog", required=True, metavar="DIR", help="deploy/catalog, or the files of any set that the log names")
    source = a.add_mutually_exclusive_group(required=True)
    source.add_argument("--kafka", metavar="HOST:PORT")
    source.add_argument("--log", metavar="FILE", help="a dump, as --dump writes it")
    a.add_argument("--kafka-option", action="append", default=[], metavar="NAME=VALUE", help="a setting of librdkafka, e.g. for TLS")
    a.add_argument("--topic", help="cx.interactions unless told otherwise")
    a.add_argument("--definitions", metavar="TOPIC", help="with --kafka: where the sets stand; cx.definitions, with the prefix of --topic, unless told otherwise")
    a.add_argument("--partitions", type=int, help="of the topic; for a dump that does not say it")
    a.add_argument("--gaps-are-losses", action="store_true", help="as on the embedded broker: an offset without a record is a lost record")
    a.add_argument("--s", metavar="SECOND,…", help="sealed seconds; the newest one where nothing is said")
    a.add_argument("--offsets", metavar="P:NEXT,…", help="offset vector that the second must rest on: differs otherwise")
    key = a.add_mutually_exclusive_group()
    key.add_argument("--data", metavar="DIR", help="the installation's folder: its secrets")
    key.add_argument("--hash-key", metavar="A,B", help="hash key of a test's log, as two numbers")
    a.add_argument("--no-customers", action="store_true")
    a.add_argument("--dump", metavar="FILE", help="write the log there first")
    a.add_argument("--against", metavar="URL", help="compare with a running Watchfloor")
    a.add_argument("--customers", type=int, default=200, metavar="N", help="with --against: how many customers are compared")
    a.add_argument("--decisions", metavar="TOPIC", help="with --kafka: compare with what stands there, e.g. cx.decisions")
    a.add_argument("--json", action="store_true")
    return a.parse_args(line)


def opened(a):
    """The log and the name of its topic."""
    if a.log:
        found = log.File(a.log, a.partitions)
        topic = a.topic or found.topic or "cx.interactions"
    else:
        topic = a.topic or "cx.interactions"
        found = _topic(a, topic)
        if a.partitions not in (None, found.partitions):
            raise ValueError(f"topic {topic} has {found.partitions} partitions, not {a.partitions}")
        found.definitions = _written(a, topic)
    found.gaps_are_losses |= a.gaps_are_losses
    if a.dump:
        log.dump(a.dump, found)
        found = log.File(a.dump)
    return found, topic


def _written(a, topic):
    """The sets that were written down beside the log; none where it stands alone."""
    name = a.definitions or topic.removesuffix("cx.interactions") + "cx.definitions"
    try:
        return sets.written(_topic(a, name).records())
    except log.NoTopic as why:
        if a.definitions:
            raise
        print(f"recount: {why}: later sets are not known", file=sys.stderr)
        return []


def _topic(a, name):
    return log.Kafka(a.kafka, name, dict(o.split("=", 1) for o in a.kafka_option))


def offsets(text, partitions):
    """The offset vector of `--offsets`, by partition."""
    wanted = {int(p): int(n) for p, n in (pair.split(":") for pair in text.split(","))}
    if sorted(wanted) != list(range(partitions)):
        raise ValueError(f"--offsets names partitions {sorted(wanted)}, the topic has 0 to {partitions - 1}")
    return [wanted[p] for p in range(partitions)]


def secrets(a):
    if a.data:
        return keys.of_data(a.data)
    return keys.of_words(a.hash_key) if a.hash_key else keys.Keys()


def run(a):
    if a.offsets and (a.against or not a.s or "," in a.s):
        raise ValueError("--offsets goes with one second of --s")
    if a.decisions and (not a.kafka or a.against):
        raise ValueError("--decisions goes with --kafka and without --against")
    found, topic = opened(a)
    known = sets.known(a.catalog, found.definitions)
    if a.against:
        return against.compare(a.against, (found, known, secrets(a), topic), 0 if a.no_customers else a.customers)
    world = World(found, known, secrets(a), topic, {"customers": not a.no_customers})
    seconds = [int(s) for s in a.s.split(",")] if a.s else [world.newest()]
    out, _ = world.recount(seconds)
    shown(out, world.notes(), a.json)
    return verdict(out, a.offsets and offsets(a.offsets, found.partitions), _decided(a, out[-1]) if a.decisions else [])


def _decided(a, last):
    """What differs in the topic of decisions."""
    wrong, many = decided.differences(_topic(a, a.decisions).records(), last["decisions"], last["offsets"])
    print(f"{a.decisions}: {many} decisions compared, {len(wrong)} differences", file=sys.stderr)
    return wrong


def verdict(out, wanted, wrong):
    wrong = wrong + [f"law 10 fails in partition {x['partition']} at {o['s']}: {x}" for o in out for x in o["accounts"] if not holds(x)]
    if wanted and out[0]["offsets"] != wanted:
        wrong.append(f"second {out[0]['s']} rests on offsets {out[0]['offsets']}, not on {wanted}")
    for line in wrong:
        print(f"recount: {line}", file=sys.stderr)
    return 1 if wrong else 0


def shown(out, notes, as_json):
    if as_json:
        json.dump({"notes": notes, "seconds": out}, sys.stdout)
        print()
        return
    for o in out:
        print(f"second {o['s']} under set {o['set_number']} of offsets {o['offsets']}")
        for c in o["cells"]:
            dims = ",".join(f"{k}={v}" for k, v in c["dims"].items())
            print(f"{c['kpi']} {c['window']} {dims or '-'} value={c['value']} numerator={c['numerator']} "
                  f"denominator={c['denominator']} n={c['n']} state={c['state']}")
        for line in o["accounts"] + o["decisions"] + (o["customers"] or []):
            print(json.dumps(line))
        print(f"{len(o['cells'])} cells, {len(o['decisions'])} decisions, customers' digest {o['customers_digest']}")
    for note in notes:
        print(note)


def main(line=None):
    a = arguments(line)
    try:
        return run(a)
    except sets.UnknownSet as e:
        print(f"recount: {e}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError, ImportError) as e:
        print(f"recount: {type(e).__name__}: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
