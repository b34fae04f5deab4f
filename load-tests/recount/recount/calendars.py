"""In: calendars/*.yaml. Kept: what was found out. Out: business hours, due times and business days, each by looking at the clock on the
wall of the zone (schemas/kpis.md). The zone data are the machine's: with another version than Watchfloor's a number may differ."""
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

YEARS = range(2000, 2060)
QUARTER, MINUTE_MS = 900, 60_000
# Quarters of an hour: no day is longer, no clock is turned back by more.
LONGEST, TURNED_BACK = 112, 12
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _minutes(text):
    hour, minute = text.strip().split(":")
    return int(hour) * 60 + int(minute)


def _hours(texts):
    return [tuple(_minutes(t) for t in text.split("-")) for text in texts]


class Calendar:
    """Without a file: UTC, never open."""

    def __init__(self, raw=None):
        raw = raw or {"zone": "UTC", "hours": []}
        self.zone, self.begins = ZoneInfo(raw["zone"]), timedelta(minutes=_minutes(raw.get("day_start", "00:00")))
        self.week = {DAYS.index(day): _hours(row["open"]) for row in raw["hours"] for day in row["days"]}
        self.special = {h["date"]: _hours(h.get("open", [])) for h in raw.get("holidays", [])}
        # Calendars of two sets that say the same are one.
        self.key = str((raw["zone"], self.begins, sorted(self.week.items()), sorted(self.special.items())))
        self.opens, self.dates, self.due_at = {}, {}, {}

    def _shows(self, second):
        utc = datetime.fromtimestamp(second, timezone.utc)
        return (utc.astimezone(self.zone), True) if utc.year in YEARS else (utc, False)

    def open(self, minute):
        """Whether what the clock shows in this minute since 1970 lies in the hours of its date."""
        found = self.opens.get(minute)
        if found is None:
            shown, known = self._shows(minute * 60)
            hours = self.special.get(shown.date().isoformat(), self.week.get(shown.weekday(), []))
            at = shown.hour * 60 + shown.minute
            found = self.opens[minute] = known and any(a <= at < b for a, b in hours)
        return found

    def due(self, asked, ms):
        """When so much business time has passed; None where it never has."""
        found = self.due_at.get((asked, ms))
        if found is None:
            found = self.due_at[asked, ms] = self._due(asked, ms)
        return found

    def _due(self, at, left):
        while datetime.fromtimestamp(at // 1000, timezone.utc).year < YEARS.stop:
            minute = at // MINUTE_MS
            end = (minute + 1) * MINUTE_MS
            if self.open(minute):
                if left <= end - at:
                    return at + left
                left -= end - at
            at = end
        return None

    def between(self, at, to):
        """Business time between two moments, ms."""
        total = 0
        while at < to:
            minute = at // MINUTE_MS
            end = min((minute + 1) * MINUTE_MS, to)
            total += end - at if self.open(minute) else 0
            at = end
        return total

    def _date(self, pane):
        if pane not in self.dates:
            shown, known = self._shows(pane * QUARTER)
            self.dates[pane] = (shown.replace(tzinfo=None) - (self.begins if known else timedelta())).date()
        return self.dates[pane]

    def first(self, pane):
        """The first quarter of an hour of the business day that this one lies in; a clock that is turned back begins no day again."""
        dates = []
        for p in range(pane - LONGEST - TURNED_BACK, pane + 1):
            dates.append(max(self._date(p), dates[-1]) if dates else self._date(p))
        return pane - sum(date == dates[-1] for date in dates) + 1


class Target:
    """How soon a message should be answered."""

    def __init__(self, seconds, calendar):
        self.ms, self.calendar = seconds * 1000, calendar

    def due(self, asked):
        return self.calendar.due(asked, self.ms) if self.calendar else asked + self.ms
