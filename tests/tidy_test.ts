/**
 * The rules of the house, checked like code.
 *
 * @module
 */
import { assertEquals, assertGreater } from "@std/assert";
import manifest from "../deno.json" with { type: "json" };
import {
  reachableFrom,
  type SourceFile,
  sourceFiles,
} from "./support/source_files.ts";

const LINES_MAX = 400;

/** Programs that are started, besides the modules that are exported. */
const ENTRY_POINTS = [
  "examples/course_management/seed.ts",
  "examples/course_management/serve.ts",
  "src/cli/main.ts",
  // Started by its URL.
  "src/rebuild/scan_worker.ts",
];

/** What the command line, as a program, starts its telemetry with. */
const SDK_OF_PROGRAMS = ["api/telemetry.ts", "api/telemetry_variables.ts"];

/** Which layers of `src/` each layer may import, besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  telemetry: [],
  events: [],
  storage: ["events"],
  log: ["events", "storage", "telemetry"],
  projections: ["events", "storage", "telemetry"],
  rebuild: ["events", "storage", "log", "projections", "telemetry"],
  daemon: ["events", "storage", "log", "projections", "rebuild", "telemetry"],
  audit: ["events", "storage", "telemetry"],
  testing: ["events", "storage", "projections", "telemetry", "opossum"],
  maintenance: ["events", "storage", "log", "projections", "telemetry"],
  opossum: [
    "audit",
    "events",
    "storage",
    "log",
    "projections",
    "rebuild",
    "daemon",
    "telemetry",
  ],
  cli: [
    "events",
    "storage",
    "log",
    "projections",
    "rebuild",
    "daemon",
    "maintenance",
    "telemetry",
    "opossum",
  ],
};

const product = sourceFiles("mod.ts", "src", "api", "examples");
const tests = sourceFiles("tests", "bench");
const everything = [
  ...product,
  ...tests,
  ...sourceFiles("links", "scripts", "observability"),
];

/** The folder of `src/` that a file stands in; those in none put everything together. */
function layerOf(path: string): string {
  const [, folder, ...rest] = path.split("/");
  return rest.length > 0 && folder !== undefined ? folder : "opossum";
}

/** Lists, for every file, the lines that match; file and line number, to click on. */
function linesMatching(
  files: readonly SourceFile[],
  pattern: RegExp,
): string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) =>
      pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
    )
  );
}

Deno.test("tidy: the source files are found", () => {
  assertGreater(product.length, 20);
  assertGreater(tests.length, 10);
});

Deno.test("tidy: src/ imports point one way", () => {
  const offences = product
    .filter(({ path }) => path.startsWith("src/"))
    .flatMap(({ path, imports }) => {
      const layer = layerOf(path);
      const allowed = LAYERS[layer] ?? [];
      return imports
        .filter((imported) => /\.tsx?$/.test(imported))
        .filter((imported) =>
          !(path === "src/cli/main.ts" && SDK_OF_PROGRAMS.includes(imported))
        )
        .filter((imported) =>
          !imported.startsWith("src/") ||
          (layerOf(imported) !== layer && !allowed.includes(layerOf(imported)))
        )
        .map((imported) => `${path} imports ${imported}`);
    });
  assertEquals(offences, []);
});

Deno.test("tidy: every layer of src/ is known", () => {
  const layers = product.filter(({ path }) => path.startsWith("src/"))
    .map(({ path }) => layerOf(path));
  assertEquals(
    [...new Set(layers)].filter((layer) => !(layer in LAYERS)),
    [],
  );
});

Deno.test("tidy: api/ and examples/ import only what the project exports", () => {
  const offences = product.flatMap(({ path, imports }) => {
    const [folder] = path.split("/");
    if (folder !== "api" && folder !== "examples") return [];
    const allowed = folder === "api" ? ["mod.ts"] : ["mod.ts", "api/mod.ts"];
    return imports
      .filter((imported) => /\.tsx?$/.test(imported))
      .filter((imported) =>
        !imported.startsWith(`${folder}/`) && !allowed.includes(imported)
      )
      .map((imported) => `${path} imports ${imported}`);
  });
  assertEquals(offences, []);
});

Deno.test("tidy: telemetry imports @opentelemetry/api alone", () => {
  const offences = product
    .filter(({ path }) => path.startsWith("src/telemetry/"))
    .flatMap(({ path, specifiers }) =>
      specifiers
        .filter((specifier) =>
          !specifier.startsWith("./") && !specifier.startsWith("node:") &&
          specifier !== "@opentelemetry/api" &&
          specifier !== "../../deno.json"
        )
        .map((specifier) => `${path} imports ${specifier}`)
    );
  assertEquals(offences, []);
});

