/**
 * Opens what a command works on: the folder of `--data`, or the server of `--url`.
 *
 * @module
 */
import type { Administration } from "./administration.ts";
import type { CommandCall } from "./command.ts";
import { LocalAdministration } from "./local_administration.ts";
import { openStore, type OpenStoreOptions } from "./open_store.ts";
import { ServerAdministration } from "./server/server_administration.ts";
import { ServerClient } from "./server/server_client.ts";
import { findToken } from "./server/token.ts";

/**
 * Opens the folder, or gets ready to ask the server.
 *
 * @param call The call of the command.
 * @param opossum Further options of `openOpossum()`, for folders. @default {none}
 * @returns What operators can do there.
 * @throws {UsageError} If there is no store, the address is none, or the token file unusable.
 */
export async function openAdministration(
  call: CommandCall,
  opossum: NonNullable<OpenStoreOptions["opossum"]> = {},
): Promise<Administration> {
  const { options, io } = call;
  const { url } = options;
  if (url === undefined) {
    const store = await openStore(call, { projections: true, opossum });
    return new LocalAdministration(store, io);
  }
  const client = new ServerClient({ url, token: findToken(options, io), io });
  return new ServerAdministration(client, io);
}
