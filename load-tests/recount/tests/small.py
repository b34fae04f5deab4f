"""In: nothing. Kept: nothing. Out: a small log of one partition, written where a test wants it, and a Watchfloor that says of it
what the recount says, unless a test changes an answer."""
import base64
import contextlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from recount import catalogue, keys, log, sets
from recount.__main__ import main
from recount.against import _shown
from recount.digest import MASK, cell_hash
from recount.world import World

CATALOG = Path(__file__).resolve().parents[3] / "deploy" / "catalog"
BEGIN = 1_767_225_600


def _line(offset, at, value, headers=()):
    coded = [[k, base64.b64encode(v).decode()] for k, v in headers]
    return {"partition": 0, "offset": offset, "timestamp": at * 1000, "timestamp_kind": "create", "key": None,
            "value": base64.b64encode(value).decode(), "headers": coded}


def event(offset, at, kind, **data):
    value = {"specversion": "1.0", "id": f"e{offset}", "source": "web-shop", "type": f"cx.{kind}.v1", "subject": f"c-{offset % 3}", "data": data}
    return _line(offset, at, json.dumps(value).encode())


def clock(offset, at):
    value = {"specversion": "1.0", "id": str(offset), "source": "watchfloor", "type": "cx.control.clock.v1", "time": "2026-01-01T00:00:00Z"}
    return _line(offset, at, json.dumps(value).encode(), [("cx-control", f"{offset + 1};k1;00".encode())])


def lines():
    kinds = ["contact.queued", "commerce.order_placed", "view.page_viewed", "contact.answered"]
    data = {"channel": "chat", "contact_id": "k-1", "queue": "sales", "amount_minor": 500, "currency": "EUR", "wait_ms": 900}
    events = [event(i, BEGIN + i, kinds[i % 4], **data) for i in range(20)]
    return [clock(0, BEGIN)] + events[1:] + [clock(20, BEGIN + 25)]


def control(offset, at, counter, kind, **data):
    value = {"specversion": "1.0", "id": str(offset), "source": "watchfloor", "type": f"cx.control.{kind}.v1", "time": "2026-01-01T00:00:00Z",
             "data": data}
    return _line(offset, at, json.dumps(value).encode(), [("cx-control", f"{counter};k1;00".encode())])


def definitions(*changes):
    """Sets as they stand in `cx.definitions`: the shipped one, which believes stamps two seconds ahead, and after it one for each
    change {file: (from, to), or None where it goes}."""
    files = {**catalogue.texts_of(CATALOG), "limits.yaml": "clamp_s: 2"}
    out = [{"set": 1, "hash": "hash-1", "files": files}]
    for number, change in enumerate(changes, 2):
        files = dict(files)
        for name, words in change.items():
            if words is None:
                del files[name]
            else:
                assert words[0] in files[name], f"{name} has no {words[0]!r}"
                files[name] = files[name].replace(*words)
        out.append({"set": number, "hash": f"hash-{number}", "files": files})
    return out


def folder(path, files):
    """The files of a set, written below a folder."""
    for name, text in files.items():
        file = Path(path) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return str(path)


def write(path, all_=None, partitions=1, written=()):
    text = "\n".join(json.dumps(one) for one in all_ or lines())
    said = {"topic": "cx.interactions", "partitions": partitions, "definitions": list(written)}
    head = json.dumps(said) + "\n" if partitions else ""
    Path(path).write_text(head + text + "\n")
    return str(path)


def run(*line, catalog=CATALOG):
    """(exit code, what it printed)."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(["--catalog", str(catalog), *line])
    return code, out.getvalue()


def _board(cells, s, offsets):
    listed, values, parts, digest = [], [], [], 0
    for id_, c in enumerate(cells, 1):
        listed.append([id_, c["kpi"], c["window"], c["dims"], {"definition": "b41c"}])
        values.append([id_, c["value"], c["state"]])
        parts.append([id_, c["numerator"], c["denominator"], c["n"]])
        digest += cell_hash(c["kpi"], "b41c", c["window"], c["dims"], c["value"], c["state"])
    return {"board": "care", "s": s, "g": f"{digest & MASK:016x}", "offsets": list(enumerate(offsets)), "cells": listed, "values": values, "parts": parts}


def answers(path, catalog=CATALOG):
    """By address, what a Watchfloor of this log answers."""
    lines = log.File(path)
    known = sets.known(catalog, lines.definitions)
    world = World(lines, known, keys.Keys(), "cx.interactions")
    told = world.recount([world.newest()])[0][0]
    cat = known.of(told["set_number"])
    out = {"/v1/boards": {"boards": [{"board": "care"}]}, "/v1/boards/care": _board(told["cells"][:40], told["s"], told["offsets"]),
           "/healthz": {"partitions": told["accounts"]},
           "/v1/kpis": {"kpis": [{"kpi": k.name} for k in [*cat.kpis, *cat.derived]] + [{"kpi": k} for k in cat.observed]}}
    for kpi in cat.observed:
        out[f"/v1/kpis/{kpi}"] = {"kpi": kpi, "observed": {"value": 1}}
    for kpi in [*cat.kpis, *cat.derived]:
        cells = [c for c in told["cells"] if c["kpi"] == kpi.name]
        out[f"/v1/kpis/{kpi.name}"] = {"kpi": kpi.name, "s": told["s"], "values": cells}
    for c in told["customers"]:
        out[f"/v1/customers/{c['customer']}"] = _shown(c["customer"], 0, c)
    return json.loads(json.dumps(out))


@contextlib.contextmanager
def house(said):
    """A server that answers so; its address."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(said.get(self.path.split("?")[0]))

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._answer({"customer": f"{keys.Keys().hash(asked['customer_id']):032x}"})

        def _answer(self, body):
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
