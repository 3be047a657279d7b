/**
 * `projections rollback`, `rebuild --verify`, `rebuild --promote manual` and `operations promote`:
 * in a folder and on a server alike.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { counts } from "../support/course_fixture.ts";
import { CliServer, COUNTING, TOKEN } from "./server_fixture.ts";
import { type CliRunOptions, runCommand } from "./cli_fixture.ts";
import { hooks } from "./counting_projections.ts";

const PLACES = ["a folder", "a server"] as const;

/** A store that is worked on in one of both places. */
class Place implements AsyncDisposable {
  static async open(where: (typeof PLACES)[number]): Promise<Place> {
    const server = await CliServer.start();
    await server.opossum.events.append(counts(6));
    const place = new Place(server, where === "a server");
    await place.run("rebuild");
    return place;
  }

  readonly server: CliServer;
  readonly #isServer: boolean;

  private constructor(server: CliServer, isServer: boolean) {
    this.server = server;
    this.#isServer = isServer;
  }

  async run(...args: (string | CliRunOptions)[]) {
    const words = args.filter((each) => typeof each === "string");
    const [options = {}] = args.filter((each) => typeof each !== "string");
    const target = this.#isServer
      ? ["--url", this.server.url]
      : ["--data", this.server.dir.file("data"), "--projections", COUNTING];
    return await runCommand([...words, ...target], {
      env: { OPOSSUM_TOKEN: TOKEN },
      ...options,
    });
  }

  // deno-lint-ignore no-explicit-any -- what a program would see
  async json(...args: string[]): Promise<any> {
    return JSON.parse((await this.run(...args, "--json")).stdout);
  }

  /** The sums that the folder's projection serves. */
  async sums(name: string): Promise<string> {
    return (await this.server.inFolder(["export", name])).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

for (const where of PLACES) {
  Deno.test(`projections rollback ${where === "a server" ? "on" : "in"} ${where} goes back, and forward again`, async () => {
    await using place = await Place.open(where);
    const nothing = await place.run("projections", "rollback", "Alpha");
    assertEquals(nothing.exitCode, 4, nothing.reports.join());
    await place.run("rebuild", "Alpha");
    const shown = await place.json("projections", "show", "Alpha");
    assertEquals(
      shown.generations.map((each: Record<string, unknown>) => [
        each.number,
        each.role,
      ]),
      [[1, "previous"], [2, "current"]],
    );
    const questions: string[] = [];
    const asked = await place.run("projections", "rollback", "Alpha", {
      confirm: (question) => questions.push(question) < 0,
    });
    assertEquals([asked.exitCode, asked.stdout], [1, "Nothing was done\n"]);
    assertStringIncludes(questions[0] ?? "", "generation 1 instead of 2");
    const back = await place.run("projections", "rollback", "Alpha");
    assertEquals(back.exitCode, 0, back.reports.join());
    assertStringIncludes(back.stdout, "Alpha serves generation 1 again");
    const { projections } = await place.json("projections", "list");
    assertEquals(projections[0].generation, 1);
    const forward = await place.json("projections", "rollback", "Alpha");
    assertEquals(forward.generation, 2);
    const text = await place.run("projections", "show", "Alpha");
    assertStringIncludes(text.stdout, "previous");
  });

  Deno.test(`projections rollback ${where === "a server" ? "on" : "in"} ${where} does what was asked about, or nothing`, async () => {
    await using place = await Place.open(where);
    await place.run("rebuild", "Alpha");
    const late = await place.run("projections", "rollback", "Alpha", {
      // Somebody else was faster.
      confirm: async () => {
        await place.server.opossum.rebuilder.rollback("Alpha");
        return true;
      },
    });
    assertEquals(late.exitCode, 4, late.stdout);
    assertStringIncludes(late.reports.join(), "generation 1 serves, not 2");
    const { generation } = await place.json("projections", "show", "Alpha");
    assertEquals(generation, 1);
  });

  Deno.test(`projections rebuild --verify ${where === "a server" ? "on" : "in"} ${where} says what changes`, async () => {
    await using place = await Place.open(where);
    const same = await place.run("rebuild", "Beta", "--verify");
    assertStringIncludes(
      same.stdout,
      "0 documents added, 0 removed, 0 changed, 3 unchanged",
    );
    hooks.factor = 10;
    const other = await place.run("rebuild", "Beta", "--verify");
    assertEquals(other.exitCode, 0);
    assertStringIncludes(other.stdout, "0 removed, 3 changed, 0 unchanged");
    assertStringIncludes(other.stdout, 'changed "a": {"sum":');
    const { details } = await place.json("rebuild", "Beta", "--verify");
    assertEquals(details[0].comparison.unchanged, 3);
  });

  Deno.test(`projections rebuild --promote manual ${where === "a server" ? "on" : "in"} ${where} waits to be promoted, or cancelled`, async () => {
    await using place = await Place.open(where);
    const before = await place.sums("Beta");
    hooks.factor = 10;
    const args = ["rebuild", "Beta", "--promote", "manual", "--verify"];
    const built = await place.run(...args);
    assertEquals(built.exitCode, 0, built.reports.join());
    assertStringIncludes(built.stdout, "3 changed");
    const id = /operations promote (\S+)/.exec(built.stdout)?.[1] ?? "";
    assertStringIncludes(built.stdout, `Operation ${id} waits to be promoted`);
    assertEquals(await place.sums("Beta"), before);

    const promoted = await place.run("operations", "promote", id);
    assertEquals(promoted.exitCode, 0, promoted.reports.join());
    assertStringIncludes(promoted.stdout, "1 of 1 projections rebuilt");
    assert(await place.sums("Beta") !== before);
    const again = await place.run("operations", "promote", id);
    assertEquals(again.exitCode, 4, again.stdout);

    const now = await place.sums("Beta");
    hooks.factor = 1;
    const other = await place.run(...args);
    const otherId = /operations promote (\S+)/.exec(other.stdout)?.[1] ?? "";
    const questions: string[] = [];
    const cancel = (answer: "yes" | "no", ...more: string[]) =>
      place.run("operations", "cancel", otherId, ...more, {
        confirm: (question) => questions.push(question) > 0 && answer === "yes",
      });
    const kept = await cancel("no");
    assertEquals([kept.exitCode, kept.stdout], [1, "Nothing was done\n"]);
    assertStringIncludes(questions.join(), "deleted: Beta at 100 %. Go on?");
    const still = await place.json("operations", "show", otherId);
    assert(still.state !== "cancelled");
    const cancelled = await cancel("no", "--yes");
    assertEquals(cancelled.exitCode, 0, cancelled.reports.join());
    // What has ended is not asked about.
    assertEquals((await cancel("no")).exitCode, where === "a server" ? 0 : 4);
    assertEquals(questions.length, 1);
    assertEquals(await place.sums("Beta"), now);
    const { stdout } = await place.run("rebuild", "Beta");
    assertStringIncludes(stdout, "1 of 1 projections rebuilt");
  });
}

Deno.test("operations promote refuses what does not wait for it", async () => {
  await using place = await Place.open("a server");
  const { id } = await place.server.opossum.rebuilder.start(["Alpha"]);
  await place.server.opossum.rebuilder.pause(id);
  const refused = await place.run("operations", "promote", id);
  assertEquals(refused.exitCode, 4, refused.stdout);
  await place.run("operations", "cancel", id);
});
