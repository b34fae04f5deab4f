"""In: the recounted decisions, the topic they are written to. Kept: the ids seen. Out: what differs (schemas/decisions.md)."""
import json

from .digest import rfc3339

THROUGH = "cx.decision.through.v1"


def written(decision):
    """A decision as its record says it, but for the fold version and the set's hash, which are no part of the log."""
    data = {"asked_at": rfc3339(decision["asked_at"]), "due": rfc3339(decision["due"]), "conversation": decision["conversation"],
            "channel": decision["channel"], "offset": decision["offset"], "index": decision["index"]}
    if decision["customer"] is not None:
        data["customer"] = decision["customer"]
    return {"id": decision["id"], "type": decision["type"], "time": rfc3339(decision["time"]), "data": data}


def differences(records, decisions, offsets):
    """Every decision that the log founds before `offsets` must stand in the partition of its number, and no other; one that stands
    there twice says the same."""
    ours = {(d["partition"], d["offset"], d["index"]): written(d) for d in decisions}
    found, wrong = set(), []
    for r in records:
        event = json.loads(r.value)
        if event["type"] == THROUGH:
            continue
        data = event["data"]
        place = r.partition, data["offset"], data["index"]
        if data["offset"] >= offsets[r.partition]:
            continue
        theirs = {"id": event["id"], "type": event["type"], "time": event["time"],
                  "data": {k: v for k, v in data.items() if k not in ("fold", "set")}}
        found.add(place)
        if theirs != ours.get(place):
            wrong.append(f"decision {place}: the topic says {theirs}, the log says {ours.get(place)}")
    wrong += [f"decision {place}: the topic lacks {d}" for place, d in ours.items() if place not in found]
    return wrong, len(found)
