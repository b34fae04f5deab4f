import { describe, expect, it } from "vitest";
import { doubt, feeds } from "./feeds";
import type { Held } from "./view";
import { zone } from "./zone";

const age = (value: number | null): Held => ({
  kpi: "source_age", window: "now", dims: {}, value, state: 0,
  info: { unit: "seconds", scale: 0, direction: "down", definition: "" },
});
const rail = {
  sources: [
    { name: "web-shop", cell: 1, owner: "Digital commerce", freshness_s: 60 },
    { name: "payments", cell: 2, owner: "", freshness_s: 120 },
  ],
  overdue: [],
};
const at = 1_763_805_731;
const said = (names: string[], web: number | null, pay: number | null = 1) =>
  doubt(names, feeds(rail, new Map([[1, age(web)], [2, age(pay)]])), at, zone("Europe/Warsaw"));

describe("a silent source", () => {
  it("makes only its own tiles doubtful, by its own target", () => {
    expect(said(["web-shop"], 60)).toBeNull();
    expect(said(["payments"], 61)).toBeNull();
    expect(said([], 9_999, 9_999)).toBeNull();
    expect(said(["web-shop"], 61)).toEqual({ state: "stale", blank: false, sentence: "last 11:01:10, 1 min ago" });
    expect(said(["payments"], 1, 120)).toBeNull();
  });
  it("is dead after three times its target, and there is no number any more", () => {
    expect(said(["web-shop"], 180)?.state).toBe("stale");
    expect(said(["web-shop"], 181)).toEqual({
      state: "dead", blank: true, sentence: "no feed since 10:59, owner Digital commerce",
    });
  });
  it("leaves a number that others still feed, and is named there", () => {
    expect(said(["payments", "web-shop"], 181)).toEqual({
      state: "dead", blank: false, sentence: "no feed from web-shop since 10:59",
    });
    expect(said(["payments", "web-shop"], 181, 400)).toMatchObject({ blank: true, sentence: expect.stringContaining("payments") });
  });
  it("that was never heard counts as dead", () => {
    expect(said(["payments"], 1, null)).toEqual({ state: "dead", blank: true, sentence: "no feed yet, no owner named" });
  });
  it("whose age nobody has counts as not heard", () => {
    expect(feeds(rail, new Map()).get("web-shop")?.state).toBe("dead");
  });
});
