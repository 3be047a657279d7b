import { assertEquals, assertStringIncludes } from "@std/assert";
import { Writable } from "node:stream";
import { startProgress } from "../../src/cli/progress.ts";

Deno.test("progress is a line for each quarter and phase where nobody watches", () => {
  const lines: string[] = [];
  const report = (line: string) => lines.push(line);
  using progress = startProgress({ isTerminal: false, report }, "events");
  const step = { name: "Alpha", phase: "scanning", total: 1_000 };
  for (let value = 0; value <= 1_000; value += 50) {
    progress.show({ ...step, value });
  }
  progress.show({ ...step, phase: "done", value: 1_000 });
  progress.show({ name: "Beta", phase: "done", value: 0, total: 0 });
  // All are read, and that is a part of the work only.
  for (const percent of [30, 40, 60]) {
    progress.show({ ...step, name: "Gamma", value: 1_000, percent });
  }
  assertEquals(lines, [
    "Alpha: scanning, 0 of 1000 events",
    "Alpha: scanning, 250 of 1000 events",
    "Alpha: scanning, 500 of 1000 events",
    "Alpha: scanning, 750 of 1000 events",
    "Alpha: scanning, 1000 of 1000 events",
    "Alpha: done, 1000 of 1000 events",
    "Beta: done, 0 of 0 events",
    "Gamma: scanning, 1000 of 1000 events",
  ]);
});

Deno.test("progress is a bar for each thing where somebody watches", () => {
  const lines: string[] = [];
  let screen = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      screen += chunk;
      done();
    },
  });
  // As much of a terminal as the bars look at.
  Object.assign(stream, { isTTY: true, columns: 120, rows: 40 });
  {
    using progress = startProgress(
      { isTerminal: true, report: (line) => lines.push(line) },
      "events",
      stream,
    );
    const step = { phase: "scanning", total: 200 };
    progress.show({ ...step, name: "Alpha", value: 100, detail: ", 500/s" });
    progress.show({ ...step, name: "Beta", value: 0, total: 0 });
    progress.show({ ...step, name: "Alpha", value: 150, phase: "done" });
    progress.show({ ...step, name: "Gamma", value: 200, percent: 52.9 });
    progress.show({ ...step, name: "\x1b]2;owned\x07", value: 1 });
  }
  assertStringIncludes(screen, "Alpha");
  assertStringIncludes(screen, "75 % | done | 150 of 200 events");
  assertStringIncludes(screen, "52 % | scanning | 200 of 200 events");
  assertStringIncludes(screen, "Beta");
  assertStringIncludes(screen, "100 %");
  assertStringIncludes(screen, "\\u001b]2;owned\\u0007");
  assertEquals(lines, []);
});
