/**
 * `projections repair` in a folder and on a server alike, and `verify --url`.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Damage, damageDocuments } from "../rebuild/repair_fixture.ts";
import { counts } from "../support/course_fixture.ts";
import type { CliRun } from "./cli_fixture.ts";
import { hooks } from "./counting_projections.ts";
import { CliServer } from "./server_fixture.ts";

/** A server with both projections built of nine events. */
async function startBuilt(): Promise<CliServer> {
  const server = await CliServer.start();
  await server.opossum.events.append(counts(9));
  await server.run(["rebuild"]);
  return server;
}

function damage(server: CliServer, damages: readonly Damage[]): void {
  damageDocuments(
    server.dir.file("data/projections/Alpha/000001.sqlite"),
    damages,
  );
}

const PLACES: readonly [
  where: string,
  run: (server: CliServer, args: readonly string[]) => Promise<CliRun>,
][] = [
  ["in a folder", (server, args) => server.inFolder(args)],
  ["on a server", (server, args) => server.run(args)],
];

for (const [where, run] of PLACES) {
  Deno.test(`projections repair ${where} mends what is missing or damaged, and says what`, async () => {
    await using server = await startBuilt();
    const right = (await server.inFolder(["export", "Alpha"])).stdout;
    damage(server, [
      { kind: "delete", at: 0 },
      { kind: "change", at: 0 },
      { kind: "foreign", key: "x" },
    ]);
    const mended = await run(server, ["projections", "repair", "Alpha"]);
    assertEquals(mended.exitCode, 0, mended.reports.join());
    assertEquals(
      mended.stdout,
      'added "a"\nchanged "b"\nremoved "x"\n' +
        "Alpha: 1 documents added, 1 removed, 1 changed, 0 unchanged, " +
        "up to position 9\n",
    );
    if (where === "on a server") {
      const { stdout } = await run(server, ["projections", "show", "Alpha"]);
      assertStringIncludes(stdout, "3 documents looked at closer, 3 mended");
    }
    const after = await server.inFolder(["export", "Alpha"]);
    assertEquals(after.stdout, right);
    const nothing = await run(server, ["projections", "repair", "Alpha"]);
    assertEquals(
      [nothing.exitCode, nothing.stdout],
      [0, "Alpha: nothing was to be mended, up to position 9\n"],
    );
  });

  Deno.test(`projections repair --key ${where} folds these documents anew, and no other`, async () => {
    await using server = await startBuilt();
    damage(server, [{ kind: "change", at: 0 }, { kind: "change", at: 1 }]);
    const args = ["projections", "repair", "Alpha", "--json"];
    const { exitCode, stdout } = await run(server, [
      ...args,
      ...["b", "a/?", "b", "c"].flatMap((key) => ["--key", key]),
    ]);
    assertEquals(exitCode, 0);
    const { projectionName, checkpoint, keys } = JSON.parse(stdout);
    assertEquals([projectionName, checkpoint], ["Alpha", 9]);
    assertEquals(keys, [
      { key: "a/?", change: "unchanged" },
      { key: "b", change: "changed" },
      { key: "c", change: "unchanged" },
    ]);
    const rest = JSON.parse((await run(server, args)).stdout);
    assertEquals(rest.keys, [{ key: "a", change: "changed" }]);
  });

  Deno.test(`projections repair ${where} refuses what cannot be done, each with its status`, async () => {
    await using server = await CliServer.start();
    const refused = async (code: number, words: string, ...args: string[]) => {
      const { exitCode, reports } = await run(server, [
        "projections",
        "repair",
        ...args,
      ]);
      assertEquals(exitCode, code, reports.join());
      assertStringIncludes(reports.join(), words);
    };
    await server.opossum.events.append(counts(9));
    await refused(4, "never built: rebuild the projection", "Alpha");
    await server.run(["rebuild"]);
    await refused(2, '"Alpha", "Beta"', "Gamma");
    await refused(2, "'--key' must have 1 to 1024 bytes", "Alpha", "--key", "");
    hooks.onApply = () => {
      throw new Error("Broken");
    };
    await refused(1, "Beta", "Beta", "--key", "a");
    hooks.onApply = undefined;
    await server.run(["rebuild", "Alpha", "--promote", "manual"]);
    await refused(4, "rebuil", "Alpha", "--key", "a");
  });
}

