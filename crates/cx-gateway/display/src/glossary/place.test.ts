import { expect, test } from "vitest";
import { parse, question, toGlossary, toWall, write } from "./place";

test("a place survives its address", () => {
  const place = { kpi: "service_level_voice", window: "15m", dims: { queue: "sales" } };
  expect(write(place)).toBe("#service_level_voice?window=15m&queue=sales");
  expect(parse(write(place))).toEqual(place);
  expect(parse("#orders")).toEqual({ kpi: "orders", window: "", dims: {} });
  expect(parse("")).toEqual({ kpi: "", window: "", dims: {} });
  expect(parse("#%E0%A4%A")).toEqual({ kpi: "%E0%A4%A", window: "", dims: {} });
  const odd = { kpi: "a b", window: "now", dims: { page: "/cart?x=1&y" } };
  expect(parse(write(odd))).toEqual(odd);
});

test("a lineage is asked for by window and dimensions", () => {
  const place = { kpi: "offered", window: "1h", dims: { channel: "chat" } };
  expect(question(place)).toBe("/v1/kpis/offered/why?window=1h&channel=chat");
});

test("whoever comes from a tile goes back to it", () => {
  const there = toGlossary({ kpi: "orders", window: "1h", dims: {} }, "care", 7);
  expect(there).toBe("/glossary?from=care&cell=7#orders?window=1h");
  expect(toWall("?from=care&cell=7")).toBe("/wall/care#number-7");
  expect(toWall("?from=care&cell=7&theme=light")).toBe("/wall/care?theme=light#number-7");
  expect(toWall("?theme=light")).toBe("/?theme=light");
  expect(toWall("")).toBe("/");
  expect(toWall("?from=care&cell=x")).toBe("/wall/care");
});
