/**
 * The four use cases of the specification over the command line, with real processes: on a folder
 * that nobody else has open, on one that a server has open, and on a running server.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import { assertMatchesOracle } from "../examples/oracle_check.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { opossum, RELEASES, startRelease } from "./processes.ts";

const ALL = [
  "CourseDetails",
  "CourseShortInfo",
  "StudentDetails",
  "StudentShortInfo",
];
const EVENTS = 500;

type Where = "a folder" | "a folder that a server has open" | "a server";
const PLACES: readonly Where[] = [
  "a folder",
  "a folder that a server has open",
  "a server",
];

/** A release in production, and an operator with a terminal. */
class Production implements AsyncDisposable {
  readonly #dir = new TempDir();
  readonly #where: Where;
  #server: ServerProcess | undefined;
  #release: string = RELEASES.current;
  readonly data: string = this.#dir.file("data");

  constructor(where: Where) {
    this.#where = where;
  }

  /** Deploys a release. */
  async deploy(
    release: string,
    options: { readonly autoRebuild?: boolean } = {},
  ): Promise<void> {
    await this.#server?.stop();
    this.#release = release;
    if (this.#where === "a folder") return;
    this.#server = await startRelease(this.data, release, options);
  }

  /** Ends the release. */
  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Works where it is meant to be worked. */
  async run(...args: string[]) {
    return await opossum(
      ...args,
      ...this.#where === "a server"
        ? ["--url", this.#server?.url ?? ""]
        : ["--data", this.data, "--projections", this.#release],
    );
  }

  /** Works on the folder, wherever else is worked. */
  async inFolder(...args: string[]) {
    return await opossum(
      ...args,
      "--data",
      this.data,
      "--projections",
      this.#release,
    );
  }

  /** Runs a command that must succeed, and reads its JSON. */
  // deno-lint-ignore no-explicit-any -- tests look at what they expect
  async json(...args: string[]): Promise<any> {
    const { code, stdout, stderr } = await this.run(...args, "--json");
    assertEquals(code, 0, stderr);
    return JSON.parse(stdout);
  }

  /** State and generation of each projection. */
  async standing(): Promise<Record<string, [string, number | null]>> {
    const { projections } = await this.json("projections", "list");
    return Object.fromEntries(
      projections.map((
        { name, state, generation }: {
          name: string;
          state: string;
          generation: number | null;
        },
      ) => [name, [state, generation]]),
    );
  }

  /** Checks every document against a plain fold of the events. */
  async assertRight(): Promise<void> {
    await using store = await openOpossum({
      path: this.data,
      projections: this.#release,
      startDaemon: false,
      logger: silentLogger,
    });
    await assertMatchesOracle(store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#dir[Symbol.dispose]();
  }
}

async function seed(path: string): Promise<void> {
  await using store = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  await store.events.append([...generateEvents({ events: EVENTS, seed: 3 })]);
}

for (const where of PLACES) {
  Deno.test(`use case 1 on ${where}: a developer resets and reseeds, and all is built`, async () => {
    await using production = new Production(where);
    for (let reset = 0; reset < 2; reset++) {
      await seed(production.data);
      await production.deploy(RELEASES.current, { autoRebuild: true });
      if (where === "a folder") {
        const built = await production.json("projections", "rebuild");
        assertEquals(built.totalRebuilt, 4);
      } else {
        // The start has begun to build by itself: it is followed to its end.
        let operations = [];
        while (operations.length === 0) {
          ({ operations } = await production.json("operations", "list"));
        }
        const [{ id, trigger }] = operations;
        assertEquals(trigger, "startup");
        const result = await production.json("operations", "watch", id);
        assertEquals(result.totalRebuilt, 4);
      }
      assertEquals(
        await production.standing(),
        Object.fromEntries(ALL.map((name) => [name, ["ready", 1]])),
      );
      await production.assertRight();
      await production.stop();
      await Deno.remove(production.data, { recursive: true });
    }
  });

  Deno.test(`use case 2 on ${where}: a release brings a projection, which is built from history`, async () => {
    await using production = new Production(where);
    await seed(production.data);
    await production.deploy(RELEASES.first);
    await production.json("projections", "rebuild");
    await production.deploy(RELEASES.current);
    const standing = await production.standing();
    assertEquals(standing.CourseShortInfo, ["absent", null]);
    assertEquals(standing.CourseDetails, ["ready", 1]);

    const plan = await production.json("projections", "rebuild", "--dry-run");
    assertEquals(plan.events, EVENTS);
    const { stdout } = await production.run(
      "projections",
      "rebuild",
      "--dry-run",
    );
    assertStringIncludes(
      stdout,
      `Would rebuild 1 of 4 projections: ${EVENTS} events`,
    );

    const rebuilt = await production.run("projections", "rebuild");
    assertEquals(rebuilt.code, 0, rebuilt.stderr);
    assertStringIncludes(rebuilt.stdout, "CourseShortInfo: rebuilt (absent)");
    assertStringIncludes(rebuilt.stdout, "1 of 1 projections rebuilt");
    assertStringIncludes(rebuilt.stderr, "CourseShortInfo: ");
    assertEquals(
      await production.standing(),
      Object.fromEntries(ALL.map((name) => [name, ["ready", 1]])),
    );
    await production.assertRight();
  });

  Deno.test(`use case 3 on ${where}: a release fixes a projection, which is rebuilt alone`, async () => {
    await using production = new Production(where);
    await seed(production.data);
    await production.deploy(RELEASES.buggy);
    await production.json("projections", "rebuild");
    const wrong = await production.inFolder("export", "CourseDetails");
    assertStringIncludes(wrong.stdout, '"name":"Oops"');
    await production.deploy(RELEASES.current);
    assertEquals((await production.standing()).CourseDetails, ["stale", 1]);
    const unfit = await production.inFolder(
      "projections",
      "verify",
      "CourseDetails",
    );
    assertEquals(unfit.code, 1);
    assertStringIncludes(unfit.stdout, "cannot be compared");

    const rebuilt = await production.run(
      "projections",
      "rebuild",
      "CourseDetails",
      "--note",
      "the name",
    );
    assertEquals(rebuilt.code, 0, rebuilt.stderr);
    assertStringIncludes(rebuilt.stdout, "CourseDetails: rebuilt");
    const { operations: [operation] } = await production.json(
      "operations",
      "list",
    );
    assertEquals(operation.note, "the name");
    assertEquals(
      await production.standing(),
      Object.fromEntries(
        ALL.map((name) => [name, ["ready", name === "CourseDetails" ? 2 : 1]]),
      ),
    );
    await production.assertRight();
    const verified = await production.inFolder(
      "projections",
      "verify",
      "CourseDetails",
    );
    assertEquals(verified.code, 0, verified.stdout);
    assertStringIncludes(
      verified.stdout,
      `is what the log says, up to position ${EVENTS}`,
    );
  });

  Deno.test(`use case 4 on ${where}: projection files are lost and damaged, and all is rebuilt`, async () => {
    await using production = new Production(where);
    await seed(production.data);
    await production.deploy(RELEASES.current);
    await production.json("projections", "rebuild");
    const before = await production.inFolder("digest");
    assertEquals(before.code, 0);
    await production.stop();
    const folder = `${production.data}/projections`;
    await Deno.remove(`${folder}/CourseShortInfo`, { recursive: true });
    await Deno.writeTextFile(`${folder}/StudentDetails/current.json`, "?");
    for (const { name } of Deno.readDirSync(`${folder}/CourseDetails`)) {
      if (!name.endsWith(".sqlite")) continue;
      await Deno.writeTextFile(`${folder}/CourseDetails/${name}`, "?");
    }
    await production.deploy(RELEASES.current);
    const standing = await production.standing();
    assertEquals(ALL.map((name) => standing[name]?.[0]), [
      "damaged",
      "absent",
      "damaged",
      "ready",
    ]);
    const result = await production.json(
      "projections",
      "rebuild",
      "--force",
      "--yes",
    );
    assertEquals([result.success, result.totalRebuilt], [true, 4]);
    assert(
      Object.values(await production.standing()).every(([state]) =>
        state === "ready"
      ),
    );
    const after = await production.inFolder("digest");
    assertEquals(after.stdout, before.stdout);
    await production.assertRight();
  });
}
