import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../../src/cli/main.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECTIONS =
  new URL("../../examples/course_management/projections.ts", import.meta.url)
    .href;
const STUDENT = "11111111-1111-4111-8111-111111111111";
const COURSE = "22222222-2222-4222-8222-222222222222";

/** Three events in the interchange format. */
const EVENTS = [
  {
    type: "StudentRegistered",
    tags: [`studentId:${STUDENT}`],
    data: {
      studentId: STUDENT,
      firstName: "Zoë",
      lastName: "O'Hara",
      email: "z@x.org",
    },
  },
  {
    type: "CourseCreated",
    tags: [`courseId:${COURSE}`],
    data: {
      courseId: COURSE,
      name: "Logs\u2028Lines",
      description: "",
      maxStudents: 3,
    },
  },
  {
    type: "StudentEnrolledToCourse",
    tags: [`studentId:${STUDENT}`, `courseId:${COURSE}`],
    data: { studentId: STUDENT, courseId: COURSE },
  },
].map((event, index) => ({
  position: index + 1,
  id: `00000000-0000-4000-8000-00000000000${index}`,
  ...event,
  timestamp: `2026-01-01T00:00:0${index}.000Z`,
}));

function toNdjson(events: readonly unknown[]): string {
  return events.map((event) => JSON.stringify(event) + "\n").join("");
}

async function opossum(
  args: readonly string[],
  { stdin = "", signal = new AbortController().signal } = {},
) {
  let out = "";
  const err: string[] = [];
  const status = await runCli(["--projections", PROJECTIONS, ...args], {
    write: (text) => Promise.resolve(void (out += text)),
    report: (line) => err.push(line),
    stdin: new Response(stdin).body ?? new ReadableStream(),
    isTerminal: false,
    signal,
  });
  return { status, out, err: err.join("\n") };
}

async function imported(dir: TempDir): Promise<string[]> {
  const data = ["--data", dir.file("data")];
  const { status } = await opossum(["import", "-", ...data], {
    stdin: toNdjson(EVENTS),
  });
  assertEquals(status, 0);
  return data;
}

Deno.test("import, rebuild, export and digest keep to the interchange format", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  assertEquals((await opossum(["rebuild", ...data])).status, 0);
  const course = await opossum(["export", "CourseDetails", ...data]);
  const expected = JSON.stringify({
    courseId: COURSE,
    name: "Logs\u2028Lines",
    maxStudents: 3,
    enrolled: 1,
    students: [{
      studentId: STUDENT,
      firstName: "Zoë",
      lastName: "O'Hara",
      email: "z@x.org",
    }],
  });
  assertEquals(course.out, expected + "\n");
  let text = "";
  for (
    const name of [
      "CourseDetails",
      "CourseShortInfo",
      "StudentDetails",
      "StudentShortInfo",
    ]
  ) {
    text += `#${name}\n` + (await opossum(["export", name, ...data])).out;
  }
  const hash = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  const hex = [...new Uint8Array(hash)].map((byte) =>
    byte.toString(16).padStart(2, "0")
  );
  assertEquals((await opossum(["digest", ...data])).out, hex.join("") + "\n");
});

Deno.test("import keeps every field of an event", async () => {
  using dir = new TempDir();
  await imported(dir);
  const segment = dir.file("data/events/00000000000000000001.ndjson");
  const lines = (await Deno.readTextFile(segment)).split("\n");
  const events = lines.filter((line) => line.startsWith('{"position"'))
    .map((line) => JSON.parse(line));
  assertEquals(events, EVENTS);
});

