import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cellHash, fnv, prefix, text } from "./digest";
import { type Ear, type Heard, listen, pause } from "./stream";
import { type Frame, View } from "./view";

class Socket {
  readyState = 1;
  sent: { op: string; [field: string]: unknown }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((m: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  send(words: string): void {
    this.sent.push(JSON.parse(words));
  }
  close(): void {
    this.readyState = 3;
  }
  hears(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const info = { unit: "count", scale: 0, direction: "up", definition: "d" };
const g = (value: number): string => text(cellHash(fnv(prefix("k", "d", "now", {})), value, 0));
const snapshot = (seq: number, value: number): Frame => ({
  op: "view", id: 1, mode: "snapshot", epoch: "e", seq, s: 100 + seq, g: g(value),
  cells: [[1, "k", "now", {}, info]], values: [[1, value, 0]],
});

let sockets: Socket[];
let heard: Heard[];
let ear: Ear;
let view: View;
let unheard: number;

function newest(): Socket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("nobody dialled");
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  sockets = [];
  unheard = 0;
  heard = [];
  view = new View();
  ear = listen("care", view, (h) => heard.push(h), () => {
    sockets.push(new Socket());
    return newest() as unknown as WebSocket;
  }, () => void (unheard += 1));
  newest().onopen?.();
});

afterEach(() => {
  ear.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the ear", () => {
  it("subscribes the board, sealed, and acknowledges once a second", () => {
    expect(newest().sent[0]).toEqual({ op: "sub", id: 1, board: "care", cadence: "sealed", ack: true });
    newest().hears(snapshot(4, 7));
    newest().hears({ op: "d", id: 1, seq: 5, s: 105, v: [[1, 8, 0]], g: g(8) });
    vi.advanceTimersByTime(2000);
    const ack = { op: "ack", id: 1, seq: 5, g: g(8) };
    expect(newest().sent.slice(1)).toEqual([ack, ack]);
  });

  it("resumes from its cursor after a lost socket", () => {
    newest().hears(snapshot(4, 7));
    newest().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(10_000);
    expect(sockets).toHaveLength(2);
    newest().onopen?.();
    expect(newest().sent[0]).toMatchObject({ op: "sub", since: { epoch: "e", seq: 4 } });
  });

  it("asks for a diff since the last proof where the digest differs, and acknowledges nothing meanwhile", () => {
    newest().hears(snapshot(4, 7));
    newest().hears({ op: "d", id: 1, seq: 5, s: 105, v: [[1, 8, 0]], g: g(9) });
    expect(heard.at(-1)?.verified).toBe(false);
    expect(newest().sent.slice(-2).map((f) => f.op)).toEqual(["unsub", "sub"]);
    expect(newest().sent.at(-1)).toMatchObject({ since: { epoch: "e", seq: 4 } });
    newest().hears({ op: "d", id: 1, seq: 6, s: 106, v: [[1, 9, 0]], g: g(9) });
    expect(heard.at(-1)?.verified).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(newest().sent.at(-1)?.op).toBe("sub");
    newest().hears({ op: "view", id: 1, mode: "diff", epoch: "e", seq: 7, s: 107, cells: [], values: [[1, 9, 0]], g: g(9) });
    expect(heard.at(-1)?.verified).toBe(true);
  });

  it("asks for the whole board where the diff does not add up either", () => {
    newest().hears(snapshot(4, 7));
    newest().hears({ op: "d", id: 1, seq: 5, s: 105, v: [[1, 8, 0]], g: g(9) });
    newest().hears({ op: "view", id: 1, mode: "diff", epoch: "e", seq: 6, s: 106, cells: [], values: [], g: g(9) });
    expect(newest().sent.slice(-2).map((f) => f.op)).toEqual(["unsub", "sub"]);
    expect(newest().sent.at(-1)).not.toHaveProperty("since");
    newest().hears(snapshot(7, 9));
    expect(heard.at(-1)?.verified).toBe(true);
  });

  it("does not quarrel where a whole board does not add up either", () => {
    newest().hears({ ...snapshot(4, 7), g: g(1) });
    newest().hears({ ...snapshot(5, 7), g: g(1) });
    const sent = newest().sent.length;
    expect(newest().readyState).toBe(3);
    newest().hears({ ...snapshot(6, 7), g: g(1) });
    expect(newest().sent).toHaveLength(sent);
  });

  it("drops a socket that says nothing for ten seconds", () => {
    newest().hears(snapshot(4, 7));
    vi.advanceTimersByTime(9_500);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(3_000);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.readyState).toBe(3);
  });

  it("does not take garbage for a sign of life", () => {
    newest().hears(snapshot(4, 7));
    const before = heard.length;
    newest().onmessage?.({ data: "{" });
    newest().onmessage?.({ data: "null" });
    newest().hears({ seq: 5 });
    expect(heard).toHaveLength(before);
  });

  it("knows a frame that is not sealed, and a heartbeat without a second", () => {
    newest().hears(snapshot(4, 7));
    expect(heard.at(-1)?.sealed).toBe(true);
    newest().hears({ op: "d", id: 1, seq: 5, sealed: false, now: Date.now() + 500, waiting_for: [3], v: [], g: g(7) });
    expect(heard.at(-1)).toMatchObject({ sealed: false, waitingFor: [3], skew: 500 });
    newest().hears({ op: "hb", id: 1, seq: 5, now: Date.now(), g: g(7) });
    expect(heard.at(-1)?.sealed).toBe(false);
    newest().hears({ op: "hb", id: 1, seq: 5, s: 106, now: Date.now(), g: g(7) });
    expect(heard.at(-1)?.sealed).toBe(true);
  });

  it("asks whether it is still let in where a socket never opened, or was closed for that", () => {
    newest().onclose?.({ code: 1006 });
    expect(unheard).toBe(1);
    vi.advanceTimersByTime(200);
    newest().hears(snapshot(4, 7));
    newest().onclose?.({ code: 1006 });
    expect(unheard).toBe(1);
    vi.advanceTimersByTime(400);
    newest().hears(snapshot(5, 7));
    newest().onclose?.({ code: 4403 });
    expect(unheard).toBe(2);
  });

  it("leaves when told goodbye, and comes back in the time it was given", () => {
    newest().hears(snapshot(4, 7));
    newest().hears({ op: "bye", reason: "draining", retry_ms: 1000 });
    vi.advanceTimersByTime(400);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(sockets).toHaveLength(2);
  });

  it("passes on what the server refused, in its words", () => {
    newest().hears({ op: "error", id: 1, code: "unknown_board", detail: "no board x", fix: "boards are: care" });
    expect(heard.at(-1)?.refused).toBe("no board x; boards are: care");
  });
});

it("waits longer with each try, never longer than fifteen seconds, never the same for all", () => {
  expect([pause(1, 1), pause(2, 1), pause(20, 1)]).toEqual([500, 1000, 15_000]);
  expect(pause(3, 0)).toBe(0);
});
