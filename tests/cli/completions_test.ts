/**
 * `opossum completions`: that the scripts know what the command line knows. How shells run them
 * was tried by hand with bash 5.2, zsh 5.9 and fish 3.6: tests start no shells.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { SHELLS } from "../../src/cli/completions.ts";
import { OPTIONS, optionsOf } from "../../src/cli/options.ts";
import { runCommand } from "./cli_fixture.ts";

async function scriptFor(shell: string): Promise<string> {
  const { exitCode, stdout } = await runCommand(["completions", shell]);
  assertEquals(exitCode, 0);
  return stdout;
}

Deno.test("completions know every command, its former name and its options", async () => {
  const bash = await scriptFor("bash");
  const zsh = (await scriptFor("zsh")).split("\n");
  const fish = (await scriptFor("fish")).split("\n");
  for (const command of COMMANDS) {
    const { name, formerly, summary } = command;
    const last = name.split(" ").at(-1) ?? "";
    const inBash = bash.split("\n").filter((line) =>
      line.trim().startsWith(`"${name}"`) && line.includes("--help")
    );
    assertEquals(inBash.length, 1, name);
    if (formerly !== undefined) {
      assertStringIncludes(inBash[0] ?? "", `|"${formerly}")`);
    }
    const inZsh = zsh.filter((line) =>
      [last, formerly].some((word) => line.trim().startsWith(`${word}) shift`))
    );
    const inFish = fish.filter((line) =>
      line.includes(`'__opossum_at ${name}'`)
    );
    for (const option of optionsOf(command)) {
      assertStringIncludes(inBash[0] ?? "", `--${option} `);
      assert(inZsh.some((line) => line.includes(`--${option}[`)), name);
      assert(inFish.some((line) => line.includes(` -l ${option}`)), name);
    }
    const words = summary.slice(0, 12).replaceAll("'", "'\\''");
    assert(zsh.some((line) => line.includes(`'${last}:${words}`)), name);
    assert(
      fish.some((line) => line.includes(` -a ${last} -d '${words}`)),
      name,
    );
  }
});

Deno.test("completions offer the values that options take", async () => {
  for (const shell of SHELLS) {
    const script = await scriptFor(shell);
    for (const { values } of Object.values(OPTIONS)) {
      if (typeof values !== "object") continue;
      assertStringIncludes(script, values.join(" "));
    }
  }
});

Deno.test("completions --json prints one JSON value", async () => {
  const { stdout } = await runCommand(["completions", "fish", "--json"]);
  const { shell, script } = JSON.parse(stdout);
  assertEquals([shell, `${script}\n`], ["fish", await scriptFor("fish")]);
});
