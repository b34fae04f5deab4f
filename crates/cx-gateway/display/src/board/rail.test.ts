import { describe, expect, it } from "vitest";
import { type Alert, bound, NO_ALERTS, told } from "./alerts";
import { Announcer } from "./announcer";
import { trust } from "./freshness";
import { current, Recent, rows, type Surroundings } from "./rail";
import type { Heard } from "./stream";
import { append, before, line, type Trend } from "./trend";
import type { Held } from "./view";
import { zone } from "./zone";

const cell = (kpi: string, value: number | null, target?: number): Held => ({
  kpi, window: kpi === "dead_letters" ? "15m" : "now", dims: {}, value, state: 0,
  info: { unit: "seconds", scale: 0, direction: "down", definition: "", ...(target === undefined ? {} : { target }) },
});
const rail = {
  sources: [{ name: "web-shop", cell: 40, owner: "Digital", freshness_s: 120 }, { name: "payments", cell: 41, owner: "", freshness_s: 60 }],
  dead_letters: { cell: 50 },
  overdue: [{ label: "Voice", cell: 31 }],
};
const around = (cells: [number, Held][], rising = false): Surroundings => ({
  alerts: NO_ALERTS,
  cells: new Map(cells), s: 1_763_805_731, clock: zone("Europe/Warsaw").minute, owners: new Map([["oldest_waiting", "care.operations"]]), rising,
});

const alert = (over: Partial<Alert>): Alert => ({
  alert: "a", state: "raised", priority: "P2", title: "T", kpi: "k", window: "now", dims: {}, when: "value > 1", clear: "value < 1",
  unit: "seconds", scale: 0, raised: 1_763_805_671, value: 5, n: 1, owner: "care.operations", cause: "staffing", next_step: "Call", acts: [], ...over,
});

describe("who is told", () => {
  it("names receivers, when, and who has no address", () => {
    expect(told(alert({}))).toBe("nobody");
    const notify = [{ to: "care_oncall", address: true }, { to: "lead", untaken_after_s: 300, address: false }];
    expect(told(alert({ notify }))).toBe("care oncall; lead if untaken for 5 min (no address, so told nothing)");
  });
});

describe("a limit", () => {
  it("is told as the definition has it", () => {
    expect(["value < 75 && n >= 20", "n >= 20 && value >= 1.5", "value > freshness", "n > 3"].map(bound)).toEqual(["< 75", ">= 1.5", "> freshness", ""]);
  });
});

describe("the rail", () => {
  it("is empty where nothing is wrong", () => {
    const calm = around([[40, cell("source_age", 3, 120)], [41, cell("source_age", 3, 120)], [50, cell("dead_letters", 0)], [31, cell("oldest_waiting", 120, 120)]]);
    expect(rows(rail, calm)).toEqual([]);
    expect(current(rail, calm.cells)).toBe(2);
  });
  it("names silent sources and counts what was refused, with since and owner", () => {
    const found = rows(rail, around([[40, cell("source_age", 300, 120)], [50, cell("dead_letters", 7)], [31, cell("oldest_waiting", 191, 120)]]));
    expect(found.map((r) => [r.kind, r.title, r.fact, r.owner])).toEqual([
      ["p3", "web-shop", "silent 5:00 since 10:57", "Digital"],
      ["p3", "payments", "no feed, never heard", "no owner named"],
      ["none", "Refused records", "7 in 15 min, not rising", "no owner named"],
    ]);
  });
  it("shows alerts instead: value against limit, since, who has it, one row per cause", () => {
    const cells = around([[40, cell("source_age", 300, 120)], [41, cell("source_age", 3, 60)], [31, cell("oldest_waiting", 191, 120)]]);
    const waits = alert({ alert: "a", kpi: "oldest_waiting", title: "Oldest waiting", dims: {}, when: "value > 180" });
    const page = {
      ...NO_ALERTS,
      alerts: [
        waits,
        { ...waits, alert: "b", dims: { channel: "chat" }, raised: 1_763_805_700 },
        alert({ alert: "c", kpi: "source_age", title: "Source age", dims: { source: "web-shop" }, priority: "P3", cause: "silent", taken: { what: "taken", by: "Ada", at: 1_763_805_671 } }),
        alert({ alert: "d", kpi: "elsewhere", title: "Of another board", cause: "other" }),
        alert({ alert: "e", kpi: "source_age", dims: { source: "payments" }, cause: "shelf", shelved: { what: "shelved", by: "Ada", at: 0, until: 9e9 } }),
      ],
    };
    const found = rows(rail, { ...cells, alerts: page });
    expect(found.map((r) => [r.kind, r.title, r.fact, r.since, r.owner])).toEqual([
      ["p2", "Oldest waiting", "3:11 > 3:00", "since 11:01, 1 min, and 1 more", "untaken: care.operations"],
      ["p3", "web-shop", "silent 5:00", "since 11:01, 1 min", "Ada, 1 min"],
    ]);
    const over = { ...page, alerts: [{ ...waits, state: "cleared" as const, cleared: 1_763_805_720 }, ...page.alerts.slice(2, 3)] };
    expect(rows(rail, { ...cells, alerts: over }).map((r) => [r.title, r.since, r.over])).toEqual([
      ["web-shop", "since 11:01, 1 min", false], ["Oldest waiting", "cleared 11:02", true],
    ]);
  });
  it("marks refused records only while they become more", () => {
    const recent = new Recent();
    recent.push(0, 5);
    recent.push(30, 9);
    expect([recent.rising(5), recent.rising(9), recent.rising(10)]).toEqual([false, false, true]);
    recent.push(901, 6);
    expect(recent.rising(6)).toBe(false);
    expect(rows(rail, around([[50, cell("dead_letters", 7)]], true)).at(-1)?.kind).toBe("p3");
  });
});

