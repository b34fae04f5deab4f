// An alert on two screens: raised by payments that fail, read, taken, handed over, shelved.
import { accessible } from "./looks.mjs";

const READY_MS = 20_000;
const RAISED_MS = 40_000;
/** More failed payments than the demo's people make in five minutes. */
const FAILURES = 60;
const STEP_MS = 10_000;
const VERIFIED = 'main[data-verified="true"][data-trust="live"] .tile';

async function wall({ browser, url }, [width, height]) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(`${url}/`);
  await page.waitForSelector(VERIFIED, { timeout: READY_MS });
  return page;
}

/** Payments that fail, as people would send them: at once instead of over minutes. */
async function fail(url) {
  const time = new Date().toISOString();
  const one = (_, i) => ({
    specversion: "1.0", id: `e2e-${time}-${i}`, source: "payments", type: "cx.commerce.checkout_step.v1", time,
    subject: `e2e:${i}`, data: { channel: "web", step: "payment", outcome: "failed" },
  });
  const body = JSON.stringify(Array.from({ length: FAILURES }, one));
  await fetch(`${url}/v1/events`, { method: "POST", headers: { "content-type": "application/cloudevents-batch+json" }, body });
}

/** Payments fail until the rail says so; both screens see who took it. */
export async function alerts(around) {
  const { url, check, shots } = around;
  const post = (path, body) => fetch(`${url}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const page = await wall(around, [1920, 1080]);
  const phone = await wall(around, [390, 844]);
  await fail(url);
  await page.waitForSelector(".row.p1 .opens", { timeout: RAISED_MS });
  const row = await page.innerText(".row.p1");
  const { alerts: all } = await (await fetch(`${url}/v1/alerts`)).json();
  const told = all.find((a) => a.kpi === "checkout_errors");
  const parts = ["P1", told.title, "payment", "since", `untaken: ${told.owner}`, told.next_step];
  check("alert: the rail says priority, what, since when, whose and what to do", parts.every((p) => row.includes(p)), row);
  check("alert: its tile is marked", (await page.locator(".tile.off.p1").count()) === 1);
  const alone = await page.evaluate(() => getComputedStyle(document.querySelector(".row.p1 .body")).fill);
  await page.focus(".row.p1 .opens");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog.alert");
  await accessible(page, "alert, opened", check);
  const tells = await page.innerText(".alert [data-told]");
  const names = told.notify.every((n) => tells.includes(n.to.replaceAll("_", " ")));
  check("alert: opened, it says who is told and who has no address", names && told.notify.length > 0 && tells.includes("no address") === told.notify.some((n) => !n.address), tells);
  if (shots) await page.screenshot({ path: `${shots}/alert-1920x1080.png` });
  await page.selectOption(".alert .acts select", "Ben Ito");
  await page.focus("[data-act=take]");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".row.p1.taken", { timeout: STEP_MS });
  check("alert: who took it is said", (await page.innerText(".alert [role=status]")) === "Taken by Ben Ito.");
  const had = await page.evaluate(() => getComputedStyle(document.querySelector(".row.p1 .body")).fill);
  check("alert: taken looks different without colour", alone !== "none" && had === "none", `${alone} and ${had}`);
  const second = await post("/v1/actions", { action: "take_alert", alert: told.alert, by: "Ada Nowak" });
  const { detail } = await second.json();
  check("alert: the second taker is told by whom it is taken", second.status === 409 && detail.startsWith("Ben Ito took it at "), detail);
  await phone.waitForSelector(".row.p1.taken", { timeout: STEP_MS });
  const other = await phone.innerText(".row.p1");
  check("alert: the other screen says who has it", other.includes("Ben Ito"), other);
  await phone.click(".row.p1 .opens");
  await phone.selectOption(".alert .acts p select", "Cleo Martin");
  await phone.click("[data-act=hand_over]");
  await page.waitForFunction(() => document.querySelector(".row.p1").innerText.includes("Cleo Martin"), undefined, { timeout: STEP_MS });
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check("alert, 390x844: handed over, nothing scrolls sideways", wide <= 0, `${wide} px too wide`);
  await phone.click("[data-act=shelve]");
  await phone.waitForFunction(() => document.querySelector(".alert [role=status]").textContent.includes("ask why"), undefined, { timeout: STEP_MS });
  check("alert: shelving without a reason is refused with words", true);
  await phone.fill(".alert .acts input", "known outage");
  await phone.click("[data-act=shelve]");
  await page.waitForSelector(".row.p1", { state: "detached", timeout: STEP_MS });
  check("alert: a shelved one stays counted", /shelved 1/i.test(await page.innerText(".rail")));
  await Promise.all([page.close(), phone.close()]);
}
