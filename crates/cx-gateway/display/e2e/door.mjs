// The door of a house whose access is closed, in a real Chromium: a person signs in, lets a screen in and
// out again. Usage: node e2e/door.mjs BASE_URL NAME PASSWORD; CHROMIUM=path says which one, SHOTS=folder keeps pictures.
import { chromium } from "playwright-core";
import { accessible } from "./looks.mjs";
import process from "node:process";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const SIZES = [[1920, 1080], [390, 844]];
const READY_MS = 20_000;
/** Somebody who was shown out may not look on for longer. */
const OUT_MS = 5_000;
const LIVE = 'main[data-verified="true"][data-trust="live"] .tile';

const [, , base, name, password] = process.argv;
const url = base?.replace(/\/+$/, "");
const shots = process.env.SHOTS;
let passed = 0;
let failed = 0;

function check(what, good, detail = "") {
  console.log(`${good ? "ok  " : "FAIL"} ${what}${good || !detail ? "" : `: ${detail}`}`);
  if (good) passed += 1;
  else failed += 1;
}

async function looked(page, at, shot) {
  await accessible(page, at, check);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(`${at}: nothing scrolls sideways`, wide <= 0, String(wide));
  if (shots) await page.screenshot({ path: `${shots}/${shot}-${at.split(" ")[1]}.png`, fullPage: true });
}

const path = (page) => page.evaluate(() => location.pathname + location.search);

/** Signs somebody in, on the way to a wall. */
async function signedIn(page, at) {
  await page.goto(`${url}/wall/care`);
  await page.waitForSelector("form", { timeout: READY_MS });
  check(`${at}: who is not signed in is led to the door`, (await path(page)) === "/sign-in?to=%2Fwall%2Fcare" || (await path(page)) === "/sign-in?to=/wall/care", await path(page));
  await looked(page, at, "door");
  await page.fill("input[autocomplete=username]", name);
  await page.fill("input[type=password]", "not the password");
  await page.click("form button");
  await page.waitForFunction(() => document.querySelector(".told")?.textContent.includes("do not belong together"), null, { timeout: READY_MS });
  await page.fill("input[type=password]", password);
  await page.click("form button");
  await page.waitForSelector(LIVE, { timeout: READY_MS });
  check(`${at}: signed in, the wall is live and proves what it shows`, (await path(page)) === "/wall/care");
  const [cookie] = await page.context().cookies();
  check(`${at}: no script reads the session`, cookie?.httpOnly && cookie.secure && cookie.sameSite === "Strict", JSON.stringify({ ...cookie, value: "" }));
}

/** Another browser shows a code, gets its board, and loses it again. */
async function paired(browser, page, at, size) {
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
  const screen = await context.newPage();
  await screen.goto(`${url}/`);
  await screen.click("[data-act=pair]");
  const code = await screen.getAttribute(".code", "data-code", { timeout: READY_MS });
  if (shots) await screen.screenshot({ path: `${shots}/code.png` });
  await page.goto(`${url}/sign-in`);
  await page.waitForSelector("select option", { state: "attached", timeout: READY_MS });
  await page.fill("form input >> nth=0", code.toLowerCase());
  await page.fill("form input >> nth=1", `wall ${size}`);
  await page.selectOption("form select", "care");
  await page.click("form button");
  await page.waitForSelector("[data-device]", { timeout: READY_MS });
  await looked(page, `${at} in`, "screens");
  await screen.waitForSelector(LIVE, { timeout: READY_MS });
  check(`${at}: a screen that was let in is live`, (await path(screen)) === "/wall/care");
  await screen.click(".tile >> nth=0");
  const acts = await screen.$$eval("dialog [data-act]", (all) => all.length);
  check(`${at}: a screen offers nothing that it may not do`, acts === 0, String(acts));
  await page.click("[data-device] button");
  await screen.waitForSelector("[data-act=pair]", { timeout: OUT_MS });
  check(`${at}: shown out it shows the door within 5 s`, (await path(screen)).startsWith("/sign-in"));
  await context.close();
}

async function out(page, at) {
  await page.click("[data-act=out]");
  await page.waitForSelector("input[type=password]", { timeout: READY_MS });
  await page.goto(`${url}/glossary`);
  check(`${at}: signed out no page is open`, (await path(page)).startsWith("/sign-in"), await path(page));
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: FLAGS });
try {
  for (const [width, height] of SIZES) {
    const at = `door ${width}x${height}`;
    const context = await browser.newContext({ viewport: { width, height } });
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    try {
      await signedIn(page, at);
      await paired(browser, page, at, `${width}x${height}`);
      await out(page, at);
    } catch (error) {
      check(`${at}: comes to its end`, false, error.message);
    }
    check(`${at}: nothing is thrown`, errors.length === 0, errors.join("; "));
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