Deno.test("projections repair --key says what a server had done before it failed", async () => {
  await using server = await startBuilt();
  let count = 0;
  hooks.onApply = () => {
    // The events of one key are three.
    if (++count > 3) throw new Error("Broken");
  };
  const args = ["projections", "repair", "Beta", "--key", "a", "--key", "b"];
  const { exitCode, reports } = await server.run(args);
  assertEquals(exitCode, 1, reports.join());
  assertStringIncludes(reports.join(), "Done before it failed: 1 of 2 keys");
  const dots = await server.run([...args, "--key", ".."]);
  assertEquals(dots.exitCode, 2);
  assertStringIncludes(dots.reports.join(), "leave '--key' away");
});

Deno.test("verify --url has the server scrub, and fails when something is damaged", async () => {
  await using server = await startBuilt();
  const sound = await server.run(["verify"]);
  assertEquals(sound.exitCode, 0, sound.reports.join());
  assertStringIncludes(sound.stdout, "Alpha: sound, 3 documents\n");
  assertStringIncludes(sound.stdout, "The log is sound up to position 9");
  assertStringIncludes(sound.stdout, "Nothing is damaged");
  damage(server, [{ kind: "delete", at: 0 }]);
  const damaged = await server.run(["verify"]);
  assertEquals(damaged.exitCode, 1, damaged.reports.join());
  assertStringIncludes(
    damaged.stdout,
    "Alpha: damaged: It says 3 documents and has 2\n",
  );
  assertStringIncludes(
    damaged.stdout,
    "To mend Alpha: opossum projections repair Alpha",
  );
  assertStringIncludes(
    damaged.reports.join(),
    "The server reads the whole log",
  );
  const { state } = await server.json("projections", "show", "Alpha");
  assertEquals(state, "damaged");
  await server.run(["projections", "repair", "Alpha"]);
  const report = await server.json("verify");
  assert(report.ok);
  assertEquals(report, await server.opossum.lastScrub());
  const { stdout } = await server.run(["verify", "--help"]);
  assertStringIncludes(stdout, "With --url, the server scrubs");
});

Deno.test("projections repair asks on a terminal, and does nothing unless the answer is yes", async () => {
  await using server = await startBuilt();
  damage(server, [{ kind: "change", at: 0 }]);
  const questions: string[] = [];
  const repair = (answer: "yes" | "no", ...more: string[]) =>
    server.run(["projections", "repair", "Alpha", ...more], {
      confirm: (question) => questions.push(question) > 0 && answer === "yes",
    });
  const refused = await repair("no");
  assertEquals([refused.exitCode, refused.stdout], [1, "Nothing was done\n"]);
  const byKey = ["--key", "a", "--key", "b", "--key", "b"];
  assertEquals((await repair("no", ...byKey)).exitCode, 1);
  assertEquals(questions, [
    "Documents of Alpha that are missing or damaged would be made anew from " +
    "the log, and foreign ones removed. Go on?",
    "2 of the documents of Alpha would be made anew from the log. Go on?",
  ]);
  assertStringIncludes((await repair("yes")).stdout, 'changed "a"');
  assertEquals((await repair("no", "--yes")).exitCode, 0);
  assertEquals(questions.length, 3);
});

Deno.test("projections repair does not ask about what is refused", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(9));
  const { exitCode } = await server.run(["projections", "repair", "Alpha"], {
    confirm: () => {
      throw new Error("Asked");
    },
  });
  assertEquals(exitCode, 4);
});
