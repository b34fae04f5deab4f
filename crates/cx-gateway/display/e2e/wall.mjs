// Opens the wall in a real Chromium and compares it with the API at one sealed second.
// Usage: node e2e/wall.mjs BASE_URL; SHOTS=folder keeps pictures, CHROMIUM=path takes another one.
import { chromium } from "playwright-core";
import { alerts } from "./alerts.mjs";
import { cutOff, gestures, growth } from "./gestures.mjs";
import { governing } from "./governing.mjs";
import { glossary } from "./glossary.mjs";
import { accessible, calm } from "./looks.mjs";
import { rewind } from "./rewind.mjs";
import { seal } from "./seal.mjs";
import process from "node:process";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const SIZES = [[1920, 1080], [390, 844]];
const NARROWEST = 320;
const READY_MS = 20_000;

const url = process.argv[2]?.replace(/\/+$/, "");
const shots = process.env.SHOTS;
let passed = 0;
let failed = 0;

function check(name, good, detail = "") {
  console.log(`${good ? "ok  " : "FAIL"} ${name}${good || !detail ? "" : `: ${detail}`}`);
  if (good) passed += 1;
  else failed += 1;
}

async function api(path) {
  const answer = await fetch(`${url}${path}`);
  return { ok: answer.ok, body: await answer.json() };
}

/** What is on the screen, all of one moment. */
function read() {
  const main = document.querySelector("main.wall");
  const tiles = [...document.querySelectorAll(".tile")].map((tile) => ({
    cell: Number(tile.dataset.cell),
    value: tile.dataset.value,
    state: tile.dataset.state,
    digits: tile.querySelector(".number").textContent,
    name: tile.querySelector(".out").textContent,
  }));
  const cut = [...document.querySelectorAll(".label, .number, .unit, header span, .row strong, .row .fact, .foot .left")];
  return {
    ...main.dataset,
    tiles,
    text: main.innerText,
    wide: document.documentElement.scrollWidth - innerWidth,
    cut: cut.filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display === "block").map((e) => e.textContent),
    high: document.documentElement.scrollHeight - innerHeight,
  };
}

/** The digits of a plain number, worked out apart from the page's own code. */
function expected(value, { unit, scale }) {
  if (value === null) return "\u2014";
  const plain = Math.abs(value) / 10 ** scale;
  if (unit === "seconds" || plain >= 1000) return null;
  return (value < 0 ? "\u2212" : "") + plain.toFixed(scale);
}

async function compare(at, seen) {
  const { ok, body } = await api(`/v1/boards/care?s=${seen.s}`);
  check(`${at}: the API knows second ${seen.s}`, ok, JSON.stringify(body));
  if (!ok) return;
  const tiles = body.layout.tiles;
  const shown = seen.tiles.map((t) => t.cell).join();
  check(`${at}: ${tiles.length} tiles, in the board's order`, shown === tiles.map((t) => t.cell).join(), shown);
  const values = new Map(body.values.map(([cell, value, state]) => [cell, { value, state }]));
  const infos = new Map(body.cells.map(([cell, , , , info]) => [cell, info]));
  for (const tile of seen.tiles) {
    const { value, state } = values.get(tile.cell) ?? {};
    const label = tiles.find((t) => t.cell === tile.cell)?.label ?? `cell ${tile.cell}`;
    const same = tile.value === String(value) && tile.state === String(state);
    check(`${at}: ${label} is ${tile.value}`, same, `the page has ${tile.value}/${tile.state}, the API ${value}/${state}`);
    const info = infos.get(tile.cell);
    const digits = info && tiles.find((t) => t.cell === tile.cell).range[1] / 10 ** info.scale < 10_000 ? expected(value, info) : null;
    if (digits !== null) check(`${at}: ${label} reads ${digits}`, tile.digits === digits, `the page reads ${tile.digits}`);
    check(`${at}: ${label} has a name for screen readers`, tile.name.startsWith(`${label}, `), tile.name);
  }
  check(`${at}: the digest is the API's`, body.g === seen.g, `the page has ${seen.g}, the API ${body.g}`);
  check(`${at}: shows the digest`, seen.text.includes(seen.g.slice(0, 8)));
  const words = "embedded broker: nothing is kept";
  if (body.broker === "embedded") check(`${at}: says that the broker keeps nothing`, seen.text.includes(words));
  check(`${at}: names the zone`, seen.text.includes(body.zone));
}

