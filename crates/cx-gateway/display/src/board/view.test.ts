import { describe, expect, it } from "vitest";
import { cellHash, fnv, prefix, text } from "./digest";
import { type Frame, View, type WireCell } from "./view";

const info = { unit: "percent", scale: 1, direction: "up", definition: "b41c" };
const cells: WireCell[] = [[1, "k", "15m", {}, info], [2, "l", "now", { queue: "all" }, info]];

function digest(one: number | null, two: number | null): string {
  const hash = (kpi: string, window: string, dims: Record<string, string>, value: number | null): bigint =>
    cellHash(fnv(prefix(kpi, "b41c", window, dims)), value, 0);
  return text(hash("k", "15m", {}, one) + hash("l", "now", { queue: "all" }, two));
}

function snapshot(): Frame {
  return {
    op: "view", mode: "snapshot", epoch: "e", seq: 1, s: 5, g: digest(7, null), cells,
    values: [[1, 7, 0], [2, null, 0]],
  };
}

describe("a view", () => {
  it("adds up after a snapshot and after a delta", () => {
    const view = new View();
    expect(view.apply(snapshot())).toBe(true);
    expect(view.apply({ op: "d", seq: 2, s: 6, v: [[1, 8, 0]], g: digest(8, null) })).toBe(true);
    expect(view.cells.get(1)?.value).toBe(8);
    expect(view.s).toBe(6);
  });

  it("goes on from its cursor with a diff", () => {
    const view = new View();
    view.apply(snapshot());
    const diff: Frame = { op: "view", mode: "diff", epoch: "e", seq: 9, s: 9, cells: [], values: [[2, 3, 0]], g: digest(7, 3) };
    expect(view.apply(diff)).toBe(true);
    expect([view.seq, view.s, view.cells.size]).toEqual([9, 9, 2]);
  });

  it("verifies alerts by a digest of their own", () => {
    const view = new View();
    const alarm: WireCell = [3, "k", "15m", { alert: "0" }, info];
    const g = (raised: number | null, state: number): string => text(cellHash(fnv(prefix("k", "b41c", "15m", { alert: "0" })), raised, state));
    expect(view.apply({ ...snapshot(), alerts: [[alarm], [[3, null, 0]], g(null, 0)] })).toBe(true);
    expect(view.apply({ op: "d", seq: 2, s: 5, v: [], g: digest(7, null), alerts: [[], [[3, 99, 1]], g(99, 1)] })).toBe(true);
    expect([view.alarms.get(3), view.digest]).toEqual([[99, 1], digest(7, null)]);
    expect(view.apply({ op: "d", seq: 3, s: 5, v: [], g: digest(7, null), alerts: [[], [[3, 99, 3]], g(99, 1)] })).toBe(false);
    expect(view.apply({ op: "d", seq: 4, s: 5, v: [], g: digest(7, null), alerts: [[], [[4, 99, 1]], g(99, 1)] })).toBe(false);
  });

  it("takes cells that come in a delta and lets go of those that are gone", () => {
    const view = new View();
    view.apply(snapshot());
    const start = (kpi: string): bigint => fnv(prefix(kpi, "b41c", "now", {}));
    const g = text(cellHash(fnv(prefix("k", "b41c", "15m", {})), 7, 0) + cellHash(start("m"), 4, 0, [8, null, 2]));
    const cells: WireCell[] = [[3, "m", "now", {}, info]];
    const frame: Frame = { op: "d", seq: 2, s: 6, gone: [2], cells, v: [[3, 4, 0]], parts: [[8, null, 2]], g };
    // Parts are told of all cells or of none; here only the new one has them.
    expect(view.apply(frame)).toBe(true);
    expect([...view.cells.keys()]).toEqual([1, 3]);
    expect(view.cells.get(3)?.parts).toEqual([8, null, 2]);
    expect(view.verified).toBe(2);
  });

  it("says when a delta was lost", () => {
    const view = new View();
    view.apply(snapshot());
    expect(view.apply({ op: "d", seq: 3, s: 7, v: [[2, 4, 0]], g: digest(8, 4) })).toBe(false);
  });

  it("says when a value is of a cell it never heard of", () => {
    const view = new View();
    view.apply(snapshot());
    expect(view.apply({ op: "d", seq: 2, s: 6, v: [[99, 1, 0]], g: digest(7, null) })).toBe(false);
  });

  it("has no second while nothing is sealed", () => {
    const view = new View();
    view.apply(snapshot());
    view.apply({ op: "d", seq: 2, sealed: false, now: 6, waiting_for: [3], v: [[1, 9, 0]], g: digest(9, null) });
    expect(view.s).toBeNull();
  });

  it("leaves what was painted as it was", () => {
    const view = new View();
    view.apply(snapshot());
    const painted = new Map(view.cells);
    view.apply({ op: "d", seq: 2, s: 6, v: [[1, 8, 0]], g: digest(8, null) });
    expect(painted.get(1)?.value).toBe(7);
  });
});
