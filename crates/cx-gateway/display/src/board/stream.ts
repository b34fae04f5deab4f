// The wall's ear: one socket, resumed by cursor, acknowledged once a second.
import { ended } from "./session";
import type { Frame, View } from "./view";

/** What was last heard. Freshness is computed from `heardAt`, never stored as a flag. */
export interface Heard {
  /** When the last frame came, ms of this machine. */
  heardAt: number;
  /** The server's clock minus ours, ms; null until a frame told it. */
  skew: number | null;
  sealed: boolean;
  waitingFor: number[];
  /** Whether the digest computed here equals the one in the last frame. */
  verified: boolean;
  /** The server's words where it refused the subscription. */
  refused: string;
}

export interface Ear {
  /** Tries at once, for when the machine woke up or the network came back. */
  wake: () => void;
  stop: () => void;
}

/** Without any frame for this long the socket counts as dead, whatever it says. */
export const SILENCE_MS = 10_000;
const ACK_MS = 1_000;
const SLOWEST_MS = 15_000;

/** Full jitter: anything up to 250 ms, doubled per try; a thousand walls do not come back at once. */
export function pause(tries: number, random: number): number {
  return random * Math.min(SLOWEST_MS, 250 * 2 ** Math.min(tries, 10));
}

/** Close codes of a stream that its reader may not hear any more: 4401, 4403, 4406. */
const OUT = [4401, 4403, 4406];

/** Listens until stopped; calls `changed` after each frame, `unheard` where a stream is not let in. */
export function listen(
  board: string,
  view: View,
  changed: (heard: Heard, frame: Frame) => void,
  connect: () => WebSocket = dial,
  unheard: () => void = () => void ended(),
): Ear {
  const heard: Heard = {
    heardAt: Date.now(), skew: null, sealed: false, waitingFor: [], verified: false, refused: "",
  };
  let socket: WebSocket | null = null;
  let openedAt = 0;
  let tries = 0;
  // What is asked for after a digest that differs: a diff since the last right one, then everything.
  let mend: "no" | "diff" | "whole" = "no";
  // Whether this socket's subscription has answered: nothing is acknowledged before.
  let joined = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function send(frame: object): void {
    if (socket?.readyState === 1) socket.send(JSON.stringify(frame));
  }

  function subscribe(): void {
    const whole = mend === "whole" || !view.epoch || !view.verified;
    const since = whole ? undefined : { epoch: view.epoch, seq: view.verified };
    send({ op: "sub", id: 1, board, cadence: "sealed", ack: true, since });
  }

  function take(frame: Frame): void {
    heard.heardAt = Date.now();
    if (frame.now !== undefined) heard.skew = frame.now - heard.heardAt;
    if (frame.op === "error") heard.refused = [frame.detail, frame.fix].filter(Boolean).join("; ");
    if (frame.op === "bye") again(Math.random() * (frame.retry_ms ?? 1000));
    if (frame.op === "view" || frame.op === "d" || frame.op === "hb") values(frame);
    changed({ ...heard }, frame);
  }

  function values(frame: Frame): void {
    // After a mismatch only a whole view counts; what was still on its way is not for us.
    if (mend !== "no" && frame.op !== "view") return;
    joined = true;
    heard.verified = view.apply(frame);
    heard.sealed = frame.sealed ?? frame.s !== undefined;
    heard.waitingFor = frame.waiting_for ?? [];
    heard.refused = "";
    if (heard.verified) {
      tries = 0;
      mend = "no";
    } else if (mend === "whole") {
      // Even a whole view does not add up: no quarrel at full speed, try later.
      again(pause(++tries, Math.random()));
    } else {
      mend = mend === "no" && view.verified ? "diff" : "whole";
      send({ op: "unsub", id: 1 });
      subscribe();
    }
  }

  /** Lets go of the socket without waiting for its farewell and dials again after `ms`. */
  function again(ms: number): void {
    const old = socket;
    socket = null;
    if (old) {
      old.onopen = old.onmessage = old.onclose = null;
      old.close();
    }
    clearTimeout(timer);
    timer = setTimeout(open, ms);
  }

  function open(): void {
    openedAt = Date.now();
    joined = false;
    socket = connect();
    socket.onopen = subscribe;
    socket.onmessage = (message: MessageEvent) => {
      const frame = parsed(message.data);
      if (frame) take(frame);
    };
    socket.onclose = (close: CloseEvent) => {
      // A browser does not tell why a socket never opened.
      if (!joined || OUT.includes(close.code)) unheard();
      again(pause(++tries, Math.random()));
    };
  }

  const beat = setInterval(() => {
    if (joined && heard.verified) send({ op: "ack", id: 1, seq: view.seq, g: view.digest });
    const quiet = Date.now() - Math.max(heard.heardAt, openedAt);
    if (socket && quiet > SILENCE_MS) again(pause(++tries, Math.random()));
  }, ACK_MS);
  open();
  return {
    wake: () => {
      if (!socket || Date.now() - heard.heardAt > 3 * ACK_MS) again(0);
    },
    stop: () => {
      clearInterval(beat);
      again(0);
      clearTimeout(timer);
    },
  };
}

function dial(): WebSocket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${location.host}/v1/stream`);
}

/** A frame, or null: whatever cannot be read is no frame and must not keep the wall looking alive. */
function parsed(data: unknown): Frame | null {
  if (typeof data !== "string") return null;
  try {
    const frame = JSON.parse(data) as Frame | null;
    return frame && typeof frame === "object" && typeof frame.op === "string" ? frame : null;
  } catch {
    return null;
  }
}
