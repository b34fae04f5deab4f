import { describe, expect, it } from "vitest";
import { cellHash, prefix, text } from "./digest";
import { View } from "./view";
import { duration, shown } from "./words";

describe("digest", () => {
  it("equals vectors worked out by another program", () => {
    const start = prefix("service_level_voice", "b41c", "15m", { queue: "all" });
    expect(start).toBe("service_level_voice|b41c|15m|queue=all|");
    expect(text(cellHash(start, 784, 0))).toBe("d376ce16c21ad263");
    expect(text(cellHash(prefix("ż", "", "now", { b: "2", a: "1" }), null, 5))).toBe("0744bc797b2f480f");
  });
});

describe("view", () => {
  const info = { unit: "percent", scale: 1, direction: "up", definition: "b41c" };
  const g = (value: number): string =>
    text(cellHash(prefix("k", "b41c", "15m", {}), value, 0));

  it("applies snapshot and delta and verifies each", () => {
    const view = new View();
    const first = { op: "view", mode: "snapshot", epoch: "e", seq: 1, s: 5, g: g(7) };
    expect(view.apply({ ...first, cells: [[1, "k", "15m", {}, info]], values: [[1, 7, 0]] })).toBe(true);
    expect(view.apply({ op: "d", seq: 2, s: 6, v: [[1, 8, 0]], g: g(8) })).toBe(true);
    expect(view.cells.get(1)?.value).toBe(8);
    expect(view.s).toBe(6);
    expect(view.apply({ op: "hb", seq: 2, s: 7, g: g(9) })).toBe(false);
  });
});

describe("words", () => {
  it("keeps decimals and unit fixed", () => {
    expect(shown(784, 1, "percent")).toEqual(["78.4", "%"]);
    expect(shown(null, 1, "percent")).toEqual(["—", "%"]);
    expect(shown(-5, 0, "count")).toEqual(["−5", ""]);
    expect(shown(12345, 0, "EUR")).toEqual(["12.3\u2009k", "EUR"]);
    expect(shown(252, 0, "seconds")).toEqual(["4:12", ""]);
    expect([duration(42), duration(725), duration(11_400), duration(187_200)]).toEqual(
      ["0:42", "12:05", "3\u2009h\u200910", "2\u2009d\u20094\u2009h"],
    );
  });
});
