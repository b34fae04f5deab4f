// Opens the wall in a real Chromium and compares it with the API at one sealed second.
import { chromium } from "playwright-core";

const url = process.argv[2];
const shots = process.env.SHOTS;
let passed = 0;
let failed = 0;

function check(name, good, detail = "") {
  console.log(`${good ? "ok  " : "FAIL"} ${name} ${good ? "" : detail}`);
  if (good) passed += 1;
  else failed += 1;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  for (const [width, height] of [[1920, 1080], [390, 844]]) {
    const at = `${width}x${height}`;
    const page = await browser.newPage({ viewport: { width, height } });
    const errors = [];
    page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
    page.on("pageerror", (e) => errors.push(String(e)));
    await page.goto(`${url}/`);
    await page.waitForSelector("main[data-verified=true] .tile", { timeout: 20_000 });
    await page.waitForFunction(() => Number(document.querySelector("main")?.dataset.s) > 0);
    const seen = await page.evaluate(() => {
      const main = document.querySelector("main");
      const tiles = [...document.querySelectorAll(".tile")].map((t) => [t.dataset.cell, t.dataset.value, t.dataset.state]);
      return { s: main.dataset.s, g: main.dataset.g, tiles, wide: document.documentElement.scrollWidth > innerWidth };
    });
    const answer = await fetch(`${url}/v1/boards/care?s=${seen.s}`);
    const board = await answer.json();
    check(`${at}: the API still knows second ${seen.s}`, answer.ok, JSON.stringify(board));
    check(`${at}: nine tiles`, seen.tiles.length === 9, String(seen.tiles.length));
    const values = new Map((board.values ?? []).map(([cell, value, state]) => [String(cell), [String(value), String(state)]]));
    for (const [cell, value, state] of seen.tiles) {
      const [v, st] = values.get(cell) ?? [];
      check(`${at}: tile ${cell} shows ${value}`, v === value && st === state, `the API says ${v} with state ${st}`);
    }
    check(`${at}: the digest is the API's`, board.g === seen.g, `${seen.g} against ${board.g}`);
    check(`${at}: nothing scrolls sideways`, !seen.wide);
    check(`${at}: no error in the console`, errors.length === 0, errors.join("; "));
    const text = await page.innerText("main");
    check(`${at}: says that the broker is embedded`, text.includes("EMBEDDED BROKER"));
    if (shots) await page.screenshot({ path: `${shots}/wall-${at}.png` });
    await page.close();
  }
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
