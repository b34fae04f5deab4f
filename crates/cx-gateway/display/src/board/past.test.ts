import { afterEach, describe, expect, it, vi } from "vitest";
import { cellHash, fnv, prefix, text } from "./digest";
import { lastWeek, minutesFrom, moved, past, quarterFrom, stepped, weekBefore } from "./past";

const WEEK = 604_800;
const info = { unit: "count", scale: 0, direction: "up", definition: "b41c", business_name: "K", meaning: "K.", kind: "simple" };
const hash = (value: number): bigint => cellHash(fnv(prefix("k", "b41c", "now", {})), value, 0);

/** A server that keeps these seconds; what it says at each is the second itself. */
function server(kept: number[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const url = new URL(path, "http://x");
    if (url.pathname.endsWith("/trend")) return Response.json({ s: [], values: {}, final_through: 0 });
    const s = Number(url.searchParams.get("s"));
    if (!kept.includes(s)) {
      const nearest = kept.reduce((a, b) => (Math.abs(b - s) <= Math.abs(a - s) ? b : a));
      return Response.json({ title: "no such second", detail: "it is not kept", nearest }, { status: 404 });
    }
    const cells = [[1, "k", "now", {}, info], [2, "new", "now", {}, info]];
    return Response.json({ s, g: text(hash(s)), epoch: "e", cells, values: [[1, s, 0]] });
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe("the past", () => {
  it("is verified by its digest, and a number that was not counted then is not there", async () => {
    server([600]);
    const found = await past("care", 600);
    expect([found.s, found.verified, found.cells.get(1)?.value]).toEqual([600, true, 600]);
    expect(found.cells.has(2)).toBe(false);
  });

  it("is the nearest kept second where the one asked for is not", async () => {
    const asked = server([600, 660]);
    expect((await past("care", 640)).s).toBe(660);
    expect(asked.slice(0, 2)).toEqual(["/v1/boards/care?s=640", "/v1/boards/care?s=660"]);
  });

  it("goes by minutes, over gaps, and by quarters of an hour where only those are kept", async () => {
    server([900, 1800, 1860, 1920]);
    expect((await stepped("care", 1920, -1))?.s).toBe(1860);
    expect((await stepped("care", 1860, 1))?.s).toBe(1920);
    expect((await stepped("care", 1800, -1))?.s).toBe(900);
    expect((await stepped("care", 900, 1))?.s).toBe(1800);
    expect(await stepped("care", 900, -15)).toBeNull();
  });

  it("steps to whole minutes from any second", () => {
    expect([minutesFrom(1931, -1), minutesFrom(1931, 1), minutesFrom(1920, -15)]).toEqual([1920, 1980, 1020]);
    expect([quarterFrom(1800, false), quarterFrom(1801, false), quarterFrom(1800, true)]).toEqual([900, 1800, 2700]);
  });
});

describe("last week", () => {
  const now = WEEK + 9_000;

  it("is asked for by quarters of an hour", () => {
    expect(weekBefore(now + 61, 180)).toBe("from=-1800&to=9000&step=900");
  });

  it("lies under the same minutes of this week", () => {
    const week = { s: [8_100, 9_000], values: { 4: [7, null] }, final_through: 0 };
    expect(moved(week, 4, [now - 900, now - 840, now])).toEqual([7, null, null]);
    expect(lastWeek(week, 4, now - 1)).toEqual({ s: 8_100, value: 7 });
    expect(lastWeek(week, 4, now)).toEqual({ s: 9_000, value: null });
    expect(lastWeek(week, 4, now + 900)).toBeNull();
  });
});
