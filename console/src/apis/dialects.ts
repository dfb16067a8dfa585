/** How each dialect is asked for the same object. */

export interface Call {
  url: string;
  body?: unknown;
  curl: string;
  python: string;
}

export interface Dialect {
  name: string;
  place: string;
  words: string;
  /** What a 404 means here. */
  absent?: string;
  call: Call;
  isAsked: boolean;
}

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The id of `/v3/images`: the same 128 bits, as the 26 characters of a ULID. */
export function imageId(uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let text = "";
  for (let index = 0; index < 26; index++) {
    text = ALPHABET[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return `img_${text}`;
}

export function dialectsOf(id: string, origin: string): Dialect[] {
  return [
    {
      name: "ScaiSend",
      place: "/v3/images",
      isAsked: true,
      words: "Image library of a mail product: ids that begin with img_, public addresses at /i/.",
      absent: "Only public pictures are in this library; make this one public to see it here.",
      call: get(`${origin}/v3/images/${imageId(id)}`),
    },
    {
      name: "NekoHub",
      place: "/api/v1/assets",
      isAsked: true,
      words: "Assets with skills and runs, camelCase in an envelope.",
      absent: "Only pictures are assets here.",
      call: get(`${origin}/api/v1/assets/${id}`),
    },
    {
      name: "Aionvision",
      place: "/api/v2/user-files",
      isAsked: true,
      words: "Files with signed addresses, descriptions and their history; what this console speaks most.",
      call: get(`${origin}/api/v2/user-files/${id}`),
    },
    {
      name: "ScaiWave",
      place: "/v1/artifacts",
      isAsked: true,
      words: "Which documents of people and models refer to it.",
      call: get(`${origin}/v1/artifacts?asset_id=${id}`),
    },
    {
      name: "Figur",
      place: "/v1/uploads",
      isAsked: false,
      words:
        "Inputs of image workflows: the key that an upload answers is a spelling of the same id, and it begins work.",
      call: upload(`${origin}/v1/uploads`),
    },
    {
      name: "Model Context Protocol",
      place: "/mcp",
      isAsked: true,
      words: "The same for models: a tool call in JSON-RPC.",
      call: mcp(`${origin}/mcp`, id),
    },
  ];
}

function get(url: string): Call {
  return {
    url,
    curl: `curl -H "Authorization: Bearer $KEY" \\\n  "${url}"`,
    python: `import os, httpx\n\nanswer = httpx.get(\n    "${url}",\n    headers={"Authorization": f"Bearer {os.environ['KEY']}"},\n)\nprint(answer.raise_for_status().json())`,
  };
}

function upload(url: string): Call {
  return {
    url,
    curl: `curl -H "Authorization: Bearer $KEY" -F file=@photo.jpg \\\n  ${url}`,
    python: `import os, httpx\n\nwith open("photo.jpg", "rb") as photo:\n    answer = httpx.post(\n        "${url}",\n        headers={"Authorization": f"Bearer {os.environ['KEY']}"},\n        files={"file": photo},\n    )\nprint(answer.raise_for_status().json())`,
  };
}

function mcp(url: string, id: string): Call {
  const body = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "get_file", arguments: { file_id: id } },
  };
  const text = JSON.stringify(body);
  return {
    url,
    body,
    curl: `curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -H "Accept: application/json, text/event-stream" \\\n  -d '${text}' ${url}`,
    python: `import os, httpx\n\nanswer = httpx.post(\n    "${url}",\n    headers={\n        "Authorization": f"Bearer {os.environ['KEY']}",\n        "Accept": "application/json, text/event-stream",\n    },\n    json=${text},\n)\nprint(answer.raise_for_status().json())`,
  };
}
