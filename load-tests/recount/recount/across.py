"""In: events of customers in channels (schemas/kpis.md). Kept: by part, in which channels each customer was seen. Out: different
channels of each customer, or customers in two of them and more."""

CHANNELS, SEVERAL = "customer.channels", "customer.cross_channel"


def tally(part, m, view):
    """`m.of`: the registered channels."""
    who, channel = view["event"].get("subject"), view["data"].get("channel")
    if who is None or not isinstance(channel, str) or channel not in m.of:
        return
    part.customers = part.customers or {}
    seen = part.customers.setdefault(who, set())
    if channel in seen:
        return
    seen.add(channel)
    part.n += 1 if m.agg == CHANNELS else len(seen) == 2
    part.value = part.n
