import { assert, assertEquals } from "@std/assert";
import { readArguments } from "../../src/cli/arguments.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { alerts, textOf } from "./support/committed.ts";

const RUNBOOK = "observability/README.md";
const text = textOf("README.md");

/** The paragraphs under "Runbook", by their anchors. */
function paragraphs(): Map<string, string> {
  const [, runbook = ""] = text.split("\n## Runbook\n");
  return new Map(
    runbook.split("\n### ").slice(1).map((paragraph) => {
      const [heading = ""] = paragraph.split("\n");
      return [heading.toLowerCase(), paragraph];
    }),
  );
}

Deno.test("alerts: each says how bad it is, what is wrong, and where to read on", () => {
  const known = paragraphs();
  for (const { alert, labels, annotations } of alerts()) {
    assert(alert.startsWith("Opossum"), alert);
    assert(["critical", "warning"].includes(labels.severity ?? ""), alert);
    const { summary, description, runbook_url: url = "", ...others } =
      annotations;
    assertEquals(others, {}, alert);
    assert(summary && description, alert);
    const [path, anchor = ""] = url.split("#");
    assertEquals(path, RUNBOOK, alert);
    assertEquals(anchor, alert.toLowerCase());
    assert(known.has(anchor), `${url} is no paragraph`);
  }
});

Deno.test("runbook: every paragraph is of an alert, names its severities, and says when to wake somebody", () => {
  for (const [anchor, paragraph] of paragraphs()) {
    const own = alerts().filter(({ alert }) => alert.toLowerCase() === anchor);
    assert(own.length > 0, `${anchor} is of no alert`);
    for (const severity of ["critical", "warning"]) {
      assertEquals(
        new RegExp(`\\*\\*${severity}`, "i").test(paragraph),
        own.some(({ labels }) => labels.severity === severity),
        `${anchor}: ${severity}`,
      );
    }
    assert(paragraph.includes("**Wake somebody:**"), anchor);
  }
});

Deno.test("runbook: the command line takes every command that it names", () => {
  const commands = [...text.matchAll(/^\s*opossum (.+)$/gm)]
    .map(([, args = ""]) => args);
  assert(commands.length > 20);
  for (const command of commands) {
    const { kind } = readArguments(
      command.replaceAll("$U", "http://127.0.0.1:8000").split(" "),
      COMMANDS,
    );
    assertEquals(kind, "command", command);
  }
});
