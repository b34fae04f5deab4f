// The door of a house whose access is closed, in a real Chromium: a person signs in, lets a screen in and
// out again; others come from an issuer (e2e/issuer.mjs). Usage: node e2e/door.mjs BASE_URL NAME PASSWORD ISSUER; CHROMIUM=path says which one, SHOTS=folder keeps pictures.
import { chromium } from "playwright-core";
import { accessible } from "./looks.mjs";
import process from "node:process";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const SIZES = [[1920, 1080], [390, 844]];
const READY_MS = 20_000;
/** Somebody who was shown out may not look on for longer. */
const OUT_MS = 5_000;
const LIVE = 'main[data-verified="true"][data-trust="live"] .tile';

const [, , base, name, password, issuer] = process.argv;
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
  const glossary = await page.context().newPage();
  await glossary.goto(`${url}/glossary`);
  await glossary.waitForSelector("nav li a", { timeout: READY_MS });
  await page.click("[data-act=out]");
  await page.waitForSelector("input[type=password]", { timeout: READY_MS });
  await glossary.waitForURL(`${url}/sign-in?**`, { timeout: READY_MS });
  check(`${at}: signed out an open glossary shows the door`, (await path(glossary)) === "/sign-in?to=%2Fglossary", await path(glossary));
  await glossary.close();
  await page.goto(`${url}/glossary`);
  check(`${at}: signed out no page is open`, (await path(page)).startsWith("/sign-in"), await path(page));
}

/** Goes to the issuer from the door and signs in there, under a name of its own. */
async function sent(page, who) {
  // The issuer's own pages ask for fonts of others; nobody waits for them here.
  await page.route(/^https:/, (route) => route.abort());
  await page.goto(`${url}/wall/care`);
  await page.click("[data-act=issuer]", { timeout: READY_MS });
  await page.waitForURL(`${issuer}/**`, { timeout: READY_MS });
  await page.fill("input[name=login]", who);
  await page.fill("input[name=password]", "anything");
  await page.click("button[type=submit]");
  const back = page.waitForRequest((request) => request.url().includes("/v1/sign-in/issuer/callback"), { timeout: READY_MS });
  await page.waitForSelector("text=Authorize", { timeout: READY_MS });
  await page.click("button[type=submit]");
  return (await back).url();
}

/** Somebody whom the issuer vouches for comes in; who is nothing here hears whom to ask. */
async function vouched(browser, at, viewport) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  const came = await sent(page, "olga");
  await page.waitForSelector(LIVE, { timeout: READY_MS });
  check(`${at}: from the issuer to a wall that is live`, (await path(page)) === "/wall/care", await path(page));
  const who = await page.evaluate(async () => (await fetch("/v1/session")).json());
  check(`${at}: what the issuer says is what they are`, who.name === "olga" && who.role === "operator" && String(who.boards) === "care", JSON.stringify(who));
  const cookies = await context.cookies(url);
  const own = cookies.find((one) => one.name === "__Host-watchfloor");
  check(`${at}: it is a session like any other`, own?.httpOnly && own.secure && own.sameSite === "Strict" && cookies.length === 1, cookies.map((one) => one.name).join());
  await page.goto(came);
  check(`${at}: a code comes back once`, (await path(page)).includes("refused=sign_on_not_begun_here"), await path(page));
  await page.goto(`${url}/sign-in`);
  await page.click("[data-act=out]", { timeout: READY_MS });
  await page.waitForSelector("[data-act=issuer]", { timeout: READY_MS });
  const other = await browser.newContext({ viewport });
  const stranger = await other.newPage();
  await stranger.goto(came);
  check(`${at}: another browser gets nothing for it`, (await path(stranger)).includes("refused=sign_on_not_begun_here"), await path(stranger));
  await other.close();
  await context.close();
}

async function nothing(browser, at, viewport, who, words) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  await sent(page, who);
  await page.waitForFunction((words) => document.querySelector(".told")?.textContent.includes(words), words, { timeout: READY_MS });
  const told = await page.textContent(".told");
  check(`${at}: ${who} hears why and whom to ask`, told.includes("the service desk"), told);
  await looked(page, `${at} refused`, "refused");
  const none = (await context.cookies(url)).every((one) => one.name !== "__Host-watchfloor");
  check(`${at}: ${who} has no session`, none);
  await context.close();
}

/** A program with a token of the same issuer. */
async function program() {
  const asked = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("meter:meter-secret")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", resource: "urn:watchfloor", scope: "read" }),
  });
  const { access_token: token } = await asked.json();
  const ask = (path, bearer) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
  const who = await (await ask("/v1/session", token)).json();
  check("a program's token of the issuer holds", who.name === "meter" && who.role === "viewer", JSON.stringify(who));
  check("and for its boards only", (await ask("/v1/boards/care", token)).status === 200 && (await ask("/v1/boards/commerce", token)).status === 403);
  const altered = await ask("/v1/boards/care", `${token.slice(0, -4)}AAAA`);
  check("altered it does not", altered.status === 401 && (await altered.json()).errors[0].field === "token_signature");
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
      await vouched(browser, at, { width, height });
      await nothing(browser, at, { width, height }, "nobody", "no role here");
      await nothing(browser, at, { width, height }, name, "signs in by password");
    } catch (error) {
      check(`${at}: comes to its end`, false, error.message);
    }
    check(`${at}: nothing is thrown`, errors.length === 0, errors.join("; "));
    await context.close();
  }
  await program();
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
