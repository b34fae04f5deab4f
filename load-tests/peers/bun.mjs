// A peer of the bench: Bun publishes one frame to a topic that all are in, in the same rhythm.
const [before, after] = process.env.FANOUT_FRAME.split("@");
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("", { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    open: (socket) => socket.subscribe("board"),
    message: () => {},
  },
});

setInterval(() => {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
  server.publish("board", `${before}${micros}${after}`);
}, Number(process.env.FANOUT_INTERVAL_MS));

console.log(`http://127.0.0.1:${server.port}`);
// It ends with whoever started it, and by itself after half an hour.
process.stdin.on("end", () => process.exit()).resume();
setTimeout(() => process.exit(), 1_800_000);
