/**
 * The sample's server, as its users start it, on a free port and with a few events.
 *
 * @module
 */
import { openOpossum, silentLogger } from "@opossum/deno";
import { generateEvents } from "../../../examples/course_management/seeder.ts";
import {
  type CourseServer,
  type CourseServerOptions,
  startCourseServer,
} from "../../../examples/course_management/server.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** Its tokens by what they may do. */
export const TOKENS = {
  operate: "operate-0123456789abcdefghijklmnopqrstuv",
  read: "read-0123456789abcdefghijklmnopqrstuvwxyz",
} as const;

/** Accepts both. */
export const AUTH = {
  tokens: [
    { id: "ada", token: TOKENS.operate, scopes: ["operate"] },
    { id: "grafana", token: TOKENS.read, scopes: ["read"] },
  ],
} as const;

/** Limits that no test reaches which is not about them. */
export const HIGH_LIMITS = {
  failedLoginsPerMinute: 1_000_000,
  triggersPerMinute: 1_000_000,
} as const;

/** How to ask the sample. */
export interface SampleRequest {
  readonly method?: string;
  /** `null` for no token. @default {the one that may operate} */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

/** The sample, serving. */
export interface Sample extends AsyncDisposable {
  readonly server: CourseServer;
  readonly url: string;
  /** `Host: …` of it. */
  readonly host: string;
  /** Its data folder. */
  readonly path: string;
  ask(path: string, request?: SampleRequest): Promise<Response>;
}

/** `Authorization: …` with the token that may operate. */
export const AUTHORIZATION = `Authorization: Bearer ${TOKENS.operate}`;

/** Starts the sample. */
export async function startSample(
  options: Partial<CourseServerOptions> = {},
): Promise<Sample> {
  await using resources = new AsyncDisposableStack();
  const dir = resources.use(new TempDir());
  const path = dir.file("data");
  {
    await using opossum = await openOpossum({
      path,
      logger: silentLogger,
      startDaemon: false,
    });
    await opossum.events.append([...generateEvents({ events: 40, seed: 5 })]);
  }
  const server = resources.use(
    await startCourseServer({
      data: path,
      host: "127.0.0.1",
      port: 0,
      auth: AUTH,
      limits: HIGH_LIMITS,
      logger: silentLogger,
      ...options,
    }),
  );
  await server.opossum.daemon.whenStarted();
  const owned = resources.move();
  return {
    server,
    path,
    url: server.url,
    host: `Host: ${new URL(server.url).host}`,
    ask(path, { method = "GET", token = TOKENS.operate, headers, body } = {}) {
      return fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The status of a response; its body is let go. */
export async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}
