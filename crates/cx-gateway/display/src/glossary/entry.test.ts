import { expect, test } from "vitest";
import { at, type Entry, facts, marks, place, rows, type Told } from "./entry";

const ENTRY: Entry = {
  kpi: "service_level_voice",
  business_name: "Service level, voice",
  meaning: "Share answered in time.",
  said: { formula: "", parts: [], sentence: "" },
  dimensions: [{ name: "queue", values: ["sales", "billing"] }, { name: "channel", values: ["chat"] }],
  windows: ["now", "15m"],
  unit: "percent",
  decimals: 1,
  direction: "up",
  target: 800,
  owners: { business: "care.operations", technical: "data.platform" },
  examples: [{}, {}],
  definition: "b41c",
  file: "service_level_voice.yaml",
  used: [],
};

function value(queue: string, channel: string, n: number) {
  return { window: "15m", dims: { channel, queue }, value: n, state: 0, n };
}

test("a definition's facts are words", () => {
  const told = new Map(facts(ENTRY));
  expect(told.get("unit")).toBe("percent");
  expect(told.get("direction")).toBe("more is better");
  expect(told.get("target")).toBe("80\u2009%");
  expect(told.get("windows")).toBe("at the second, 15 min");
  expect(told.get("broken down by")).toBe("queue (sales, billing, other); channel (chat, other)");
  expect(told.get("worked examples")).toBe("2, run at every start");
  expect(new Map(facts({ ...ENTRY, target: null, dimensions: [] })).get("target")).toBe("none");
});

test("values are listed by one breakdown at a time, the total first", () => {
  const values = [value("other", "all", 1), value("sales", "chat", 2), value("all", "chat", 3), value("all", "all", 4), value("sales", "all", 5)];
  const entry: Told = { ...ENTRY, values };
  expect(rows(entry).map(place)).toEqual(["total", "queue: sales", "queue: other", "channel: chat"]);
  expect(at(entry, "15m", { queue: "sales", channel: "all" })?.n).toBe(5);
  expect(at(entry, "now", { queue: "sales", channel: "all" })).toBe(undefined);
});

test("state bits are words", () => {
  expect(marks(0)).toBe("");
  expect(marks(3)).toBe("warming, restated");
});