Deno.test("import refuses what does not continue the store, naming the line", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  const table: [string, string][] = [
    [toNdjson(EVENTS), "line 1 of \"-\" as 'position' must be 4"],
    [
      toNdjson([{ ...EVENTS[0], position: 4 }, { ...EVENTS[0], position: 6 }]),
      "line 2",
    ],
    ["{", 'line 1 of "-" as it is not JSON'],
    ["7\n", 'line 1 of "-" as it is not a JSON object'],
    [
      toNdjson([{ position: 4, type: "", data: {} }]),
      "line 1 of \"-\" as 'id' is missing",
    ],
  ];
  for (const [stdin, message] of table) {
    const { status, err } = await opossum(["import", "-", ...data], { stdin });
    assertEquals(status, 1, stdin);
    assertStringIncludes(err, message);
  }
  const { out } = await opossum(["verify", "--json", ...data]);
  assertEquals(JSON.parse(out).head, 3);
});

Deno.test("--json prints exactly one JSON value", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  const rebuilt = await opossum(["rebuild", "--json", ...data]);
  assertEquals(JSON.parse(rebuilt.out).totalRebuilt, 4);
  const commands = [["status"], ["checkpoints"], ["digest"], ["verify"], [
    "export",
    "CourseShortInfo",
  ]];
  for (const command of commands) {
    const { status, out } = await opossum([...command, "--json", ...data]);
    assertEquals(status, 0);
    JSON.parse(out);
  }
  const checkpoints = await opossum(["checkpoints", "--json", ...data]);
  assertEquals(JSON.parse(checkpoints.out), {
    CourseDetails: 3,
    CourseShortInfo: 3,
    StudentDetails: 3,
    StudentShortInfo: 3,
  });
});

Deno.test("rebuild takes names, --force and --concurrency", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  const named = await opossum(["rebuild", "CourseDetails", "--json", ...data]);
  assertEquals(JSON.parse(named.out).totalRebuilt, 1);
  const missing = await opossum(["rebuild", "--json", ...data]);
  assertEquals(JSON.parse(missing.out).totalRebuilt, 3);
  const forced = await opossum([
    "rebuild",
    "--force",
    "--concurrency",
    "2",
    "--json",
    ...data,
  ]);
  assertEquals(JSON.parse(forced.out).totalRebuilt, 4);
});

Deno.test("wrong calls end with status 2 and change nothing", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  const table: [string[], string][] = [
    [[], "Command is missing"],
    [["nope", ...data], 'Unknown command "nope"'],
    [["status"], "'--data' is missing"],
    [["status", "--nope", ...data], "--nope"],
    [["export", ...data], "'export' needs NAME"],
    [["export", "Nope", ...data], '"Nope"'],
    [["rebuild", "Nope", ...data], '"Nope"'],
    [["rebuild", "--concurrency", "0", ...data], "1 to 64"],
    [["status", "--data", dir.file("elsewhere")], "Cannot find a store"],
  ];
  for (const [args, message] of table) {
    const { status, out, err } = await opossum(args);
    assertEquals([status, out], [2, ""], args.join(" "));
    assertStringIncludes(err, message);
  }
  assertEquals(dir.list(), ["data"]);
});

Deno.test("reading a projection that was never built ends with status 1", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  const { status, err } = await opossum(["export", "CourseDetails", ...data]);
  assertEquals(status, 1);
  assertStringIncludes(err, "never built");
});

Deno.test("an interrupted rebuild ends with status 130", async () => {
  using dir = new TempDir();
  const data = await imported(dir);
  const { status } = await opossum(["rebuild", ...data], {
    signal: AbortSignal.abort(),
  });
  assertEquals(status, 130);
});

Deno.test("--help names every command and exit status", async () => {
  const { status, out } = await opossum(["--help"]);
  assertEquals(status, 0);
  for (
    const word of [
      "import",
      "rebuild",
      "export",
      "digest",
      "verify",
      "Exit status",
    ]
  ) {
    assert(out.includes(word), word);
  }
});

Deno.test("a failure is told quietly with --json when nobody reads standard output", async () => {
  const reports: string[] = [];
  const exitCode = await runCli(["nonsense", "--json"], {
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
    report: (line) => reports.push(line),
    stdin: new ReadableStream(),
    isTerminal: false,
    signal: new AbortController().signal,
  });
  assertEquals(exitCode, 2);
  assertStringIncludes(reports[0] ?? "", "nonsense");
});
