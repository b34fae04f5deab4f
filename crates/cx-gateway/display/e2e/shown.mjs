// What Chromium shows of the wall at one sealed second, as one line of JSON for a program.
// Usage: node e2e/shown.mjs BASE_URL; CHROMIUM=path says which one.
import { chromium } from "playwright-core";
import process from "node:process";

const READY_MS = 40_000;
const url = process.argv[2]?.replace(/\/+$/, "");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await page.goto(`${url}/`);
  await page.waitForSelector('main[data-verified="true"][data-trust="live"] .tile', { timeout: READY_MS });
  const first = await page.getAttribute("main", "data-s");
  // Once more, so that at least one delta was applied after the whole view.
  const seen = await page.waitForFunction(
    (s) => {
      const main = document.querySelector('main[data-verified="true"][data-trust="live"]');
      if (!main || Number(main.dataset.s) <= Number(s)) return null;
      const tiles = [...document.querySelectorAll(".tile")].map(({ dataset }) => [
        Number(dataset.cell), dataset.value === "null" ? null : Number(dataset.value), Number(dataset.state),
      ]);
      return { s: Number(main.dataset.s), g: main.dataset.g, tiles };
    },
    first,
    { timeout: READY_MS },
  );
  console.log(JSON.stringify(await seen.jsonValue()));
} finally {
  await browser.close();
}
