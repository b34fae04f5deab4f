// The vectors were worked out by another program in another language from the protocol's text.
import { expect, it } from "vitest";
import { cellHash, fnv, prefix, text } from "./digest";

const start = (kpi: string, definition: string, window: string, dims: Record<string, string>): bigint =>
  fnv(prefix(kpi, definition, window, dims));

it("starts from the published FNV-1a", () => {
  expect(text(fnv("a"))).toBe("af63dc4c8601ec8c");
});

it("equals the vectors of another program", () => {
  const level = cellHash(start("service_level_voice", "b41c", "15m", { queue: "all" }), 784, 0);
  const empty = cellHash(start("ż", "", "now", { b: "2", a: "1" }), null, 5);
  const debt = cellHash(start("revenue", "ff".repeat(32), "1h", {}), -2000, 2);
  expect(text(level)).toBe("d376ce16c21ad263");
  expect(text(empty)).toBe("0744bc797b2f480f");
  expect(text(debt)).toBe("e3a776bb9b42e659");
  expect(text(level + empty + debt)).toBe("be63014bd88d00cb");
});

it("sorts dimensions by name", () => {
  expect(prefix("k", "d", "5m", { step: "payment", channel: "web" })).toBe("k|d|5m|channel=web,step=payment|");
});

it("keeps sixteen digits", () => {
  expect(text(0x1fn)).toBe("000000000000001f");
  expect(text(-1n)).toBe("ffffffffffffffff");
});