async function open(browser, width, height) {
  const at = `${width}x${height}`;
  const page = await browser.newPage({ viewport: { width, height } });
  const errors = [];
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  page.on("pageerror", (e) => errors.push(String(e)));
  try {
    await page.goto(`${url}/`);
    await page.waitForSelector('main[data-verified="true"] .tile', { timeout: READY_MS });
    // Once more, so that at least one delta was applied after the whole view.
    const first = await page.getAttribute("main", "data-s");
    await page.waitForFunction(
      (s) => {
        const main = document.querySelector('main[data-verified="true"][data-trust="live"]');
        return main && Number(main.dataset.s) > Number(s);
      },
      first,
      { timeout: READY_MS },
    );
    const seen = await page.evaluate(read);
    if (shots) await page.screenshot({ path: `${shots}/wall-${at}.png` });
    await compare(at, seen);
    check(`${at}: nothing scrolls sideways`, seen.wide <= 0, `${seen.wide} px too wide`);
    check(`${at}: no label or number is cut off`, seen.cut.length === 0, seen.cut.join("; "));
    if (width > 800) check(`${at}: the wall does not scroll`, seen.high <= 0, `${seen.high} px too high`);
    await accessible(page, at, check);
    await calm(page, at, check, shots);
    await number(page, at);
    if (width <= 800) {
      await page.setViewportSize({ width: NARROWEST, height });
      const wide = (await page.evaluate(read)).wide;
      check(`${NARROWEST}x${height}: nothing scrolls sideways`, wide <= 0, `${wide} px too wide`);
    }
    check(`${at}: no error in the console`, errors.length === 0, errors.join("; "));
  } catch (error) {
    check(`${at}: the wall comes up sealed and verified`, false, `${error.message}; ${errors.join("; ")}`);
  } finally {
    await page.close();
  }
}

/** The other theme: same facts, so what is new is only whether it can be read. */
async function light(browser, width, height) {
  const at = `${width}x${height}, light`;
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(`${url}/?theme=light`);
  await page.waitForSelector('main[data-verified="true"] .tile', { timeout: READY_MS });
  if (width > 800) await page.click(".fold");
  await accessible(page, at, check);
  if (shots) await page.screenshot({ path: `${shots}/wall-${width}x${height}-light.png`, fullPage: width <= 800 });
  await page.close();
}

/** Opens the first tile by keyboard, looks for its parts and its chart, closes it with Escape. */
async function number(page, at) {
  await page.focus(".tile");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog .uplot canvas", { timeout: 5000 });
  await page.waitForSelector("dialog dl dt:has-text('numerator')", { timeout: 5000 });
  const text = await page.innerText("dialog");
  const id = Number(await page.getAttribute(".tile", "data-cell"));
  const { body } = await api("/v1/boards/care");
  const [, kpi, , , info] = body.cells.find(([cell]) => cell === id);
  check(`${at}: an opened number tells its names and definition`, [kpi, info.definition, info.business_name, info.meaning].every((w) => text.includes(w)), text);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(`${at}: an opened number does not scroll sideways`, wide <= 0, `${wide} px too wide`);
  await page.click("dialog button[aria-expanded]");
  check(`${at}: its chart has a table`, (await page.locator("dialog .scroll tbody tr").count()) > 0);
  if (shots) await page.screenshot({ path: `${shots}/number-${at}.png` });
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached", timeout: 5000 });
  const back = await page.evaluate(() => document.activeElement?.classList.contains("tile"));
  check(`${at}: Escape closes it and gives the focus back`, back === true);
}

if (!url) {
  console.error("usage: node e2e/wall.mjs BASE_URL, e.g. http://127.0.0.1:7700");
  process.exit(2);
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
console.log(`Chromium ${browser.version()} looks at ${url}`);
try {
  const around = { browser, url, check, shots };
  // What takes its time runs beside the rest: a source falls silent, a socket falls silent.
  const played = await gestures(around);
  const cut = cutOff(around);
  const raised = alerts(around);
  const grown = growth(around);
  const looked = glossary(around);
  const governed = governing(around);
  const wound = rewind(around);
  for (const [width, height] of SIZES) await open(browser, width, height);
  for (const [width, height] of SIZES) await light(browser, width, height);
  for (const [width, height] of SIZES) await seal(around, width, height);
  await Promise.all([cut, raised, grown, looked, governed, wound, played()]);
} catch (error) {
  check("the script comes to its end", false, error.message);
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
