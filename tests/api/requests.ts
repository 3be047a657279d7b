/**
 * Asking a router, and looking at its answers.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

/** A token that is long enough. */
export const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

/** What operations tell of who sent it: the beginning of the token's digest. */
export const REQUESTER = "317ffe98";

/** What can be asked: a Hono application. */
export interface Requestable {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** Asks with the token. */
export async function ask(
  app: Requestable,
  method: string,
  path: string,
  { headers = {}, ...init }: RequestInit & {
    headers?: Record<string, string>;
  } = {},
): Promise<Response> {
  return await app.request(path, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    ...init,
  });
}

/** Asks with the token and a JSON body. */
export async function askWithBody(
  app: Requestable,
  path: string,
  body: unknown,
): Promise<Response> {
  return await ask(app, "POST", path, {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Checks that a response is a whole problem document of this kind; returns it. */
export async function assertProblem(
  response: Response,
  status: number,
  kind: string,
): Promise<Record<string, unknown>> {
  const body = await response.json();
  assertEquals(
    [response.status, response.headers.get("content-type"), body.type],
    [status, "application/problem+json", `urn:opossum:problem:${kind}`],
  );
  assertEquals(body.status, status);
  assertEquals(typeof body.title, "string");
  assertEquals(typeof body.detail, "string");
  return body;
}
