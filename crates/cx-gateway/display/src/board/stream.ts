// The wall's ear: one socket, resumed by cursor, acknowledged once a second.
import { View, type Frame } from "./view";

export interface Status {
  /** When the last frame came, ms of this machine; freshness is computed from it, never stored. */
  heardAt: number;
  /** The server's clock minus ours, ms. */
  skew: number;
  sealed: boolean;
  waitingFor: number[];
  verified: boolean;
}

/** Listens until the page goes; calls `changed` after each frame. */
export function listen(board: string, view: View, changed: (status: Status) => void): void {
  const status: Status = { heardAt: 0, skew: 0, sealed: false, waitingFor: [], verified: false };
  let tries = 0;
  let again = false;

  function open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/v1/stream`);
    const subscribe = (fresh: boolean): void => {
      const since = fresh || !view.epoch ? undefined : { epoch: view.epoch, seq: view.seq };
      socket.send(JSON.stringify({ op: "sub", id: 1, board, cadence: "sealed", ack: true, since }));
    };
    const ack = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN && view.digest && status.verified) {
        socket.send(JSON.stringify({ op: "ack", id: 1, seq: view.seq, g: view.digest }));
      }
    }, 1000);
    socket.onopen = () => subscribe(false);
    socket.onmessage = (message: MessageEvent<string>) => {
      const frame = JSON.parse(message.data) as Frame;
      if (!["view", "d", "hb"].includes(frame.op)) return;
      tries = 0;
      status.verified = view.apply(frame);
      if (!status.verified && !again) subscribe(true);
      again = !status.verified;
      status.heardAt = Date.now();
      if (frame.now !== undefined) status.skew = frame.now - Date.now();
      if (frame.op !== "hb") status.sealed = frame.sealed ?? true;
      status.waitingFor = frame.waiting_for ?? [];
      changed(status);
    };
    socket.onclose = () => {
      clearInterval(ack);
      tries += 1;
      setTimeout(open, Math.random() * Math.min(10_000, 250 * 2 ** tries));
    };
  }
  open();
}
