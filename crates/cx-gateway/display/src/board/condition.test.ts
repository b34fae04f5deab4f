import { describe, expect, it } from "vitest";
import { alarm, missing, recovering, type Ready, proofs } from "./condition";

const well: Ready = { ready: true, data_gaps: [], alarms: [] };

describe("what the house says of itself", () => {
  it("has no words where all is well or nobody answers", () => {
    for (const now of [well, null]) expect(recovering(now) + missing(now) + alarm(now)).toBe("");
  });

  it("says how far it has come and how long it still takes", () => {
    const of = (left_s?: number): Ready => ({ ...well, recovering: { read: 43, of: 100, percent: 43, left_s, partitions: [1] } });
    expect(recovering(of())).toBe("recovering: 43 % read");
    expect(recovering(of(0))).toBe("recovering: 43 % read, about 1 s left");
    expect(recovering(of(300))).toBe("recovering: 43 % read, about 5 min left");
  });

  it("names the missing offsets, the last one included", () => {
    const gap = { partition: 3, from: 0, to: 120 };
    expect(missing({ ...well, data_gaps: [gap] })).toBe(
      "records are missing: offsets 0 to 119 of partition 3; somebody must acknowledge it",
    );
    expect(missing({ ...well, data_gaps: [gap, gap] })).toContain("of partition 3 and of 1 more;");
  });

  it("counts the screens that prove what they show, where somebody says", () => {
    expect(proofs({ screens: 12, proven: 11 })).toBe("11 of 12");
    expect([proofs(null), proofs({ screens: 0, proven: 0 })]).toEqual(["", ""]);
  });

  it("tells the first alarm and how many more there are", () => {
    expect(alarm({ ...well, alarms: ["a"] })).toBe("a");
    expect(alarm({ ...well, alarms: ["a", "b", "c"] })).toBe("a (and 2 more)");
  });
});
