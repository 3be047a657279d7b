import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { silentLogger } from "../../mod.ts";
import {
  BindError,
  type FetchHandler,
  serveApp,
  UnsafeBindError,
} from "../../api/mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { assertProblem, TOKEN } from "./requests.ts";

const OPEN = { allowUnauthenticated: true } as const;
const app: FetchHandler = { fetch: () => new Response("hello") };

Deno.test("serveApp() serves on the loopback interface by default, and says so", async () => {
  const { logs, options: { logger } } = new FakeOpossum();
  await using server = serveApp({ app, auth: OPEN, port: 0, logger });
  assertEquals(server.hostname, "127.0.0.1");
  assertEquals(server.url, `http://127.0.0.1:${server.port}`);
  assertEquals(await (await fetch(server.url)).text(), "hello");
  assertEquals(logs.map(({ level }) => level), ["warn", "info"]);
  assertEquals(logs[1]?.attributes, { url: server.url });
});

Deno.test("serveApp() refuses to open an admin API without a token to a network", () => {
  for (
    const host of ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.x"]
  ) {
    const error = assertThrows(
      () => serveApp({ app, auth: OPEN, host, port: 0, logger: silentLogger }),
      UnsafeBindError,
      "configure a token, or listen on 127.0.0.1",
    );
    assertEquals(error.host, host);
  }
});

Deno.test({
  name: "serveApp() serves to a network with a token, and warns",
  // Tests open nothing to a network: that it tries to is enough.
  permissions: { net: false },
  fn() {
    const { logs, options: { logger } } = new FakeOpossum();
    const auth = { tokens: [TOKEN] };
    const error = assertThrows(
      () => serveApp({ app, auth, host: "0.0.0.0", port: 0, logger }),
      BindError,
      "Cannot listen on 0.0.0.0 port 0",
    );
    assert(error.cause instanceof Deno.errors.NotCapable);
    assertEquals(logs.map(({ level }) => level), ["warn"]);
    assert(!JSON.stringify(logs).includes(TOKEN));
  },
});

Deno.test("serveApp() rejects an address in use with a typed error", async () => {
  await using first = serveApp({
    app,
    auth: OPEN,
    port: 0,
    logger: silentLogger,
  });
  const { port } = first;
  const error = assertThrows(
    () => serveApp({ app, auth: OPEN, port, logger: silentLogger }),
    BindError,
    `Cannot listen on 127.0.0.1 port ${port}`,
  );
  assertEquals(error.port, port);
  assert(error.cause instanceof Deno.errors.AddrInUse);
});

Deno.test("shutdown() lets requests under way end, and refuses new ones", async () => {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow: FetchHandler = {
    async fetch() {
      arrived.resolve();
      await gate.promise;
      return new Response("done");
    },
  };
  const server = serveApp({
    app: slow,
    auth: OPEN,
    port: 0,
    logger: silentLogger,
  });
  const underWay = fetch(server.url);
  await arrived.promise;
  const stopped = server.shutdown();
  assertEquals(server.shutdown(), stopped);
  gate.resolve();
  assertEquals(await (await underWay).text(), "done");
  await stopped;
  await server.finished;
  await assertRejects(() => fetch(server.url));
});

Deno.test("shutdown() answers 503 to requests that outlast the drain timeout", async () => {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const stuck: FetchHandler = {
    async fetch() {
      arrived.resolve();
      await gate.promise;
      return new Response("too late");
    },
  };
  const server = serveApp({
    app: stuck,
    auth: OPEN,
    port: 0,
    logger: silentLogger,
    drainTimeoutMs: 1,
  });
  const underWay = fetch(server.url);
  await arrived.promise;
  await server.shutdown();
  await assertProblem(await underWay, 503, "stopping");
  gate.resolve();
});

Deno.test("serveApp() stops when its signal aborts, also one that did before", async () => {
  const stopping = new AbortController();
  const auth = OPEN;
  const options = { app, auth, port: 0, logger: silentLogger };
  const server = serveApp({ ...options, signal: stopping.signal });
  stopping.abort();
  await server.finished;
  await serveApp({ ...options, signal: stopping.signal }).finished;
});

Deno.test("serveApp() answers a problem when the application itself throws", async () => {
  const { logs, options: { logger } } = new FakeOpossum();
  const broken: FetchHandler = {
    fetch() {
      throw new Error("secret");
    },
  };
  await using server = serveApp({ app: broken, auth: OPEN, port: 0, logger });
  const response = await fetch(server.url);
  const problem = await assertProblem(response, 500, "internal-error");
  assert(!JSON.stringify(problem).includes("secret"));
  assertEquals(logs.filter(({ level }) => level === "error").length, 1);
});
