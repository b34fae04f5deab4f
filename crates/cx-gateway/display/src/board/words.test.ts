import { describe, expect, it } from "vitest";
import { ago, difference, duration, limit, said, shown, sign } from "./numbers";
import type { Trend } from "./trend";
import type { Held } from "./view";
import { aim, caveat, comparison, DATA_GAP, foot, named, RESTATED, WARMING } from "./words";

const of = (unit: string, scale = 0, direction = "down", target?: number) =>
  ({ unit, scale, direction, definition: "", ...(target === undefined ? {} : { target }) });
const held = (value: number | null, info = of("percent", 1, "up", 800), state = 0, window = "15m"): Held =>
  ({ kpi: "k", window, dims: {}, info, value, state });

describe("digits", () => {
  it("keep decimals and unit whatever the value", () => {
    expect(shown(784, of("percent", 1))).toEqual(["78.4", "%"]);
    expect(shown(800, of("percent", 1))).toEqual(["80.0", "%"]);
    expect(shown(0, of("count"))).toEqual(["0", ""]);
    expect(shown(-12, of("points"))).toEqual(["\u221212", "pts"]);
    expect(shown(252, of("seconds"))).toEqual(["4:12", ""]);
    expect(shown(231, of("seconds", 2))).toEqual(["2.31", "s"]);
  });
  it("are a dash where there is nothing, never a zero", () => {
    expect(shown(null, of("percent", 1))).toEqual(["\u2014", "%"]);
  });
  it("have a true minus, and no minus before zero", () => {
    expect(shown(-5, of("count"))[0]).toBe("\u22125");
    expect(shown(-1, of("EUR", 0), 20_000)[0]).toBe("0.0");
  });
  it("do not switch to thousands by the value where the range is in thousands", () => {
    expect(shown(9_870, of("EUR"), 20_000)).toEqual(["9.9", "k\u2009€"]);
    expect(shown(46_706, of("EUR"), 20_000)).toEqual(["46.7", "k\u2009€"]);
    expect(shown(0, of("EUR"), 20_000)[0]).toBe("0");
    expect(shown(3_906, of("count"), 2_000)).toEqual(["3906", ""]);
  });
  it("are never more than four", () => {
    expect(shown(12_345, of("count"))).toEqual(["12.3", "k"]);
    expect(shown(1_234_567, of("count"))).toEqual(["1235", "k"]);
  });
  it("say durations in one format", () => {
    expect([42, 725, 11_400, 187_200].map(duration)).toEqual(
      ["0:42", "12:05", "3\u2009h\u200910", "2\u2009d\u20094\u2009h"],
    );
  });
  it("are whole in running text", () => {
    expect(said(46_706, of("EUR"))).toBe("46\u2009706\u2009€");
    expect(said(-78_4, of("percent", 1))).toBe("\u221278.4\u2009%");
    const limits = [limit(800, of("percent", 1)), limit(250, of("percent", 2)), limit(255, of("percent", 1)), limit(100, of("count"))];
    expect(limits).toEqual(["80\u2009%", "2.5\u2009%", "25.5\u2009%", "100"]);
    expect(sign("no currency")).toBe("no currency");
  });
  it("say differences and ages in words", () => {
    expect(difference(-24, of("percent", 1))).toBe("2.4\u2009pp");
    expect([difference(12, of("seconds")), difference(100, of("seconds"))]).toEqual(["12\u2009s", "1:40"]);
    expect([difference(45_567, of("EUR")), difference(63, of("count"))]).toEqual(["45.6\u2009k\u2009€", "63"]);
    expect([ago(5), ago(185), ago(7500), ago(-2)]).toEqual(["5 s ago", "3 min ago", "2 h 5 min ago", "0 s ago"]);
  });
});

describe("the sentence", () => {
  const s = Array.from({ length: 61 }, (_, i) => 6_000 + i * 60);
  const trend = (values: (number | null)[]): Trend => ({ s, values: { "1": values }, final_through: 0 });
  const now = 6_000 + 60 * 60 + 7;

  it("names the target, and the wrong side of it", () => {
    expect([aim(held(810)), aim(held(784))]).toEqual(["target 80\u2009%", "below target 80\u2009%"]);
    expect(aim(held(150, of("seconds", 0, "down", 120)))).toBe("above target 2:00");
    // Half a window is no reason to wake anybody.
    expect(aim(held(784, of("percent", 1, "up", 800), WARMING))).toBe("target 80\u2009%");
    expect(aim(held(5, of("count")))).toBe("");
  });
  it("compares with an hour ago by direction", () => {
    const flat = trend(s.map(() => 100));
    expect(comparison(held(97, of("count")), flat, 1, now)).toBe("3 better than 1 h ago");
    expect(comparison(held(103, of("count")), flat, 1, now)).toBe("3 worse than 1 h ago");
    expect(comparison(held(103, of("count", 0, "none")), flat, 1, now)).toBe("3 more than 1 h ago");
    expect(comparison(held(100, of("count")), flat, 1, now)).toBe("as usual");
  });
  it("says a true zero in words where nothing is at hand now", () => {
    const none = held(0, of("count"), 0, "now");
    expect(comparison(none, trend([]), 1, now)).toBe("none now");
    expect(shown(0, none.info)[0]).toBe("0");
  });
  it("does not compare with what it does not know", () => {
    expect(comparison(held(5), trend(s.map(() => null)), 1, now)).toBe("");
    expect(comparison(held(null), trend(s.map(() => 5)), 1, now)).toBe("");
  });
  it("tells nothing from zero, and says why", () => {
    expect(caveat(held(null), "ratio", null)).toBe("no cases in 15 min");
    expect(caveat(held(null, of("seconds"), 0, "now"), "simple", null)).toBe("none now");
    expect(caveat(held(0), "ratio", null)).toBe("");
    expect(caveat(held(5, undefined, WARMING), "ratio", 6)).toBe("6 of 15 min seen");
    expect(caveat(held(5, undefined, WARMING, "24h"), "ratio", 121)).toBe("2 of 24 h seen");
    expect(caveat(held(5, undefined, WARMING), "ratio", null)).toBe("window not yet full");
    expect(caveat(held(5, undefined, DATA_GAP), "ratio", 6)).toBe("records are missing");
  });
  it("takes the longest pair that fits and keeps the window in sight", () => {
    expect(foot("", "target 5 %", "as usual", "voice, 20 s, 15 min", "15 min")).toEqual(
      { left: "target 5 %, as usual", right: "15 min" },
    );
    expect(foot("", "below target 80 %", "2.4 pp worse than 1 h ago", "mean, 15 min", "15 min")).toEqual(
      { left: "below target 80 %", right: "15 min" },
    );
    expect(foot("", "", "45.6\u2009k\u2009€ worse than 1 h ago", "1 hour", "1 hour").left).toBe("worse than 1 h ago");
    expect(foot("no cases in 15 min", "target 80 %", "", "15 min", "15 min").left).toBe("no cases in 15 min");
  });
  it("is what a screen reader hears", () => {
    expect(named("Service level", held(784), 1000, ["target 80 %"])).toBe("Service level, 78.4 percent, target 80 %");
    expect(named("Service level", held(null, undefined, RESTATED), 1000, ["no cases in 15 min"])).toBe(
      "Service level, no value, no cases in 15 min, restated by late events",
    );
  });
});
