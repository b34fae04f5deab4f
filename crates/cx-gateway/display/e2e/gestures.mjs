// What happens to the wall: the demo's gestures, a source that falls silent, a socket that does.
const READY_MS = 20_000;
const VERIFIED = 'main[data-verified="true"][data-trust="live"] .tile';
/** The source with the shortest patience, and how long a page may take to say so after that. */
const SOURCE = "web-shop";
const SLACK_MS = 15_000;

async function wall({ browser, url }, query = "") {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await page.goto(`${url}/${query}`);
  await page.waitForSelector(VERIFIED, { timeout: READY_MS });
  return page;
}

const post = (url, gesture, body) => fetch(`${url}/v1/demo/${gesture}`, { method: "POST", body: JSON.stringify(body) });
const json = async (url, path) => (await fetch(`${url}${path}`)).json();
const status = (page) => page.innerText(".strip [role=status]");
const says = (page, words) =>
  page.waitForFunction((w) => document.querySelector(".strip [role=status]").textContent.includes(w), words, { timeout: 5000 });

/** Plays all gestures by keyboard and mouse; the answer waits until the stopped source is stale. */
export async function gestures(around) {
  const { url, check, shots } = around;
  // Whatever somebody did to this demo before.
  await post(url, "start_source", { source: SOURCE });
  await post(url, "mend_payments", {});
  const page = await wall(around);
  await page.focus(".fold");
  await page.keyboard.press("Enter");
  await page.selectOption(".strip select", SOURCE);
  await page.focus("[data-gesture=source]");
  await page.keyboard.press("Enter");
  await says(page, `${SOURCE} sends nothing now`);
  const stopped = Date.now();
  const scene = await json(url, "/v1/demo");
  check("strip: the server knows the stopped source", scene.sources.find((s) => s.source === SOURCE)?.stopped === true);

  await page.click("[data-gesture=payments]");
  await says(page, "Payments fail now");
  check("strip: payments fail", (await json(url, "/v1/demo")).payments_failing === true);
  await page.click("[data-gesture=event]");
  await says(page, "in the log");
  const shown = await page.innerText(".strip pre");
  check("strip: the event was accepted", shown.includes('{"accepted":1,"refused":[]}'), shown);
  check("strip: its command is shown", shown.startsWith(`curl -sS ${url}/v1/events`) && shown.includes("by-hand-"), shown);
  await page.click("[data-gesture=payments]");
  await says(page, "Payments work again");
  check("strip: payments are mended", (await json(url, "/v1/demo")).payments_failing === false);
  await page.click("[data-gesture=engine]");
  await says(page, "keeps nothing");
  if (shots) await page.screenshot({ path: `${shots}/strip-1920x1080.png` });
  await page.keyboard.press("Escape");
  check("strip: Escape folds it", (await page.getAttribute(".fold", "aria-expanded")) === "false");
  return () => silent({ ...around, page, stopped });
}

/** Whether the header counts fewer current feeds than there are. */
function feeds(header) {
  const [, current, all] = /(\d+) of (\d+) feeds current/.exec(header) ?? [];
  return Number(current) < Number(all);
}

