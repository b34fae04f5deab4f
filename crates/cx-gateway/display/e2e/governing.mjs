// The life of a definition in a real Chromium: proposed, previewed, signed by its owners, taken back; and
// maintenance declared on the wall and ended there.
import { accessible } from "./looks.mjs";

const READY_MS = 20_000;
const STEP_MS = 15_000;
/** The slow model counts the whole log, as for the seal: once is enough. */
const PREVIEW_MS = 120_000;
const KPI = "survey_response_rate";
const SIZES = [[1920, 1080], [390, 844]];

const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

export async function governing({ browser, url, check, shots }) {
  for (const [width, height] of SIZES) {
    const at = `definitions ${width}x${height}`;
    const page = await browser.newPage({ viewport: { width, height } });
    const around = { url, at, check, decimals: width > 800 ? 2 : 3, shots: shots && `${shots}/%-${width}x${height}.png` };
    try {
      await all(page, around);
      await proposed(page, around);
      await maintained(page, around);
    } catch (error) {
      check(`${at}: comes to its end`, false, error.message);
    } finally {
      await page.close();
    }
  }
}

async function shot(page, { shots }, name) {
  if (shots) await page.screenshot({ path: shots.replace("%", name), fullPage: true });
}

/** Sets, what the files propose, who did what. */
async function all(page, around) {
  const { url, at, check } = around;
  await page.goto(`${url}/glossary`);
  await page.waitForSelector(".sets [data-set='1']", { timeout: READY_MS });
  const told = await page.innerText(".sets");
  check(`${at}: the set in force and who signed are told`, /Set 1 is in force/.test(told) && /signed \w+ for (business|technical)/.test(told), told);
  await accessible(page, at, check);
  check(`${at}: nothing scrolls sideways`, (await wide(page)) <= 0);
  await shot(page, around, "sets");
}

const tell = (page, words) => page.waitForFunction((w) => document.querySelector("main .told")?.textContent.includes(w), words, { timeout: STEP_MS });

/** Somebody proposes; its owners sign, and nobody else; it is taken back. */
async function proposed(page, around) {
  const { url, at, check, decimals } = around;
  await page.goto(`${url}/glossary#${KPI}`);
  await page.waitForSelector(".actor select", { timeout: READY_MS });
  const before = await page.innerText("main [data-state]");
  check(`${at}: a shipped definition that the demo signed is agreed`, before === "agreed", before);
  await page.click("[data-word=write]");
  await page.waitForSelector(".yaml textarea");
  const yaml = await page.inputValue(".yaml textarea");
  await page.fill(".yaml textarea", yaml.replace("decimals:", "decimels:"));
  await page.click("[data-word=propose-text]");
  await tell(page, "did you mean").catch(() => undefined);
  const refused = await page.innerText("main .told");
  check(`${at}: a wrong one is refused with its place and what to write`, refused.includes("decimels") && refused.includes("^"), refused);
  await page.fill(".yaml textarea", yaml.replace("decimals: 1", `decimals: ${decimals}`));
  await shot(page, around, "propose");
  await page.click("[data-word=propose-text]");
  await page.waitForSelector(".proposed[data-state=proposed]", { timeout: STEP_MS });
  const told = await page.innerText(".proposed");
  check(`${at}: what it changes is said in words`, told.includes(`decimals was 1, becomes ${decimals}`), told);
  if (decimals === 2) {
    await page.click(".proposed [data-word=preview]");
    await page.waitForSelector(".proposed table.preview", { timeout: PREVIEW_MS });
  }
  for (const [name, side] of [["Ada Nowak", ""], ["Cleo Martin", "business"], ["Dev Patel", "technical"]]) {
    await page.selectOption(".actor select", name);
    const offered = await page.locator(".proposed [data-word=sign]").count();
    check(`${at}: ${name} ${side ? "signs" : "is not asked to sign"}`, offered === (side ? 1 : 0));
    if (!side) continue;
    await page.click(".proposed [data-word=sign]");
    await tell(page, `Signed for ${side} by ${name}`);
  }
  await page.waitForSelector(".proposed[data-state=agreed]", { timeout: STEP_MS });
  await accessible(page, `${at}, agreed`, check);
  check(`${at}: an opened definition does not scroll sideways`, (await wide(page)) <= 0);
  await shot(page, around, "agreed");
  await page.click(".proposed [data-word=take-back]");
  await page.waitForSelector(".proposed", { state: "detached", timeout: STEP_MS });
  const log = await page.innerText(".log-of-acts");
  check(`${at}: who did what is told`, /Dev Patel took back/.test(log) && /Dev Patel signed/.test(log), log);
}

/** A source is declared to be maintained, and is not any more. */
async function maintained(page, around) {
  const { url, at, check } = around;
  await page.goto(`${url}/`);
  await page.waitForSelector('main[data-verified="true"] .maintain', { timeout: READY_MS });
  await page.focus(".maintain");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog.maintenance");
  await page.selectOption(".maintenance .form label:nth-child(2) select", { label: "source social-hub" });
  await page.click("[data-act=declare]");
  await page.waitForFunction(() => document.querySelector(".maintenance [role=status]").textContent.includes("why"), undefined, { timeout: STEP_MS });
  check(`${at}: maintenance needs a reason, and says so`, true);
  await page.fill(".maintenance input", "moves to another house");
  await page.click("[data-act=declare]");
  await page.waitForSelector("[data-maintenance]", { timeout: STEP_MS });
  const told = await page.innerText("[data-maintenance]");
  check(`${at}: what is maintained, until when and why is told`, /social-hub.*until/.test(told) && told.includes("moves to another house"), told);
  await accessible(page, `${at}, maintenance`, check);
  await shot(page, around, "maintenance");
  await page.click("[data-maintenance] [data-act=end]");
  await page.waitForSelector("[data-maintenance]", { state: "detached", timeout: STEP_MS });
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached", timeout: STEP_MS });
  const back = await page.evaluate(() => document.activeElement?.classList.contains("maintain"));
  check(`${at}: the focus is back where it was`, back === true);
}
