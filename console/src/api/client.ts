/** The typed client of the server's public APIs, and what a refusal tells whichever dialect it comes in. */

import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import { secret, signOut } from "./session";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string | null,
    readonly body: unknown,
  ) {
    super(message);
  }
}

/** Refuses credentials that have no user, such as those of an outside issuer, although they are good everywhere else. */
const ME = "/api/v1/auth/me";

const credentials: Middleware = {
  async onRequest({ request }) {
    const token = await secret();
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== ME) signOut();
  },
};

export const open = createClient<paths>();
export const api = createClient<paths>();
api.use(credentials);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** What the server answered; raises `ApiError` for a refusal, and for no answer at all. */
export async function told<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (cause) {
    throw new ApiError(
      0,
      "NO_ANSWER",
      "The server does not answer. Is it running, and is the network up?",
      null,
      cause,
    );
  }
  if (!answer.response.ok) throw refusal(answer.response, answer.error);
  return answer.data as T;
}

/** Shapes: `{error: {code, message}}` of most dialects, `{detail}` of the others; a text is told as it is. */
export function refusal(response: Response, body: unknown): ApiError {
  const known = body as {
    error?: { code?: string; message?: string; details?: { issue?: string } };
    detail?: unknown;
  } | null;
  const message =
    known?.error?.details?.issue ??
    known?.error?.message ??
    (typeof known?.detail === "string" ? known.detail : response.statusText || `HTTP ${response.status}`);
  const code = known?.error?.code ?? `HTTP_${response.status}`;
  return new ApiError(response.status, code, message, response.headers.get("x-request-id"), body);
}

/** A URL that the server signed, on the host that this page came from. */
export function here(url: string): string;
export function here(url: string | null | undefined): string | undefined;
export function here(url: string | null | undefined): string | undefined {
  if (!url) return undefined;
  const parsed = new URL(url, location.href);
  return parsed.pathname + parsed.search;
}