Deno.test("tidy: the library uses the OpenTelemetry API, only programs bring an SDK", () => {
  const library = reachableFrom(product, ["mod.ts", "src/testing/mod.ts"]);
  const offences = product
    .filter(({ path }) => library.has(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((name) => /^@opentelemetry\/(?!api$)/.test(name))
        .map((name) => `${path} imports ${name}`)
    );
  assertEquals(offences, []);
});

Deno.test("tidy: bare specifiers are those of deno.json, none is inline", () => {
  const known = [manifest.name, ...Object.keys(manifest.imports)];
  const offences = everything.flatMap(({ path, specifiers }) =>
    specifiers
      .filter((specifier) =>
        !specifier.startsWith(".") && !specifier.startsWith("node:") &&
        !known.some((name) =>
          specifier === name || specifier.startsWith(`${name}/`)
        )
      )
      .map((specifier) => `${path} imports ${specifier}`)
  );
  assertEquals(offences, []);
});

Deno.test("tidy: every file of src/ and api/ is used by something that is exported or started", () => {
  const reached = reachableFrom(product, [
    ...ENTRY_POINTS,
    ...Object.values(manifest.exports).map((path) => path.slice(2)),
  ]);
  assertEquals(
    product.map(({ path }) => path).filter((path) => !reached.has(path)),
    [],
  );
});

Deno.test("tidy: mod.ts re-exports by name, and nothing else", () => {
  for (const path of ["mod.ts", "api/mod.ts", "src/testing/mod.ts"]) {
    const file = product.find((candidate) => candidate.path === path);
    const code = file?.text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    const rest = code?.replace(
      /export (?:type )?\{[^}]*\} from "[^"]+";/g,
      "",
    );
    assertEquals(rest?.trim(), "", path);
  }
});

Deno.test(`tidy: no file is empty or longer than ${LINES_MAX} lines`, () => {
  const offences = everything
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines === 0 || lines > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  assertEquals(offences, []);
});

Deno.test("tidy: nothing is left to do", () => {
  // Spelled apart, so that this line is no match.
  const pattern = new RegExp(`\\b(?:TO${"DO"}|FIX${"ME"}|XX${"X"})\\b`);
  assertEquals(linesMatching(everything, pattern), []);
});

Deno.test("tidy: exports have names", () => {
  assertEquals(linesMatching(everything, /^export default\b/), []);
  assertEquals(linesMatching(product, /^export \* from/), []);
});

Deno.test("tidy: every test runs, and none waits for time to pass", () => {
  const others = tests.filter(({ path }) => path !== "tests/tidy_test.ts");
  const skipped = /\bDeno\.test\.(?:only|ignore)\b|\b(?:only|ignore): true\b/;
  const waiting =
    /\bset(?:Timeout|Interval)\(|\bdelay\(|\bAbortSignal\.timeout\(/;
  assertEquals(linesMatching(others, skipped), []);
  assertEquals(linesMatching(others, waiting), []);
});

Deno.test("tidy: only the logger and programs write to the console", () => {
  const library = product.filter(({ path }) =>
    !ENTRY_POINTS.includes(path) && !path.startsWith("src/cli/") &&
    path !== "src/telemetry/logger.ts" &&
    path !== "api/program_logger.ts" &&
    path !== "examples/course_management/terminal.ts"
  );
  const code = /^(?!\s*(?:\*|\/\/)).*\bconsole\.\w+/;
  assertEquals(linesMatching(library, code), []);
});

Deno.test("tidy: error messages begin with a capital, have no final period and no contraction", () => {
  const message =
    /(?:new \w*Error|super)\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
  const offences = product.flatMap(({ path, text }) => {
    const code = text.replace(/^\s*(?:\*|\/\/).*$/gm, "");
    return [...code.matchAll(message)]
      .map(([, quoted, template]) => quoted ?? template ?? "")
      // A word alone is a code.
      .filter((words) => words.includes(" "))
      .filter((words) =>
        /^[a-z]/.test(words) || /[^.]\.$/.test(words) ||
        /\b(?:can|don|won|isn|doesn|couldn|wasn)'t\b/i.test(words)
      )
      .map((words) => `${path}: ${words}`);
  });
  assertEquals(offences, []);
});
