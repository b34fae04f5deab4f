// The glossary in a real Chromium: from a tile to its meaning and its why, and back; held against the API.
import { accessible } from "./looks.mjs";

const READY_MS = 20_000;
const NARROWEST = 320;

/** What is wrong with the page's width and console, for every page that was opened. */
function watched(page) {
  const errors = [];
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  page.on("pageerror", (e) => errors.push(String(e)));
  return errors;
}

const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

export async function glossary({ browser, url, check, shots }) {
  for (const [width, height] of [[1920, 1080], [390, 844]]) {
    const at = `glossary ${width}x${height}`;
    const page = await browser.newPage({ viewport: { width, height } });
    const errors = watched(page);
    try {
      await fromTheWall(page, { url, at, check, shots });
      await searched(page, { url, at, check, shots });
      await refused(page, { url, at, check });
      const told = errors.filter((e) => !/status of 40[04]/.test(e));
      check(`${at}: no error in the console`, told.length === 0, told.join("; "));
    } catch (error) {
      check(`${at}: comes to its end`, false, `${error.message}; ${errors.join("; ")}`);
    } finally {
      await page.close();
    }
  }
  await light({ browser, url, check, shots });
}

/** A tile, its detail, its meaning, its why, and back to the tile: by keyboard alone. */
async function fromTheWall(page, { url, at, check, shots }) {
  await page.goto(`${url}/`);
  await page.waitForSelector('main[data-verified="true"] .tile', { timeout: READY_MS });
  const cell = await page.getAttribute(".tile", "data-cell");
  await page.focus(".tile");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog a.plain");
  await page.focus("dialog a.plain");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-why]", { timeout: READY_MS });
  const seen = await page.evaluate(() => {
    const { top, bottom } = document.querySelector("[data-why]").getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  check(`${at}: the answer is in sight`, seen);
  const here = new URL(page.url());
  const [, kpi, query] = /^#([^?]+)\?(.*)$/.exec(here.hash) ?? [];
  const s = await page.getAttribute("[data-why]", "data-s");
  const answer = await fetch(`${url}/v1/kpis/${kpi}/why?${query}&s=${s}`);
  const told = await answer.json();
  const shown = await page.getAttribute("[data-why]", "data-why");
  check(`${at}: the value of ${kpi} is the API's`, shown === String(told.value), `${shown}, the API ${told.value}`);
  const board = await (await fetch(`${url}/v1/boards/care?s=${s}`)).json();
  const own = board.values?.find(([id]) => String(id) === cell);
  check(`${at}: it is the wall's value of that second`, shown === String(own?.[1]), `${shown}, the wall ${own?.[1]}`);
  const entry = await (await fetch(`${url}/v1/kpis/${kpi}`)).json();
  const text = await page.innerText(".glossary");
  const words = [entry.business_name, kpi, entry.meaning, entry.said.sentence, entry.owners.business, entry.owners.technical, entry.definition, entry.file];
  const missing = words.filter((w) => !text.includes(w));
  check(`${at}: the definition is told whole`, missing.length === 0, missing.join("; "));
  const parts = entry.said.parts.map(([, words]) => words);
  const flat = text.replace(/\s+/g, " ");
  check(`${at}: the formula stands as it is written`, parts.every((p) => flat.includes(p)), parts.join("; "));
  check(`${at}: the worked line is the API's`, text.includes(told.worked), told.worked);
  const offsets = told.partitions.map((p) => String(p.next_offset));
  check(`${at}: every partition's offset stands there`, offsets.every((o) => text.includes(o)), offsets.join());
  const ids = told.samples.numerator.map((e) => e.id).filter(Boolean);
  check(`${at}: events are named (${ids.length})`, ids.length > 0 && ids.every((id) => text.includes(id)), ids.join());
  check(`${at}: nothing scrolls sideways`, (await wide(page)) <= 0, `${await wide(page)} px too wide`);
  await accessible(page, at, check);
  if (shots) await page.screenshot({ path: `${shots}/glossary-why-${at.split(" ")[1]}.png`, fullPage: true });
  await page.focus(".glossary header a:last-child");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog h2", { timeout: READY_MS });
  check(`${at}: back on the wall with the same number open`, new URL(page.url()).hash === `#number-${cell}`, page.url());
}

/** The list: `/`, letters, arrow, Enter. */
async function searched(page, { url, at, check, shots }) {
  await page.goto(`${url}/glossary`);
  await page.waitForSelector("nav li a", { timeout: READY_MS });
  if (shots) await page.screenshot({ path: `${shots}/glossary-list-${at.split(" ")[1]}.png` });
  const all = await (await fetch(`${url}/v1/kpis`)).json();
  check(`${at}: lists all ${all.total} numbers`, (await page.locator("nav li a").count()) === all.total);
  await page.keyboard.press("/");
  await page.keyboard.type("CONVERSION");
  const few = await (await fetch(`${url}/v1/kpis?q=conversion`)).json();
  await page.waitForFunction((n) => document.querySelectorAll("nav li a").length === n, few.total, { timeout: 5000 });
  check(`${at}: finds ${few.total} by letters of either case`, few.total > 0 && few.total < all.total);
  await page.keyboard.press("ArrowDown");
  const first = await page.evaluate(() => document.activeElement?.getAttribute("href"));
  await page.keyboard.press("Enter");
  await page.waitForSelector(`main[data-kpi="${first.slice(1)}"] h2`, { timeout: 5000 });
  check(`${at}: the address names what is open`, new URL(page.url()).hash === first, page.url());
  await page.waitForSelector("table.values a", { timeout: 5000 });
  await page.focus("table.values a");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-why]", { timeout: READY_MS });
  check(`${at}: a value chosen in the table is asked about`, new URL(page.url()).hash.startsWith(`${first}?window=`), page.url());
  await page.goBack();
  await page.waitForSelector("[data-why]", { state: "detached", timeout: 5000 });
  check(`${at}: Back goes back`, new URL(page.url()).hash === first, page.url());
  const { width, height } = page.viewportSize();
  if (width <= 800) {
    await page.setViewportSize({ width: NARROWEST, height });
    check(`${at}: at ${NARROWEST} px nothing scrolls sideways`, (await wide(page)) <= 0, `${await wide(page)} px too wide`);
    await page.setViewportSize({ width, height });
  }
}

