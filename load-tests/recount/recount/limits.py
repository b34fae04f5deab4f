"""In: nothing. Kept: nothing. Out: the bounds of DESIGN 2 that change a value; milliseconds where nothing else is said."""
MINUTE = 60_000
HOUR = 60 * MINUTE

FUTURE_MS, HORIZON_MS, CLAMP_MS, LATENESS_MS, REPEAT_MINUTES = HOUR, 30 * MINUTE, 5 * MINUTE, 2 * MINUTE, 35
# How long contacts and conversations are kept after their last step.
CLOSED_MS, OPEN_MS, CASE_MS = 35 * MINUTE, 24 * HOUR, 90 * 24 * HOUR
# Tables per partition: beyond them Watchfloor refuses and counts, and a recount would say something else.
MOST = {"repeats": 20_000_000, "customers": 10_000_000, "contacts": 1_000_000, "conversations": 1_000_000, "cases": 1_000_000}
UNREGISTERED = 64
# Attempts of one entity, and of one partition.
OF_ONE, MOST_ATTEMPTS = 32, 1_000_000
# State bits of a cell.
WARMING, RESTATED, DATA_GAP = 1, 2, 4
