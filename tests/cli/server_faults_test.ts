/**
 * The command line and servers that are slow, busy, behind a proxy, or none of ours.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ServerClient } from "../../src/cli/server/server_client.ts";
import { ServerUnreachableError } from "../../src/cli/server/server_errors.ts";
import { runCommand } from "./cli_fixture.ts";
import {
  clientOf,
  FakeServer,
  ID,
  NEXT,
  operation,
  problem,
} from "./fake_server.ts";

Deno.test("each refusal of a server has its exit status, and says what to do", async () => {
  const table: [Response, number, string][] = [
    [problem(401, "unauthorized"), 3, "Set $OPOSSUM_TOKEN"],
    [problem(403, "forbidden"), 3, "scope 'operate'"],
    [
      problem(404, "unknown-operation", {
        instance: `/admin/operations/${ID}`,
      }),
      2,
      ID,
    ],
    [
      problem(409, "rebuild-conflict", {
        projectionName: "Alpha",
        operationId: ID,
      }),
      4,
      `by operation ${ID}`,
    ],
    [
      problem(409, "operation-ended", { resumedBy: NEXT }),
      4,
      `It goes on as operation ${NEXT}`,
    ],
    [problem(409, "no-previous-generation"), 4, "It is no-previous-generation"],
    [problem(422, "idempotency-key-reused"), 1, "422"],
    [problem(500, "internal-error"), 1, "request-7"],
    [problem(503, "projection-not-built"), 1, "projection-not-built"],
    [problem(503, "store-read-only"), 1, "store-read-only"],
    [
      problem(507, "insufficient-storage", {
        estimatedBytes: 70,
        freeBytes: 7,
      }),
      1,
      "70 bytes and 7 are free",
    ],
    [new Response("<html>", { status: 502 }), 5, "or a proxy before it"],
    [new Response("Not found", { status: 404 }), 5, "no server of Opossum"],
    [Response.json(["x"], { status: 418 }), 5, "no server of Opossum"],
    [new Response("no JSON"), 5, "is no JSON"],
  ];
  for (const [response, code, words] of table) {
    await using server = new FakeServer(() => response.clone());
    const { exitCode, reports } = await server.run("operations", "show", ID);
    const said = reports.join("\n");
    assertEquals(exitCode, code, said);
    assertStringIncludes(said, words);
    await response.body?.cancel();
  }
});

Deno.test("Retry-After is honoured once, then told of with status 6", async () => {
  const busy = () =>
    problem(429, "too-many-triggers", {}, { "retry-after": "0" });
  const full = () => problem(503, "queue-full", {}, { "retry-after": "0" });
  for (const refusal of [busy, full]) {
    await using server = new FakeServer((_, count) =>
      count === 1 ? refusal() : Response.json({ windows: [] })
    );
    const { exitCode, reports } = await server.run("schedule");
    assertEquals([exitCode, server.requests.length], [0, 2]);
    assertStringIncludes(reports[0] ?? "", "trying again in 0 s");
    await using always = new FakeServer(refusal);
    const refused = await always.run("schedule");
    assertEquals([refused.exitCode, always.requests.length], [6, 2]);
  }
  await using later = new FakeServer(() =>
    problem(429, "too-many-triggers", {}, { "retry-after": "3600" })
  );
  const { exitCode } = await later.run("schedule");
  assertEquals([exitCode, later.requests.length], [6, 1]);
});

Deno.test("a proxy's 503 tells not what was done: what changes something is not sent again", async () => {
  const proxy = () =>
    new Response("upstream connect error or disconnect/reset", {
      status: 503,
      headers: { "retry-after": "0" },
    });
  await using server = new FakeServer((request) =>
    request.method === "POST"
      ? proxy()
      : Response.json({ previousGeneration: 1, generations: [] })
  );
  const changing = [
    ["projections", "rollback", "Alpha"],
    ["projections", "repair", "Alpha"],
    ["verify"],
  ];
  for (const command of changing) {
    const { exitCode, reports } = await server.run(...command);
    assertEquals(exitCode, 5, reports.join());
  }
  const posts = server.requests.filter(({ method }) => method === "POST");
  assertEquals(posts.length, changing.length);
  await using reading = new FakeServer((_, count) =>
    count === 1 ? proxy() : Response.json({ windows: [] })
  );
  assertEquals((await reading.run("schedule")).exitCode, 0);
});

Deno.test("a token is sent to the server alone, not where that redirects to", async () => {
  await using other = new FakeServer(() => Response.json({ windows: [] }));
  await using server = new FakeServer(() =>
    new Response(null, { status: 307, headers: { location: other.url } })
  );
  const { exitCode } = await server.run("schedule");
  assertEquals([exitCode, other.requests.length], [5, 0]);
});

Deno.test("who sends a token unencrypted beyond this machine is told so", () => {
  const told = (url: string, token: string | undefined) => {
    const reports: string[] = [];
    const report = (line: string) => void reports.push(line);
    const { signal } = new AbortController();
    new ServerClient({ url, token, io: { signal, report } });
    return reports.length;
  };
  assertEquals(told("http://db.example:8000", "secret"), 1);
  assertEquals(told("http://db.example:8000", undefined), 0);
  assertEquals(told("https://db.example", "secret"), 0);
  assertEquals(told("http://127.0.0.1:8000", "secret"), 0);
});

Deno.test("a server that does not answer in time is unreachable, and starts nothing twice", async () => {
  const held = Promise.withResolvers<Response>();
  await using server = new FakeServer(() => held.promise);
  const client = clientOf(server.url, 20);
  await assertRejects(
    () => client.json("POST", "/admin/x"),
    ServerUnreachableError,
    "did not answer within",
  );
  assertEquals(server.requests.length, 1);
  held.resolve(new Response());
});

Deno.test("what can be sent again is, until a server that was there is back", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  let count = 0;
  const serve = async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1_000));
      // As one that is killed before it has answered.
      if (++count > 3) {
        await connection.write(new TextEncoder().encode(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        ));
      }
      connection.close();
      if (count > 4) break;
    }
  };
  const served = serve();
  const reports: string[] = [];
  const client = new ServerClient({
    url: `http://127.0.0.1:${port}`,
    token: undefined,
    io: {
      signal: new AbortController().signal,
      report: (line) => void reports.push(line),
    },
    repeatMs: 1,
  });
  const known = { isRepeatable: true };
  assertEquals(await client.json("POST", "/admin/x", known), {});
  assertEquals(count, 4);
  assertEquals(reports.length, 1);
  assertStringIncludes(reports[0] ?? "", "the connection was lost: trying");
  count = 0;
  await assertRejects(
    () => client.json("POST", "/admin/x"),
    ServerUnreachableError,
    "the connection was lost",
  );
  assertEquals(count, 1);
  count = 4;
  await client.json("GET", "/admin/x");
  await served;
});

Deno.test("work of any length is waited for", async () => {
  const held = Promise.withResolvers<Response>();
  await using server = new FakeServer(async () => (await held.promise).clone());
  const client = clientOf(server.url, 20);
  const long = client.json("POST", "/admin/long", { isLong: true });
  // By then, another one would have been given up.
  await assertRejects(
    () => client.json("POST", "/admin/x"),
    ServerUnreachableError,
  );
  held.resolve(Response.json({ done: true }));
  assertEquals(await long, { done: true });
});

Deno.test("verify waits for the report of the scrub that it asked for", async () => {
  const startedAt = "2026-01-15T02:00:00.000Z";
  const log = { ok: true, head: 0, problems: [], events: 0, bytes: 0 };
  const report = (fields: { startedAt: string; ok: boolean }) =>
    Response.json({ ...fields, completedAt: "", log, projections: [] });
  const methods: string[] = [];
  const answers = [
    () => Response.json({ startedAt }, { status: 202 }),
    () => problem(404, "no-scrub"),
    () => report({ startedAt: "2026-01-15T01:59:59.999Z", ok: true }),
    () => report({ startedAt: "2026-01-15T02:00:00.001Z", ok: false }),
  ];
  await using server = new FakeServer(({ method }, count) => {
    methods.push(method);
    return answers[count - 1]?.() ?? new Response();
  });
  const { exitCode, reports, stdout } = await server.run("verify");
  assertEquals([exitCode, ...methods], [1, "POST", "GET", "GET", "GET"]);
  assertStringIncludes(reports.join(), `scrubs since ${startedAt}`);
  assertStringIncludes(stdout, "Something is damaged");
  await using busy = new FakeServer(() => problem(409, "scrub-running"));
  assertEquals((await busy.run("verify")).exitCode, 4);
});

Deno.test("verify --url ends when the scrub that it waits for has ended without a report", async () => {
  const startedAt = "2026-01-15T02:00:00.000Z";
  const earlier = {
    ok: true,
    startedAt: "2026-01-14T02:00:00.000Z",
    completedAt: "2026-01-14T02:00:01.000Z",
  };
  const answers: readonly ((runningSince: string | null) => Response)[] = [
    (runningSince) => problem(404, "no-scrub", { runningSince }),
    (runningSince) => Response.json({ ...earlier, runningSince }),
  ];
  for (const answer of answers) {
    await using server = new FakeServer((_request, count) =>
      count === 1
        ? Response.json({ startedAt }, { status: 202 })
        : answer(count === 2 ? startedAt : null)
    );
    const { exitCode, reports } = await server.run("verify");
    assertEquals(exitCode, 1, reports.join());
    assertStringIncludes(reports.join(), "ended without a report");
    assertEquals(server.requests.length, 3);
  }
});

Deno.test("a rebuild whose answer is lost is asked for again, with the same idempotency key", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const requests: string[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      const bytes = new Uint8Array(4_096);
      const length = await connection.read(bytes) ?? 0;
      requests.push(new TextDecoder().decode(bytes.subarray(0, length)));
      if (requests.length === 2) {
        const body = JSON.stringify(operation("running"));
        const text = "HTTP/1.1 202 Accepted\r\nconnection: close\r\n" +
          `content-length: ${body.length}\r\n\r\n${body}`;
        await connection.write(new TextEncoder().encode(text));
        listener.close();
      }
      connection.close();
    }
  })();
  const { exitCode, stdout } = await runCommand([
    "rebuild",
    "Alpha",
    "--no-wait",
    "--url",
    `http://127.0.0.1:${port}`,
  ]);
  await serving;
  assertEquals([exitCode, stdout], [0, `${ID}\n`]);
  const [first, second] = requests.map((request) =>
    /^idempotency-key: (\S{36})\r$/m.exec(request)?.[1]
  );
  assert(first !== undefined);
  assertEquals(second, first);
  for (const request of requests) {
    assertStringIncludes(request, "POST /admin/projections/Alpha/rebuild ");
    assertStringIncludes(request, "prefer: respond-async");
  }
});
