// A peer of the bench: Node and `ws` send one frame to all, in the same rhythm.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const [before, after] = process.env.FANOUT_FRAME.split("@");
const server = createServer();
const door = new WebSocketServer({ server, perMessageDeflate: false });
door.on("connection", (socket) => socket.on("error", () => socket.terminate()));

setInterval(() => {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const frame = `${before}${micros}${after}`;
  for (const socket of door.clients) socket.send(frame);
}, Number(process.env.FANOUT_INTERVAL_MS));

server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
// It ends with whoever started it, and by itself after half an hour.
process.stdin.on("end", () => process.exit()).resume();
setTimeout(() => process.exit(), 1_800_000);
