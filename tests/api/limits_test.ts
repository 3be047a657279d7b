import { assert, assertEquals, assertThrows } from "@std/assert";
import { clientAddresses, clientKey } from "../../api/client_address.ts";
import { RateLimit } from "../../api/rate_limit.ts";
import { type RequestLimits, resolveLimits } from "../../api/limits.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { Hono } from "hono";

/** Whom a request comes from, for a connection from `remote`. */
async function clientOf(
  remote: string | undefined,
  forwarded: string | undefined,
  ...trusted: string[]
): Promise<string | undefined> {
  const clientAddress = clientAddresses(trusted);
  let client: string | undefined;
  const app = new Hono().get("/", (context) => {
    client = clientAddress(context);
    return context.text("");
  });
  await app.request(
    "/",
    forwarded === undefined
      ? {}
      : { headers: { "x-forwarded-for": forwarded } },
    remote === undefined ? undefined : { remoteAddr: { hostname: remote } },
  );
  return client;
}

Deno.test("clientAddresses() believes headers of trusted proxies alone, from the right", async () => {
  const table: [
    remote: string | undefined,
    forwarded: string | undefined,
    trusted: string[],
    client: string | undefined,
  ][] = [
    [undefined, "192.0.2.1", ["0.0.0.0/0"], undefined],
    ["10.0.0.1", "192.0.2.1", [], "10.0.0.1"],
    ["10.0.0.1", "192.0.2.1", ["10.0.0.2"], "10.0.0.1"],
    ["10.0.0.1", undefined, ["10.0.0.0/8"], "10.0.0.1"],
    ["10.0.0.1", "192.0.2.1", ["10.0.0.0/8"], "192.0.2.1"],
    ["::ffff:10.0.0.1", "192.0.2.1", ["10.0.0.0/8"], "192.0.2.1"],
    // What the client wrote itself stands to the left.
    ["10.0.0.1", "6.6.6.6, 192.0.2.1", ["10.0.0.0/8"], "192.0.2.1"],
    ["10.0.0.1", "6.6.6.6, 192.0.2.1, 10.9.9.9", ["10.0.0.0/8"], "192.0.2.1"],
    ["10.0.0.1", "192.0.2.1, evil", ["10.0.0.0/8"], "10.0.0.1"],
    ["::1", "2001:db8::1", ["::1"], "2001:db8::1"],
  ];
  for (const [remote, forwarded, trusted, client] of table) {
    assertEquals(await clientOf(remote, forwarded, ...trusted), client);
  }
  for (
    const network of ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "::/8/8"]
  ) {
    assertThrows(
      () => clientAddresses([network]),
      RangeError,
      "trustedProxies",
    );
  }
});

Deno.test("clientKey() takes the addresses of an IPv6 network for one client", () => {
  assertEquals(clientKey("192.0.2.1"), "192.0.2.1");
  assertEquals(clientKey("2001:db8::1"), clientKey("2001:db8:0:0:9::"));
  assert(clientKey("2001:db8::1") !== clientKey("2001:db8:0:1::1"));
});

Deno.test("RateLimit allows so many in any sixty seconds, for each key apart", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit({ perMinute: 2, clock });
  limit.count("a");
  await clock.advance(30_000);
  assertEquals(limit.waitSeconds("a"), 0);
  limit.count("a");
  assertEquals([limit.waitSeconds("a"), limit.waitSeconds("b")], [30, 0]);
  await clock.advance(29_001);
  assertEquals(limit.waitSeconds("a"), 1);
  await clock.advance(999);
  assertEquals(limit.waitSeconds("a"), 0);
  limit.count("a");
  assertEquals(limit.waitSeconds("a"), 30);
});

Deno.test("RateLimit remembers 10,000 keys", () => {
  const limit = new RateLimit({ perMinute: 1, clock: new FakeClock() });
  for (let i = 0; i <= 10_000; i++) limit.count(`${i}`);
  assertEquals([limit.waitSeconds("0"), limit.waitSeconds("1")], [0, 60]);
});

Deno.test("resolveLimits() refuses what is out of range", () => {
  const table: [RequestLimits, string][] = [
    [{ failedLoginsPerMinute: 0 }, "'limits.failedLoginsPerMinute'"],
    [{ triggersPerMinute: 1.5 }, "'limits.triggersPerMinute'"],
    [{ triggersPerMinute: 1_000_001 }, "'limits.triggersPerMinute'"],
    [{ bodyTimeoutMs: 9 }, "'limits.bodyTimeoutMs'"],
    [{ bodyTimeoutMs: NaN }, "'limits.bodyTimeoutMs'"],
  ];
  for (const [limits, words] of table) {
    assertThrows(
      () => resolveLimits(limits, new FakeClock()),
      RangeError,
      words,
    );
  }
});
