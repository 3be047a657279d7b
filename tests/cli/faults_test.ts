import { assertEquals, assertStringIncludes } from "@std/assert";
import { TempDir } from "../support/temp_dir.ts";
import { hooks } from "./counting_projections.ts";
import { fillStore, modulePath, runCommand } from "./cli_fixture.ts";

const POISON = 30;

/** A store of which Beta cannot apply the third of four events. */
async function setUp(path: string): Promise<string[]> {
  const common = ["--data", path];
  common.push("--projections", modulePath("./counting_projections.ts"));
  const counted = (by: number) => ({
    type: "Counted",
    data: { key: "a", by },
  });
  await fillStore(path, [counted(10)]);
  await runCommand(["rebuild", ...common]);
  await fillStore(path, [20, POISON, 40].map(counted));
  return common;
}

function refuse(by: number): void {
  if (by === POISON) throw new Error("Poison");
}

Deno.test("opossum skip passes over the event that a projection stands still on", async () => {
  using dir = new TempDir();
  const common = await setUp(dir.path);
  hooks.onApply = refuse;
  try {
    const wrong = await runCommand(["skip", "Beta", "2", ...common]);
    assertEquals(wrong.exitCode, 4);
    assertStringIncludes(wrong.reports.join(), "does not stand still on it");
    const skip = await runCommand(["skip", "Beta", "3", ...common]);
    assertEquals(skip.exitCode, 0);
    assertEquals(
      skip.stdout,
      "Beta is ready, at position 4, 0 events behind\n",
    );
    const rebuild = await runCommand(["rebuild", "--force", ...common]);
    assertEquals(rebuild.exitCode, 0);
    const { stdout } = await runCommand(["export", "Beta", ...common]);
    assertEquals(stdout, '{"sum":70}\n');
    const letters = await runCommand(["dead-letters", "Beta", ...common]);
    assertStringIncludes(letters.stdout, "ordered");
    const bad = await runCommand(["skip", "Beta", "x", ...common]);
    assertEquals(bad.exitCode, 2);
  } finally {
    hooks.onApply = undefined;
  }
});

Deno.test("opossum retry tries again, and says on which event a projection stands still", async () => {
  using dir = new TempDir();
  const common = await setUp(dir.path);
  hooks.onApply = refuse;
  try {
    const still = await runCommand(["retry", "Beta", ...common]);
    assertEquals(still.exitCode, 1);
    assertStringIncludes(still.stdout, "stands still before event 3");
  } finally {
    hooks.onApply = undefined;
  }
  const mended = await runCommand(["retry", "Beta", ...common]);
  assertEquals(mended.exitCode, 0);
});

Deno.test("opossum skip asks on a terminal, and does nothing unless the answer is yes", async () => {
  using dir = new TempDir();
  const common = await setUp(dir.path);
  hooks.onApply = refuse;
  try {
    await runCommand(["retry", "Beta", ...common]);
    const questions: string[] = [];
    const skip = (answer: "yes" | "no", ...more: string[]) =>
      runCommand(["skip", "Beta", "3", ...more, ...common], {
        confirm: (question) => questions.push(question) > 0 && answer === "yes",
      });
    const refused = await skip("no");
    assertEquals([refused.exitCode, refused.stdout], [1, "Nothing was done\n"]);
    const [question = ""] = questions;
    assertStringIncludes(
      question,
      "Beta would leave event 3 out, also when it is rebuilt, " +
        "until its version or code changes",
    );
    const still = await runCommand(["retry", "Beta", ...common]);
    assertStringIncludes(still.stdout, "stands still before event 3");
    assertEquals((await skip("yes")).exitCode, 0);
    assertEquals(questions.length, 2);
    await skip("no", "--yes");
    assertEquals(questions.length, 2);
  } finally {
    hooks.onApply = undefined;
  }
});
