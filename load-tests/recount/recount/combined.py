"""In: breakdowns that are no single text attribute (schemas/kpis.md). Kept: nothing. Out: their attributes; what an event says of them."""
from .cel import fits


def of(raw, kinds):
    """((attribute, type), …) of a combination, or of one attribute that is no text; None of any other breakdown."""
    name = raw if isinstance(raw, str) else raw["name"]
    if isinstance(raw, dict) and raw.get("of"):
        return tuple((n, kinds[n]) for n in raw["of"])
    return ((name, kinds[name]),) if kinds.get(name) in ("bool", "int") else None


def said(data, attributes):
    """Their values with / between them; None where one is missing."""
    all_ = [data.get(name) for name, kind in attributes if fits(data.get(name), kind)]
    if len(all_) < len(attributes):
        return None
    return "/".join(("true" if v else "false") if v is True or v is False else str(v) for v in all_)
