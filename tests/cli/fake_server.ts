/**
 * A server that answers as it is told, for the command line to talk to.
 *
 * @module
 */
import type { RebuildOperation } from "@opossum/deno";
import { ServerClient } from "../../src/cli/server/server_client.ts";
import { type CliRun, runCommand } from "./cli_fixture.ts";

/** Ids of an operation, and of the one that continues it. */
export const ID = "0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40";
export const NEXT = "1b5ad2f1c4e94a7f8d3b6c1e2a9f7d40";

type Handler = (
  request: Request,
  count: number,
) => Response | Promise<Response>;

/** A server that answers as it is told. */
export class FakeServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** What it was asked. */
  readonly requests: Request[] = [];

  constructor(handler: Handler) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        this.requests.push(request);
        return handler(request, this.requests.length);
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async run(...args: string[]): Promise<CliRun> {
    return await runCommand([...args, "--url", this.url]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

export function problem(
  status: number,
  kind: string,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Response {
  return Response.json({
    type: `urn:opossum:problem:${kind}`,
    status,
    title: kind,
    detail: `It is ${kind}`,
    requestId: "request-7",
    ...fields,
  }, { status, headers });
}

export function clientOf(url: string, timeoutMs?: number): ServerClient {
  return new ServerClient({
    url,
    token: undefined,
    io: { signal: new AbortController().signal, report: () => {} },
    ...timeoutMs === undefined ? {} : { timeoutMs },
  });
}

export function path({ url }: Request): string {
  return new URL(url).pathname;
}

export function operation(
  state: RebuildOperation["state"],
  resumedBy?: string,
): Partial<RebuildOperation> {
  return {
    id: ID,
    state,
    trigger: "api",
    ...resumedBy === undefined ? {} : { resumedBy },
  };
}
