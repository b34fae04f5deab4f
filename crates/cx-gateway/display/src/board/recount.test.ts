import { describe, expect, it } from "vitest";
import { headline, type Recount, running } from "./recount";

const at = (state: string, more: Partial<Recount> = {}): Recount => ({ state, words: "", records: 0, ...more });

describe("the verdict of a recount", () => {
  it("says how far it is without ever claiming an end before there is one", () => {
    expect(headline(null).large).toBe("\u2014");
    expect(headline(at("reading", { records: 50, of: 200 })).large).toBe("25 %");
    expect(headline(at("reading", { records: 201, of: 200 })).large).toBe("99 %");
    expect(headline(at("counting")).large).toBe("counting");
    expect(["reading", "counting"].map((s) => running(at(s)))).toEqual([true, true]);
    expect(["none", "agrees", "differs", "unsaid"].some((s) => running(at(s)))).toBe(false);
  });
  it("counts what is equal among what can be proven", () => {
    const score = { numbers: 481, equal: 481, not_provable: 0 };
    expect(headline(at("agrees", { score }))).toEqual({ large: "481 of 481", small: "numbers are equal" });
    const part = { numbers: 481, equal: 400, not_provable: 81 };
    expect(headline(at("agrees", { score: part }))).toEqual({ large: "400 of 400", small: "numbers are equal, 81 not provable" });
  });
  it("never calls a difference anything else", () => {
    const score = { numbers: 481, equal: 479, not_provable: 0 };
    expect(headline(at("differs", { score }))).toEqual({ large: "differs", small: "2 of 481 numbers" });
    expect(headline(at("differs")).small).toBe("what the second rests on");
    expect(headline(at("unsaid")).large).toBe("not provable");
  });
});
