// The seal, pressed: the recount runs on the server, agrees, and can be read from ten metres.
import { accessible } from "./looks.mjs";

const READY_MS = 20_000;
/** How long a recount may take on a busy machine. */
const COUNTED_MS = 120_000;
/** Least size that is read from ten metres on a wall of 1080 lines, px. */
const FAR_PX = 102;

const verdict = (page) => page.innerText("dialog.recount .verdict");

/** Presses the seal by keyboard and waits for the verdict; Escape gives the focus back. */
export async function seal({ browser, url, check, shots }, width, height) {
  const at = `${width}x${height}, seal`;
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(`${url}/?strip=off`);
  await page.waitForSelector('main[data-verified="true"] .tile', { timeout: READY_MS });
  await page.focus("header .seal");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog.recount[open]", { timeout: 5_000 });
  await page.waitForSelector('dialog.recount[data-state="agrees"]', { timeout: COUNTED_MS });
  const { score, words, records } = await (await fetch(`${url}/v1/recount`)).json();
  const shown = await verdict(page);
  check(`${at}: ${score.equal} of ${score.numbers} numbers are equal`, shown.includes(`${score.equal} of ${score.numbers - score.not_provable}`), shown);
  check(`${at}: says how many records it read, and from where`, /Recounted \d+ records from offset/.test(words) && records > 0, words);
  const told = await page.innerText("dialog.recount [role=status]");
  check(`${at}: the verdict is spoken`, told === words, told);
  if (width > 800) {
    const size = await page.evaluate(() => parseFloat(getComputedStyle(document.querySelector(".recount .verdict strong")).fontSize));
    check(`${at}: the verdict is ${size} px high`, size >= FAR_PX);
  }
  const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, document.querySelector("dialog").scrollWidth - document.querySelector("dialog").clientWidth));
  check(`${at}: nothing scrolls sideways`, wide <= 0, `${wide} px too wide`);
  await accessible(page, at, check);
  if (shots) await page.screenshot({ path: `${shots}/seal-${width}x${height}.png` });
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog.recount", { state: "detached", timeout: 5_000 });
  const back = await page.evaluate(() => document.activeElement?.classList.contains("seal"));
  check(`${at}: Escape closes it and gives the focus back`, back === true);
  if (width > 800) await wrong({ page, at, check, shots });
  await page.close();
}

/** A difference, and a server that refuses, as the page would be told of them. */
async function wrong({ page, at, check, shots }) {
  const difference = "orders 15m: Watchfloor says 12 (numerator 12, denominator none, n 12), the log says 13 (numerator 13, denominator none, n 13)";
  const differs = {
    state: "differs", words: `Recounted 900 records from offset 0: 480 of 481 numbers are equal. First difference: ${difference}.`,
    s: 1767225600, records: 900, of: 900, score: { numbers: 481, equal: 480, not_provable: 0 }, difference,
  };
  await page.route("**/v1/recount", (route) => route.fulfill({ status: 202, json: differs }));
  await page.click("header .seal");
  await page.waitForSelector('dialog.recount[data-state="differs"]', { timeout: 5_000 });
  const shown = await verdict(page);
  const said = await page.innerText("dialog.recount [role=status]");
  check(`${at}: a difference is told by word and shape`, shown.includes("differs") && shown.includes("1 of 481 numbers") && (await page.locator(".recount .shape").count()) === 1, shown);
  check(`${at}: both values are told`, said.includes(difference), said);
  await accessible(page, `${at}, a difference`, check);
  if (shots) await page.screenshot({ path: `${shots}/seal-differs.png` });
  await page.unroute("**/v1/recount");
  const problem = { title: "nothing to recount", detail: "nothing is sealed yet", errors: [{ fix: "try again" }] };
  await page.route("**/v1/recount", (route) => route.fulfill({ status: 503, json: problem }));
  await page.click("dialog.recount >> text=Recount again");
  await page.waitForSelector("dialog.recount .verdict:has-text('no answer')", { timeout: 5_000 });
  const refused = await page.innerText("dialog.recount [role=status]");
  check(`${at}: a refusal is told with its fix`, refused.includes("nothing is sealed yet; try again"), refused);
  await page.click("dialog.recount >> text=Close");
  await page.waitForSelector("dialog.recount", { state: "detached", timeout: 5_000 });
  await page.unroute("**/v1/recount");
}
