import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import {
  openOpossum,
  type Opossum,
  silentLogger,
  type StoredEvent,
} from "@opossum/deno";
import { UnsafeBindError } from "@opossum/deno/api";
import { studentEnrolledToCourse } from "../../examples/course_management/events.ts";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import {
  type CourseServerOptions,
  FIRST_EVENTS,
  startCourseServer,
} from "../../examples/course_management/server.ts";
import { sampleArgs, ServerProcess } from "../support/server_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { oracleDigest, oracleStates } from "./oracle.ts";

const PROJECTIONS_URL = import.meta.resolve(
  "../../examples/course_management/projections.ts",
);

function start(
  dir: TempDir,
  options: Partial<CourseServerOptions> = {},
) {
  return startCourseServer({
    data: dir.file("data"),
    host: "127.0.0.1",
    port: 0,
    logger: silentLogger,
    auth: { allowUnauthenticated: true },
    ...options,
  });
}

async function send(url: string, method?: string, body?: unknown) {
  const response = await fetch(url, {
    method: method ?? "GET",
    ...(body === undefined ? {} : {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
  const { status, headers } = response;
  return { status, headers, body: await response.json() };
}

async function digestOf({ projections }: Opossum): Promise<string> {
  const hash = createHash("sha256");
  for (const name of projections.names) {
    hash.update(`#${name}\n`);
    for await (const { state } of projections.documents(name)) {
      hash.update(`${JSON.stringify(state)}\n`);
    }
  }
  return hash.digest("hex");
}

async function expectedDigest({ events }: Opossum): Promise<string> {
  const log: StoredEvent[] = await Array.fromAsync(events.read("all"));
  return oracleDigest(oracleStates(log));
}

Deno.test("the sample over HTTP: register, create, enrol, show, rebuild, restart", async () => {
  using dir = new TempDir();
  const seeded: number[] = [];
  const onSeeded = (events: number) => seeded.push(events);
  let studentPath = "";
  {
    await using server = await start(dir, { onSeeded });
    const { url, opossum } = server;
    assertEquals(seeded, [FIRST_EVENTS]);
    await opossum.daemon.whenStarted();
    assertEquals((await send(`${url}/readyz`)).status, 200);

    const student = await send(`${url}/students`, "POST", {
      firstName: "Zoë",
      lastName: "O'Brien",
      email: "zoe@example.edu",
    });
    assertEquals(student.status, 201);
    studentPath = student.headers.get("location") ?? "";
    const course = await send(`${url}/courses`, "POST", {
      name: "Schrödinger's Cat",
      maxStudents: 1,
    });
    assertEquals(course.status, 201);
    const coursePath = course.headers.get("location");
    const { studentId } = student.body;
    const enrolment = await send(
      `${url}${coursePath}/enrolments?wait=true`,
      "POST",
      { studentId },
    );
    assertEquals(enrolment.status, 201);
    assert(enrolment.body.visible);
    const shown = await send(`${url}${coursePath}`);
    assertEquals(shown.body.students, [{
      studentId,
      firstName: "Zoë",
      lastName: "O'Brien",
      email: "zoe@example.edu",
    }]);

    const rebuilt = await send(
      `${url}/admin/projections/rebuild?forceAll=true`,
      "POST",
    );
    assertEquals(rebuilt.status, 200);
    assertEquals(rebuilt.body.totalRebuilt, 4);
    assertEquals(await digestOf(opossum), await expectedDigest(opossum));

    const document = (await send(`${url}/openapi.json`)).body;
    assert("/courses/{courseId}/enrolments" in document.paths);
    assert("/admin/projections/rebuild" in document.paths);
  }
  await using server = await start(dir, { onSeeded });
  await server.opossum.daemon.whenStarted();
  assertEquals(seeded, [FIRST_EVENTS]);
  const { body } = await send(`${server.url}${studentPath}`);
  assertEquals(body.enrolledCourses, 1);
});

Deno.test("startCourseServer() asks for the token that it was given", async () => {
  using dir = new TempDir();
  const token = "0123456789abcdef0123456789abcdef";
  await using server = await start(dir, { auth: { tokens: [token] } });
  const url = `${server.url}/admin/projections/status`;
  assertEquals((await send(url)).status, 401);
  const authorization = `Bearer ${token}`;
  const response = await fetch(url, { headers: { authorization } });
  await response.body?.cancel();
  assertEquals(response.status, 200);
  await server.opossum.daemon.whenStarted();
  assertEquals((await send(`${server.url}/courses`)).status, 200);
});

Deno.test("startCourseServer() has projections watched that never return", async () => {
  using dir = new TempDir();
  await using server = await start(dir);
  assertEquals(server.opossum.options.liveStallTimeout, 30_000);
});

Deno.test("startCourseServer() refuses to be open to a network before it touches the folder", async () => {
  using dir = new TempDir();
  await assertRejects(() => start(dir, { host: "0.0.0.0" }), UnsafeBindError);
  await assertRejects(
    () => start(dir, { auth: { tokens: ["short"] } }),
    RangeError,
  );
  assertEquals(dir.list(), []);
  // Closed: the folder can be opened, and the sanitizers find nothing left over.
  await using server = await start(dir);
  assertEquals((await send(`${server.url}/healthz`)).status, 200);
});

Deno.test("imported, live and rebuilt read models have the oracle's digest, also on a log that breaks the rules", async () => {
  using dir = new TempDir();
  const log = [...generateEvents({ events: 3_000, seed: 11 })];
  const [first, second] = log.filter(({ type }) =>
    type === "StudentRegistered" || type === "CourseCreated"
  );
  assert(first && second);
  const strangers = [
    { studentId: "nobody", courseId: "nowhere" },
    { studentId: "nobody", courseId: idOf(log, "courseId") },
    { studentId: idOf(log, "studentId"), courseId: "nowhere" },
  ].map(studentEnrolledToCourse);
  await using opossum = await openOpossum({
    path: dir.file("data"),
    projections: PROJECTIONS_URL,
    logger: silentLogger,
    batchSize: 100,
  });
  const { events, projections, rebuilder, daemon } = opossum;
  // A rebuild asked for meanwhile would join the one at start-up.
  await daemon.whenStarted();

  await events.append(log.slice(0, 1_500));
  await rebuilder.rebuildAll({ forceRebuild: true });
  assertEquals(await digestOf(opossum), await expectedDigest(opossum));

  await events.append(log.slice(1_500));
  const { last } = await events.append([...strangers, first, second]);
  await projections.waitFor(last);
  const live = await digestOf(opossum);
  assertEquals(live, await expectedDigest(opossum));

  const result = await rebuilder.rebuildAll({ forceRebuild: true });
  assert(result.success);
  assertEquals(await digestOf(opossum), live);
});

function idOf(
  log: readonly { readonly data: object }[],
  name: "studentId" | "courseId",
): string {
  const owner = log.find(({ data }) => name in data);
  return String(
    Object.entries(owner?.data ?? {}).find(([k]) => k === name)?.[1],
  );
}

Deno.test("serve runs until SIGTERM, then ends with status 0", async () => {
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
  );
  assertEquals((await send(`${server.url}/healthz`)).status, 200);
  server.terminate();
  const { code, signal, printed } = await server.ended;
  assertEquals({ code, signal }, { code: 0, signal: null });
  assertStringIncludes(printed, "seeded with 1000 events");
  assertStringIncludes(printed, "Stopping");
});