describe("trust", () => {
  const heard: Heard = { heardAt: 1_000_000, skew: 0, sealed: true, waitingFor: [], verified: true, refused: "" };
  it("is computed from the last frame and the seal's age", () => {
    expect(trust(null, 1_000_000, null)).toBe("starting");
    expect(trust(heard, 1_009_999, 1)).toBe("live");
    expect(trust(heard, 1_010_000, 1)).toBe("cut");
    expect(trust(heard, 1_000_500, 4)).toBe("open");
    expect(trust(heard, 1_000_500, 10)).toBe("old");
    expect(trust({ ...heard, sealed: false }, 1_000_500, 40)).toBe("open");
  });
});

describe("the trend", () => {
  const trend: Trend = { s: [60, 120, 240], values: { "1": [1, 2, 4] }, final_through: 120 };
  it("adds a whole minute once", () => {
    const more = append(trend, 300, () => 5);
    expect(more.values["1"]).toEqual([1, 2, 4, 5]);
    expect(append(more, 300, () => 6)).toBe(more);
    expect(append(more, 331, () => 6)).toBe(more);
  });
  it("keeps a missing minute as a gap", () => {
    expect(line(trend, 1, 60)).toEqual({ s: [60, 120, 180, 240], values: [1, 2, null, 4], finalThrough: 120 });
    expect(line(trend, 1, 2).s).toEqual([180, 240]);
    expect([before(trend, 1, 250, 2), before(trend, 1, 250, 1)]).toEqual([2, null]);
  });
});

describe("the announcer", () => {
  const of = (words: Record<string, string>): Map<string, string> => new Map(Object.entries(words));
  it("does not tell what was so from the start", () => {
    const announcer = new Announcer();
    announcer.note(of({ Voice: "Voice above target" }));
    expect(announcer.speak(0)).toBe("");
  });
  it("joins changes and speaks at most every ten seconds", () => {
    const announcer = new Announcer();
    announcer.note(of({}));
    announcer.note(of({ Voice: "Voice above target", screen: "not sealed" }));
    expect(announcer.speak(20_000)).toBe("Voice above target; not sealed.");
    announcer.note(of({ Voice: "Voice above target" }));
    expect(announcer.speak(25_000)).toBe("");
    expect(announcer.speak(30_000)).toBe("screen back to normal.");
  });
  it("says nothing about what came and went in between", () => {
    const announcer = new Announcer();
    announcer.note(of({}));
    announcer.note(of({ Voice: "Voice above target" }));
    announcer.note(of({}));
    expect(announcer.speak(60_000)).toBe("");
  });
});
