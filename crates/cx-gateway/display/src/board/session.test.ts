import { describe, expect, it } from "vitest";
import { back } from "./session";

describe("the way back from the sign-in", () => {
  it("leads to pages of this house only", () => {
    expect(back("?to=/wall/care")).toBe("/wall/care");
    expect(back("?to=%2Fglossary")).toBe("/glossary");
    for (const bad of ["", "?to=", "?to=//evil.example", "?to=/%5Cevil.example", "?to=https://evil.example", "?to=wall", "?to=/a%0ab"]) {
      expect(back(bad), bad).toBe("/");
    }
  });
});
