import { describe, expect, it } from "vitest";
import { back, cameBack, refusal } from "./session";

describe("the way back from the sign-in", () => {
  it("leads to pages of this house only", () => {
    expect(back("?to=/wall/care")).toBe("/wall/care");
    expect(back("?to=%2Fglossary")).toBe("/glossary");
    for (const bad of ["", "?to=", "?to=//evil.example", "?to=/%5Cevil.example", "?to=https://evil.example", "?to=wall", "?to=/a%0ab"]) {
      expect(back(bad), bad).toBe("/");
    }
  });
});

describe("who came back from the issuer and is not in", () => {
  const at = { label: "it", begin: "/v1/sign-in/issuer", ask: "the service desk" };
  it("hears why, and whom to ask", () => {
    expect(refusal("?refused=token_role", at)).toMatch(/no role here.* Ask the service desk/);
    expect(refusal("?refused=token_signature", at)).toContain("(token_signature)");
    expect(refusal("?refused=%3Cb%3E", at)).toContain("(unknown)");
    expect(refusal("?to=/", at)).toBe("");
    expect(refusal("?refused=token_role", null)).toBe("");
  });
  it("is told apart from who is", () => {
    expect(cameBack("?to=%2F&on")).toBe(true);
    expect(cameBack("?to=%2F")).toBe(false);
  });
});
