/** Rows G1 and G2: what may never be seen, and what may never be obeyed. */
import { assert, assertEquals } from "@std/assert";
import { OpenAPIHono } from "@hono/zod-openapi";
import { createJsonLogger } from "@opossum/deno";
import { createApp } from "@opossum/deno/api";
import { TempDir } from "../../support/temp_dir.ts";
import { FakeOpossum } from "../fake_opossum.ts";
import { startOtlpReceiver } from "../../support/otlp_receiver.ts";
import { leastPrivilege } from "./sample_process.ts";
import { ServerProcess } from "../../support/server_process.ts";

const REQUESTS = 1_000;
/** Sent at a time. */
const BATCH = 20;

const TOKEN = "canary-token-0123456789abcdefghijklmnop";
const WRONG_TOKEN = "canary-wrong-0123456789abcdefghijklmnop";
/** Payload: nothing but documents and events may hold it. */
const FIRST_NAME = "Canaryfirst";
const LAST_NAME = "Canarylast";
const EMAIL = "canary.mail";
const COURSE_NAME = "Canarycourse";
/** Tags and keys: the events are tagged with the ids that the client chose. */
const idOf = (n: number) =>
  `cafebabe-0000-4000-8000-${String(n).padStart(12, "0")}`;
const CANARIES = [
  TOKEN,
  WRONG_TOKEN,
  FIRST_NAME,
  LAST_NAME,
  EMAIL,
  COURSE_NAME,
  "cafebabe",
];

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Good requests and bad ones in turn; all carry canaries in some place. */
function requestAt(i: number): Asked {
  const json = { "content-type": "application/json" };
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const n = Math.floor(i / 12);
  const student = {
    studentId: idOf(n),
    firstName: FIRST_NAME,
    lastName: LAST_NAME,
    email: `${EMAIL}.${n}@example.edu`,
  };
  const course = {
    courseId: idOf(n),
    name: COURSE_NAME,
    description: COURSE_NAME,
    maxStudents: 1,
  };
  const table: Asked[] = [
    {
      method: "POST",
      path: "/students",
      headers: json,
      body: JSON.stringify(student),
    },
    // Again: a conflict that names what is taken.
    {
      method: "POST",
      path: "/students",
      headers: json,
      body: JSON.stringify(student),
    },
    {
      method: "POST",
      path: "/courses",
      headers: json,
      body: JSON.stringify(course),
    },
    {
      method: "POST",
      path: `/courses/${idOf(n)}/enrolments`,
      headers: json,
      body: JSON.stringify({ studentId: idOf(n) }),
    },
    { method: "GET", path: `/students/${idOf(1_000_000 + n)}` },
    {
      method: "POST",
      path: "/students",
      headers: json,
      body: `{"firstName":"${FIRST_NAME}`,
    },
    {
      method: "POST",
      path: "/students",
      headers: json,
      body: JSON.stringify({
        ...student,
        unknown: TOKEN,
        email: FIRST_NAME,
      }),
    },
    { method: "GET", path: `/admin/projections?token=${TOKEN}` },
    {
      method: "GET",
      path: "/admin/projections",
      headers: {
        authorization: `Bearer ${WRONG_TOKEN}`,
        // A client of its own, which is not listened to for long.
        "x-forwarded-for": "192.0.2.1",
      },
    },
    {
      method: "POST",
      path: `/admin/projections/${TOKEN}.${n}/rebuild?forceAll=${TOKEN}`,
      headers: bearer,
    },
    {
      method: "POST",
      path: "/admin/projections/rebuild?forceAll=true",
      headers: { ...bearer, ...json },
      body: JSON.stringify({ note: "n", unknown: EMAIL }),
    },
    {
      method: n % 2 === 0 ? "GET" : "POST",
      path: n % 2 === 0
        ? "/admin/audit"
        : "/admin/projections/CourseDetails/rebuild",
      headers: bearer,
    },
  ];
  return table[i % table.length] ?? { method: "GET", path: "/" };
}

/** Says where a canary stands, if one does. */
function hitIn(text: string, allowed = ""): string | undefined {
  const found = CANARIES.filter((canary) => !allowed.includes(canary))
    .find((canary) => text.includes(canary));
  if (found === undefined) return undefined;
  const at = text.indexOf(found);
  return text.slice(Math.max(0, at - 200), at + 100);
}