/** Its tiles and its row say that the source is silent; started again, they are live. */
async function silent({ url, check, shots, page, stopped }) {
  const { layout } = await json(url, "/v1/boards/care");
  const patience = layout.rail.sources.find((s) => s.name === SOURCE).freshness_s * 1000;
  const fed = layout.tiles.filter((t) => t.sources?.includes(SOURCE)).map((t) => t.cell);
  const left = Math.max(0, stopped + patience - Date.now()) + SLACK_MS;
  await page.waitForFunction(
    (cells) => cells.every((c) => document.querySelector(`[data-cell="${c}"]`).dataset.feed === "stale"),
    fed,
    { timeout: left },
  );
  const took = Date.now() - stopped;
  check(`silent: ${fed.length} tiles are stale ${Math.round(took / 1000)} s after the stop`, fed.length >= 3 && took >= patience, `${took} ms`);
  const seen = await page.evaluate(() => ({
    stale: [...document.querySelectorAll(".tile.stale")].map((t) => Number(t.dataset.cell)),
    names: [...document.querySelectorAll(".tile.stale")].map((t) => t.querySelector(".out").textContent),
    rail: document.querySelector(".rail").innerText,
    header: document.querySelector("header").innerText,
  }));
  check("silent: only its tiles are stale", seen.stale.join() === fed.join(), seen.stale.join());
  check("silent: each says when it last heard", seen.names.every((n) => /last .*\d\d:\d\d:\d\d, \d+ (s|min) ago/.test(n)), seen.names.join("; "));
  check("silent: the rail names it", seen.rail.includes(SOURCE) && seen.rail.includes("silent"), seen.rail);
  check("silent: the header counts it", feeds(seen.header), seen.header);
  if (shots) await page.screenshot({ path: `${shots}/silent-1920x1080.png` });
  await page.click(".fold");
  await page.selectOption(".strip select", SOURCE);
  await page.click("[data-gesture=source]");
  await says(page, "sends again");
  await page.waitForFunction(() => !document.querySelector(".tile.stale"), undefined, { timeout: 10_000 });
  check("silent: started again, all tiles are live", (await status(page)).includes("restated"));
  await page.close();
}

/** A socket without frames: all tiles stale within 12 s, live again when frames come. */
export async function cutOff({ browser, url, check, shots }) {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  let cut = false;
  await page.routeWebSocket(/\/v1\/stream/, (ws) => {
    const server = ws.connectToServer();
    server.onMessage((frame) => cut || ws.send(frame));
    ws.onMessage((frame) => cut || server.send(frame));
  });
  await page.goto(`${url}/?strip=off`);
  await page.waitForSelector(VERIFIED, { timeout: READY_MS });
  check("strip=off: there is no strip", (await page.locator(".strip, .fold").count()) === 0);
  cut = true;
  const begun = Date.now();
  await page.waitForFunction(() => [...document.querySelectorAll(".tile")].every((t) => t.classList.contains("stale")), undefined, { timeout: 15_000 });
  const took = Date.now() - begun;
  check(`cut off: all tiles stale after ${(took / 1000).toFixed(1)} s`, took <= 12_000);
  // The seal is a second older than the last frame, so at first its age is the reason.
  await page.waitForSelector("[data-band]:has-text('not connected since')", { timeout: 3_000 });
  const band = await page.innerText("[data-band]");
  check("cut off: the header says so", /not connected since \d\d:\d\d:\d\d/i.test(band), band);
  if (shots) await page.screenshot({ path: `${shots}/cut-1920x1080.png` });
  cut = false;
  await page.waitForSelector(VERIFIED, { timeout: READY_MS });
  const left = await page.locator(".tile.stale[data-feed=current]").count();
  check("cut off: live again with the first frame", left === 0, `${left} tiles are stale`);
  await page.close();
}

/** A wall that runs for a minute has no more listeners and hardly more nodes than after its start. */
export async function growth(around) {
  const { check } = around;
  const page = await wall(around, "?strip=off");
  const dev = await page.context().newCDPSession(page);
  await dev.send("Performance.enable");
  const measure = async () => {
    await dev.send("HeapProfiler.collectGarbage");
    const { metrics } = await dev.send("Performance.getMetrics");
    return new Map(metrics.map((m) => [m.name, m.value]));
  };
  await page.waitForTimeout(5_000);
  const before = await measure();
  await page.waitForTimeout(50_000);
  const after = await measure();
  const more = (name) => after.get(name) - before.get(name);
  // Rows of the rail and marks of tiles come and go; a leak of one node per tile and second is 450.
  check(`50 s: nodes +${more("Nodes")}, heap ${(more("JSHeapUsedSize") / 1024).toFixed(0)} KiB`, more("Nodes") < 120);
  check("50 s: no more listeners", more("JSEventListeners") <= 0, `+${more("JSEventListeners")}`);
  await page.close();
}
