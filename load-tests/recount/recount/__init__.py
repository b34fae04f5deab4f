"""The independent recount: shares no code with Watchfloor."""
