/**
 * Compiles `shim.c`, and starts programs under it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { denoCommand, type Disturber } from "./victim.ts";

/** The shim cannot be made or used on this machine. */
export class NoShimError extends Error {
  override readonly name = "NoShimError";
}

/**
 * Compiles the shim, and sees whether it comes between a program and its system.
 *
 * @param directory Where the library is put.
 * @returns What disturbs programs by it.
 * @throws {NoShimError} If there is no compiler, or no C library that it fits.
 */
export async function compileShim(directory: string): Promise<Disturber> {
  const library = `${directory}/shim.so`;
  const source = fileURLToPath(new URL("shim.c", import.meta.url));
  const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
  await run("cc", [...flags, "-o", library, source, "-ldl"]);
  const folder = `${directory}/probe`;
  const probe = [
    `LD_PRELOAD=${library}`,
    `OPOSSUM_FAULT_FOLDER=${folder}`,
    "OPOSSUM_FAULT_AT=1",
    "OPOSSUM_FAULT_KIND=EIO",
    Deno.execPath(),
    "eval",
    `try { Deno.mkdirSync("${folder}") } catch { console.log("struck") }`,
  ];
  if (!(await run("env", probe)).includes("struck")) {
    throw new NoShimError("this Deno does not use a C library that it fits");
  }
  return {
    prepare: (task, { at, kind, call, killAfter }) => ({
      // Not in the environment: Deno hands such variables on only with all permissions.
      command: [
        "env",
        `LD_PRELOAD=${library}`,
        `OPOSSUM_FAULT_FOLDER=${task.path}`,
        `OPOSSUM_FAULT_AT=${at}`,
        `OPOSSUM_FAULT_KIND=${kind}`,
        ...call ? [`OPOSSUM_FAULT_CALL=${call}`] : [],
        ...killAfter ? [`OPOSSUM_FAULT_KILL_AFTER=${killAfter}`] : [],
        ...denoCommand(),
      ],
      task,
    }),
  };
}

async function run(command: string, args: readonly string[]): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, { args: [...args] }).output();
  } catch (cause) {
    throw new NoShimError(`"${command}" cannot be run`, { cause });
  }
  const { success, stdout, stderr } = output;
  if (success) return new TextDecoder().decode(stdout);
  const errors = new TextDecoder().decode(stderr);
  throw new NoShimError(`"${command}" failed: ${errors}`);
}
