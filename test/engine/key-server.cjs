// For a thread: answers as the transit engine of Vault does. What it wraps is a key of a test's stack, so it has none of
// its own. It posts its port.
const { createServer } = require("node:http");
const { json } = require("node:stream/consumers");
const { parentPort } = require("node:worker_threads");

const MARK = "vault:v1:";

const server = createServer((request, response) => {
  void json(request).then(({ plaintext, ciphertext }) => {
    const data = request.url.includes("/encrypt/")
      ? { ciphertext: MARK + plaintext }
      : { plaintext: ciphertext.slice(MARK.length) };
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ data }));
  });
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