/** What is not there, what has no lineage, and a search without a result say what to do. */
async function refused(page, { url, at, check }) {
  await page.goto(`${url}/glossary#weather_today`);
  await page.waitForSelector("h2:has-text('No such number')", { timeout: READY_MS });
  check(`${at}: an unknown number says where to look`, (await page.innerText("main")).includes("Choose one from the list"));
  await page.goto(`${url}/glossary#consumer_lag`);
  await page.waitForSelector("main .hero", { timeout: READY_MS });
  check(`${at}: what processes measure offers no why`, (await page.locator("aside").count()) === 0);
  await page.goto(`${url}/glossary?none`);
  await page.waitForSelector("nav li a", { timeout: READY_MS });
  await page.fill("#q", "xyzzy");
  await page.waitForSelector("nav p:has-text('write fewer letters')", { timeout: 5000 });
  check(`${at}: a search without a result says what to do`, true);
  await page.goto(`${url}/glossary#checkout_errors?window=2m&channel=all`);
  await page.waitForSelector("aside .loud:has-text('windows are')", { timeout: READY_MS });
  check(`${at}: a window that is not there is refused with those that are`, true);
}

async function light({ browser, url, check, shots }) {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await page.goto(`${url}/glossary?theme=light#checkout_errors?window=15m&channel=all&step=all`);
  await page.waitForSelector("[data-why]", { timeout: READY_MS });
  await accessible(page, "glossary 1920x1080, light", check);
  const back = await page.getAttribute(".glossary header a:last-child", "href");
  check("glossary: the theme goes along to the wall", back.includes("theme=light"), back);
  if (shots) await page.screenshot({ path: `${shots}/glossary-light-1920x1080.png` });
  await page.close();
}