Deno.test("row G1: no token, payload or tag is found in output, spans, metrics, problems or journals after 1,000 requests", async () => {
  using dir = new TempDir();
  const paths = { data: dir.file("data"), tokens: dir.file("tokens") };
  await Deno.writeTextFile(paths.tokens, `ada operate ${TOKEN}\n`, {
    mode: 0o600,
  });
  await Deno.mkdir(paths.data);
  await using receiver = startOtlpReceiver();
  await using server = await ServerProcess.start([
    ...leastPrivilege(paths).map((arg) =>
      // It also sends what it measures, with libraries that look for settings of their own.
      arg === "--allow-net=127.0.0.1:0"
        ? `${arg},127.0.0.1:${receiver.port}`
        : arg.replace(/^--allow-env=.*/, "--allow-env")
    ),
    "--max-triggers",
    "50",
    "--trusted-proxy",
    "127.0.0.1",
  ], receiver.env());

  const statuses = new Map<number, number>();
  const send = async ({ path, ...init }: Asked) => {
    const response = await fetch(`${server.url}${path}`, init);
    const text = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    if (response.status < 400) return;
    // A problem repeats the path that was asked for to who asked, and nothing else of a request.
    assertEquals(hitIn(text, path.split("?")[0]), undefined);
    for (const [name, value] of response.headers) {
      assertEquals([name, hitIn(value)], [name, undefined]);
    }
  };
  for (let i = 0; i < REQUESTS; i += BATCH) {
    await Promise.all(
      Array.from({ length: BATCH }, (_, j) => send(requestAt(i + j))),
    );
  }
  const metrics = await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const { status } = metrics;
  const scraped = await metrics.text();
  const { code, written } = await server.stop();

  // Of every kind there was some; else nothing was shown.
  for (const each of [200, 201, 400, 401, 404, 409, 422, 429]) {
    assert(statuses.has(each), `${each} of ${JSON.stringify([...statuses])}`);
  }
  assertEquals([code, status], [0, 200]);
  assert(scraped.includes("http_server_request_duration"));
  const spans = await receiver.spans();
  assert(spans.some(({ name }) => name === "POST /students"));
  const measured = await receiver.metrics();
  assert(measured.some(({ name }) => name === "http.server.request.duration"));
  assert(written.includes("Credentials were refused"));

  assertEquals(hitIn(written), undefined);
  assertEquals(hitIn(scraped), undefined);
  for (const text of receiver.texts()) assertEquals(hitIn(text), undefined);
  for (const folder of ["operations", "audit"]) {
    const names = [...Deno.readDirSync(`${paths.data}/${folder}`)];
    assert(names.length > 0);
    for (const { name } of names) {
      const text = Deno.readTextFileSync(`${paths.data}/${folder}/${name}`);
      assertEquals([name, hitIn(text)], [name, undefined]);
    }
  }
  // The log is where they belong: what is looked for can be found.
  const events = [...Deno.readDirSync(`${paths.data}/events`)].map(({ name }) =>
    Deno.readTextFileSync(`${paths.data}/events/${name}`)
  ).join("");
  for (
    const canary of [FIRST_NAME, LAST_NAME, EMAIL, COURSE_NAME, "cafebabe"]
  ) {
    assert(events.includes(canary), canary);
  }
});

Deno.test("row G1: a failure is logged with its route, not with the path that was asked for", async () => {
  const opossum = new FakeOpossum();
  const router = new OpenAPIHono();
  router.get("/things/:id", () => {
    throw new Error("It fell");
  });
  const auth = { allowUnauthenticated: true } as const;
  const app = createApp({ opossum, auth, routers: [router] });
  const { status } = await app.request(`/things/${idOf(1)}?token=${TOKEN}`);
  assertEquals(status, 500);
  const [record] = opossum.logs;
  assertEquals(record?.attributes?.route, "/things/{id}");
  assertEquals(hitIn(JSON.stringify(opossum.logs)), undefined);
});

Deno.test("row G2: a log record is one line without anything that a terminal obeys, and reads back exactly", () => {
  const nasty = [
    "line\nfeed\r\n",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m\x85\x7f",
    "\u2028\u2029",
    "\u202eright to left\u2066",
    "\ufeff\0\b\v\f",
    'quote " backslash \\ \\u2028',
    "\ud800 half",
  ];
  const lines: string[] = [];
  const logger = createJsonLogger({ write: (line) => lines.push(line) });
  for (const value of nasty) {
    logger.log("info", value, { [value]: value, error: new Error(value) });
  }
  assertEquals(lines.length, nasty.length);
  for (const [i, line] of lines.entries()) {
    const value = nasty[i] ?? "";
    // deno-lint-ignore no-control-regex -- these are what must not be there
    const obeyed = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]/;
    assert(!obeyed.test(line), line);
    const { time: _time, level: _level, ...rest } = JSON.parse(line);
    assertEquals(rest, {
      message: value,
      [value]: value,
      error: { name: "Error", message: value },
    });
  }
});
