/**
 * `status`, `checkpoints` and `verify`: what stands in a store, without changing it.
 *
 * @module
 */
import { type Command, EXIT_FAILURE, EXIT_OK, writeJson } from "./command.ts";

/** Shows how each projection stands. */
export const statusCommand: Command = {
  usage: "",
  summary: "Shows each projection's state, checkpoint, lag and documents",
  needsProjections: true,
  createsStore: false,
  operands: { min: 0, max: 0 },
  async run({ opossum, io, options }) {
    const { projections, rebuilder, events } = opossum;
    const head = await events.head();
    const infos = await Promise.all(
      projections.names.map((name) => projections.info(name)),
    );
    if (options.json) {
      const [lastOperation = null] = await rebuilder.listOperations({
        limit: 1,
      });
      await writeJson(io, { head, projections: infos, lastOperation });
      return EXIT_OK;
    }
    await io.write(`head ${head}\n`);
    for (
      const { name, state, checkpoint, lag, documents, generation } of infos
    ) {
      await io.write(
        `${name.padEnd(24)} ${
          state.padEnd(8)
        } checkpoint ${checkpoint}  lag ${lag}  ` +
          `documents ${documents}  generation ${generation ?? "none"}\n`,
      );
    }
    return EXIT_OK;
  },
};

/** Shows the checkpoints alone. */
export const checkpointsCommand: Command = {
  usage: "",
  summary: "Shows each projection's checkpoint; 0 when it was never built",
  needsProjections: true,
  createsStore: false,
  operands: { min: 0, max: 0 },
  async run({ opossum, io, options }) {
    const { rebuilder } = opossum;
    const names = rebuilder.getRegisteredProjections();
    const checkpoints = await Promise.all(
      names.map(async (name) =>
        [name, await rebuilder.getCheckpoint(name)] as const
      ),
    );
    if (options.json) await writeJson(io, Object.fromEntries(checkpoints));
    else {for (const [name, checkpoint] of checkpoints) {
        await io.write(`${name} ${checkpoint}\n`);
      }}
    return EXIT_OK;
  },
};

/** Reads and checks the whole log. */
export const verifyCommand: Command = {
  usage: "",
  summary: "Reads the whole log and checks every frame and line of it",
  needsProjections: false,
  createsStore: false,
  operands: { min: 0, max: 0 },
  async run({ opossum, io, options }) {
    const report = await opossum.verify({ signal: io.signal });
    if (options.json) await writeJson(io, report);
    else {
      const { events, frames, segments, bytes, problems } = report;
      await io.write(
        `${events} events in ${frames} frames, ${segments} segments, ${bytes} bytes\n`,
      );
      for (const { file, offset, first, last, what } of problems) {
        await io.write(
          `${file} at ${offset}, positions ${first} to ${last}: ${what}\n`,
        );
      }
      await io.write(
        report.ok
          ? "No problems found\n"
          : `${problems.length} problems found\n`,
      );
    }
    return report.ok ? EXIT_OK : EXIT_FAILURE;
  },
};
