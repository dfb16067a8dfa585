// Sends a file with tus-js-client, Uppy's own client: URL, key, file, and after how many bytes to break off and resume.
import { createReadStream, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.TUS_MODULES, "here.js"));
const tus = require("tus-js-client");
const [url, key, path, breakAt] = process.argv.slice(2);

function send(previous) {
  const upload = new tus.Upload(createReadStream(path), {
    endpoint: url,
    uploadUrl: previous ?? null,
    headers: { Authorization: `Bearer ${key}` },
    metadata: { filename: "from a browser.png", filetype: "image/png", title: "Größe 名前" },
    uploadSize: statSync(path).size,
    chunkSize: 65536,
    retryDelays: [0],
    onError: (error) => {
      console.error(String(error));
      process.exit(1);
    },
    onChunkComplete: (_, accepted) => {
      if (!previous && accepted >= Number(breakAt)) {
        upload.abort().then(() => send(upload.url));
      }
    },
    onSuccess: ({ lastResponse }) => console.log(lastResponse.getHeader("Upload-Asset")),
  });
  upload.start();
}

send();
