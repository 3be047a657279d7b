/** The router alone, on an application that checks nothing by itself. */
import { assertEquals } from "@std/assert";
import { createAdminRouter, serveApp } from "@opossum/deno/api";
import { silentLogger } from "@opossum/deno";
import { Hono } from "hono";
import { FakeOpossum } from "../fake_opossum.ts";
import { rawRequest, sendRaw } from "./raw_connection.ts";

Deno.test("row E4: without tokens, the router by itself answers to the names of the loopback interface only", async () => {
  const auth = { allowUnauthenticated: true } as const;
  const opossum = new FakeOpossum("CourseDetails");
  const app = new Hono().route("/", createAdminRouter({ opossum, auth }));
  await using server = serveApp({ app, auth, port: 0, logger: silentLogger });
  const { port, host } = new URL(server.url);
  // Of the same origin to the browser: its page was loaded from this very name.
  const rebind = [
    `Host: evil.example:${port}`,
    `Origin: http://evil.example:${port}`,
    "Sec-Fetch-Site: same-origin",
    "Content-Length: 0",
  ];
  const path = "/admin/projections/CourseDetails/rebuild";
  for (const line of ["GET /admin/audit", `POST ${path}`]) {
    const { status } = await sendRaw(server.url, rawRequest(line, rebind));
    assertEquals(status, 421, line);
  }
  assertEquals(opossum.started.length, 0);
  const own = rawRequest("GET /admin/audit", [`Host: ${host}`]);
  assertEquals((await sendRaw(server.url, own)).status, 200);
});
