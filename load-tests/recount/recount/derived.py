"""In: cells of counted KPIs. Kept: nothing. Out: cells of derived ones: arithmetic over values as they are shown."""
import ast
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

BITS = 2**127
STEPS = {ast.Add: lambda a, b: (a.numerator * b.denominator, b.numerator * a.denominator, a.denominator * b.denominator),
         ast.Sub: lambda a, b: (a.numerator * b.denominator, -b.numerator * a.denominator, a.denominator * b.denominator),
         ast.Mult: lambda a, b: (a.numerator * b.numerator, 0, a.denominator * b.denominator),
         ast.Div: lambda a, b: (a.numerator * b.denominator, 0, a.denominator * b.numerator)}


@dataclass
class Derived:
    name: str
    expr: str
    metrics: dict
    n: str | None
    dims: list
    windows: list
    decimals: int


def read(raw, dims, windows):
    metrics = {}
    for metric in raw["metrics"]:
        name = metric if isinstance(metric, str) else metric["name"]
        metrics[name if isinstance(metric, str) else metric.get("alias") or name] = name
    return Derived(raw["kpi"], raw["expr"].strip(), metrics, raw.get("n"), dims, windows, raw["decimals"])


def cells(derived, counted, kpis):
    """Those of all derived KPIs, each after what it is made of. `kpis`: all by name."""
    found = {(c["kpi"], c["window"], tuple(c["dims"].items())): c for c in counted}
    out, left = [], list(derived)
    while left:
        now = [d for d in left if not any(name in {o.name for o in left} for name in d.metrics.values())]
        for d in now:
            for window in d.windows:
                for scope in product(*[["all", *values, "other"] for _, _, values in d.dims]):
                    dims = {dim[0]: v for dim, v in zip(d.dims, scope)}
                    cell = {"kpi": d.name, "window": window, "dims": dims, **_cell(d, window, dims, found, kpis)}
                    found[d.name, window, tuple(dims.items())] = cell
                    out.append(cell)
        left = [d for d in left if d not in now]
    return out


def _cell(d, window, dims, found, kpis):
    parts = {}
    for word, name in d.metrics.items():
        of = kpis[name]
        theirs = tuple((dim[0], dims.get(dim[0], "all")) for dim in of.dims)
        parts[word] = found[name, window if window in of.windows else "now", theirs], of.decimals
    state = 0
    for cell, _ in parts.values():
        state |= cell["state"]
    shown = _value(ast.parse(d.expr, mode="eval").body, d.expr, parts)
    value = None if shown is None else _rounded(shown, d.decimals)
    n = parts[d.n][0]["n"] if d.n else min(cell["n"] for cell, _ in parts.values())
    return {"value": value, "state": state, "numerator": value or 0, "denominator": None, "n": n}


def _value(at, text, parts):
    """A fraction; None where a part is empty, something is divided by 0 or a step leaves 127 bits."""
    if isinstance(at, ast.Constant):
        return Fraction(ast.get_source_segment(text, at))
    if isinstance(at, ast.Name):
        cell, decimals = parts[at.id]
        return None if cell["value"] is None else Fraction(cell["value"], 10**decimals)
    if isinstance(at, ast.UnaryOp):
        a = _value(at.operand, text, parts)
        return None if a is None else -a
    a, b = _value(at.left, text, parts), _value(at.right, text, parts)
    if a is None or b is None:
        return None
    first, second, below = STEPS[type(at.op)](a, b)
    if below == 0 or not all(-BITS <= x < BITS for x in (first, second, first + second, below)):
        return None
    return Fraction(first + second, below)


def _rounded(number, decimals):
    """Half to even; None where it leaves 64 bits."""
    if not -BITS <= number.numerator * 10**decimals < BITS:
        return None
    scaled = round(number * 10**decimals)
    return scaled if -(2**63) <= scaled < 2**63 else None
