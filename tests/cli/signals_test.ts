/**
 * The command line as a process that is told to stop.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { fillStore } from "./cli_fixture.ts";
import { startOpossum } from "./processes.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`events tail prints what this process appends, and ends with status 130 on ${signal}`, async () => {
    using dir = new TempDir();
    const data = dir.file("data");
    await fillStore(data, counts(2));
    const child = startOpossum([
      "events",
      "tail",
      "--json",
      "--after",
      "1",
      "--data",
      data,
    ]);
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let printed = "";
    const readUntil = async (words: string) => {
      while (!printed.includes(words)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`It ended: ${printed}`);
        printed += value;
      }
    };
    await readUntil('"position":2');
    await fillStore(data, counts(1));
    await readUntil('"position":3');
    child.kill(signal);
    const [{ code }, errors] = await Promise.all([
      child.status,
      new Response(child.stderr).text(),
      reader.cancel(),
    ]);
    assertEquals([code, errors], [130, ""]);
    assertStringIncludes(printed, '"type":"Counted"');
  });
}
