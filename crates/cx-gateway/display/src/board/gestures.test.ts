import { describe, expect as hope, it } from "vitest";
import { curl, event, expect, returning } from "./gestures";
import type { BoardPage } from "./layout";

const page = {
  layout: {
    tiles: [{ label: "Revenue", sources: ["web-shop"] }, { label: "Waiting now", sources: ["chat"] }, { label: "Other" }],
    rail: { sources: [{ name: "web-shop", cell: 1, owner: "", freshness_s: 60 }], overdue: [] },
  },
} as unknown as BoardPage;

describe("a gesture", () => {
  it("says what to expect, of which tiles and when", () => {
    hope(expect("break_payments", "", page)).toMatch(/^Payments fail now\. Watch Payment errors/);
    const stopped = expect("stop_source", "web-shop", page);
    hope(stopped).toMatch(/After 60 s .* after 180 s .*: Revenue\.$/);
    hope(stopped).not.toContain("Waiting now");
  });
  it("looks again soon only while the engine is on its way back", () => {
    const at = (state: string) => returning({ payments_failing: false, sources: [], engine: { state, words: "" } });
    hope(["reviving", "counting"].map(at)).toEqual([true, true]);
    hope(["running", "agrees", "differs", "kept_nowhere"].some(at)).toBe(false);
    hope(returning(null)).toBe(false);
  });
  it("shows the command that sends exactly the event", () => {
    const body = event("7");
    hope(body).not.toContain("'");
    hope(curl("http://127.0.0.1:7700", body).split(" -d ")[1]).toBe(`'${body}'`);
    hope(JSON.parse(body)).toMatchObject({ specversion: "1.0", id: "by-hand-7", subject: "visitor:7" });
  });
});
