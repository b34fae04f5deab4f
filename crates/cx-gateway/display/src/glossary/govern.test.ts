import { expect, test } from "vitest";
import { type May, mine, missing, sentence, type Side, type Signature } from "./govern";

const MAY: Record<Side, May> = {
  business: { owner: "commerce.lead", people: ["Cleo Martin"] },
  technical: { owner: "sales.systems", people: [] },
};

function signed(role: Side, by: string): Signature {
  return { role, by, why: "", at: "", demo: true };
}

test("whose signature is missing is said by role and name", () => {
  expect(missing([], MAY)).toEqual(["business: commerce.lead (Cleo Martin)", "technical: sales.systems, whom nobody here is"]);
  expect(missing([signed("business", "Cleo Martin"), signed("technical", "Eve")], MAY)).toEqual([]);
});

test("only an owner who has not signed can sign, and for their side", () => {
  expect(mine([], MAY, "Cleo Martin")).toBe("business");
  expect(mine([], MAY, "Ada Nowak")).toBe(undefined);
  expect(mine([signed("business", "Cleo Martin")], MAY, "Cleo Martin")).toBe(undefined);
  expect(mine([], undefined, "Cleo Martin")).toBe(undefined);
});

test("an act is a sentence", () => {
  const at = "2026-01-01T00:00:00Z";
  const sign = { at, act: "signed", by: "Cleo Martin", as: "commerce.lead", side: "business", kpi: "orders", why: "as shipped" };
  expect(sentence(sign)).toBe("Cleo Martin signed orders for business as commerce.lead: as shipped");
  expect(sentence({ at, act: "activated", by: "Ada", set: 2 })).toBe("Ada activated set 2");
  expect(sentence({ at, act: "rolled_back", by: "Ada", set: 3, back_to: 1 })).toBe("Ada went back to set 1 with set 3");
  expect(sentence({ at, act: "retired", by: "Ada", set: 3, kpi: "orders" })).toBe("Ada retired orders");
  expect(sentence({ at, act: "took_back", by: "Ada", kpi: "orders" })).toBe("Ada took back what was proposed of orders");
});
