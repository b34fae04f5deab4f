// The wall in the past: what it shows there, how it says so, and that one press leads back.
import { accessible, calm } from "./looks.mjs";

const READY_MS = 20_000;
const LIVE = 'main[data-verified="true"][data-trust="live"] .tile';
const PAST = 'main.past[data-verified="true"]';

const seen = (page) =>
  page.evaluate(() => ({
    ...document.querySelector("main").dataset,
    tiles: [...document.querySelectorAll(".tile")].map(({ dataset }) => `${dataset.cell} ${dataset.value} ${dataset.state}`),
    band: document.querySelector(".past-band")?.innerText ?? "",
    wide: document.documentElement.scrollWidth - innerWidth,
    high: document.documentElement.scrollHeight - innerHeight,
    focus: document.activeElement?.dataset.step ?? document.activeElement?.className,
  }));
const until = (page, other) =>
  page.waitForFunction((s) => document.querySelector("main.past")?.dataset.s !== s, other, { timeout: 5000 });

/** The page holds what the API says of the second it shows. */
async function compare(at, url, page, check) {
  const shown = await seen(page);
  const board = await (await fetch(`${url}/v1/boards/care?s=${shown.s}`)).json();
  const values = new Map(board.values.map(([id, value, state]) => [id, `${id} ${value} ${state}`]));
  const told = board.layout.tiles.map((t) => values.get(t.cell));
  check(`${at}: all tiles are the API's at ${shown.s}`, shown.tiles.join() === told.join(), `${shown.tiles} / ${told}`);
  check(`${at}: so is the digest`, shown.g === board.g, `${shown.g} / ${board.g}`);
  check(`${at}: a whole minute`, Number(shown.s) % 60 === 0, shown.s);
  return shown;
}

/** By keyboard and mouse into the past and back. */
export async function rewind({ browser, url, check, shots }) {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  const errors = [];
  page.on("pageerror", (e) => errors.push(String(e)));
  await page.goto(`${url}/?strip=off`);
  await page.waitForSelector(LIVE, { timeout: READY_MS });
  const now = Number((await seen(page)).s);
  await page.focus(".rewind");
  await page.keyboard.press("Enter");
  await page.waitForSelector(PAST, { timeout: 5000 });
  const first = await compare("rewound", url, page, check);
  check("rewound: to the newest minute before now", now - Number(first.s) <= 60, `${first.s} at ${now}`);
  check("rewound: an unmistakable band", /NOT LIVE . as sealed \d\d:\d\d\n/.test(first.band), first.band);
  check("rewound: the keyboard steps next", first.focus === "-1", first.focus);
  check("rewound: the wall does not scroll", first.wide <= 0 && first.high <= 0, `${first.wide}, ${first.high}`);
  await page.keyboard.press("Enter");
  await until(page, first.s);
  const second = await compare("a minute back", url, page, check);
  check("a minute back", Number(first.s) - Number(second.s) === 60, `${first.s} to ${second.s}`);
  await page.keyboard.press("{");
  await until(page, second.s);
  const third = await compare("15 minutes back", url, page, check);
  check("15 minutes back", Number(second.s) - Number(third.s) === 900, `${second.s} to ${third.s}`);
  // Where the day is another one the band says so, and keeps to its place all the same.
  const [end, clock] = await page.evaluate(() => [".past-band .back", "header .time"].map((c) => document.querySelector(c).getBoundingClientRect()));
  check("rewound: the band keeps clear of the clock", end.right < clock.left, `${end.right} to ${clock.left}`);
  const cut = await page.evaluate(() => [...document.querySelectorAll(".past-band p *")].filter((e) => e.scrollWidth > e.clientWidth + 1).length);
  check("rewound: none of its words is cut off", cut === 0);
  await accessible(page, "rewound", check);
  await calm(page, "rewound", check);
  if (shots) await page.screenshot({ path: `${shots}/rewound-1920x1080.png` });
  await detail(page, third.s, check);
  await restored(page, third.s, check);
  await page.click(".back");
  await page.waitForSelector(LIVE, { timeout: 5000 });
  const live = await seen(page);
  check("back to live: with one press, the focus where it was", live.band === "" && live.focus.includes("rewind"), live.focus);
  check("back to live: the address says so", !page.url().includes("at="), page.url());
  await page.setViewportSize({ width: 320, height: 844 });
  await page.keyboard.press("[");
  await page.waitForSelector(PAST, { timeout: 5000 });
  const narrow = await seen(page);
  check("rewound, 320x844: nothing scrolls sideways", narrow.wide <= 0, `${narrow.wide} px too wide`);
  await page.keyboard.press("l");
  await page.waitForSelector(LIVE, { timeout: 5000 });
  check("rewound: no error in the page", errors.length === 0, errors.join("; "));
  await page.close();
}

/** An opened number is of the same second, and says that it is not of now. */
async function detail(page, s, check) {
  await page.focus(".tile");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog dl dt:has-text('numerator')", { timeout: 5000 });
  const text = await page.innerText("dialog");
  check("rewound: an opened number says so", /not live, as sealed \d\d:\d\d/.test(text), text);
  check("rewound: its parts are of that second", text.includes("sealed second") && text.includes(":00"), text);
  check("rewound: last week is told, or that it is not kept", /last week/i.test(text), text);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached", timeout: 5000 });
  check("rewound: Escape closes the number only", (await page.getAttribute("main", "data-s")) === s);
}

/** The address brings back what was shown. */
async function restored(page, s, check) {
  check("rewound: the address names the second", page.url().includes(`at=${s}`), page.url());
  await page.reload();
  await page.waitForSelector(PAST, { timeout: READY_MS });
  check("rewound: the address restores it", (await page.getAttribute("main", "data-s")) === s);
}
