import { assertEquals } from "@std/assert";
import { ATTRIBUTES, SPAN_EVENTS, SPANS } from "../../src/telemetry/names.ts";

Deno.test("docs/TELEMETRY.md tells of every span, of what is noted in it, and of every attribute", () => {
  const url = new URL("../../docs/TELEMETRY.md", import.meta.url);
  const text = Deno.readTextFileSync(url);
  const names = [SPANS, SPAN_EVENTS, ATTRIBUTES].flatMap(Object.values);
  const quoted = (name: string) =>
    text.includes(`\`${name}\``) || text.includes(`"${name}"`);
  assertEquals(names.filter((name) => !quoted(name)), []);
});
