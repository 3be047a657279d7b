/**
 * Finding out whether an email address is taken by a registration that bears no email tag, such
 * as those of an import or of the seeder.
 *
 * @module
 */
import {
  type EventStore,
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  type Projections,
} from "@opossum/deno";
import { emailTag, normalizeEmail, type StudentRegistered } from "./events.ts";
import type { StudentShortInfo } from "./projections/student_short_info.ts";

/**
 * Whether a student with this address is registered.
 *
 * The read model answers for the events that it has applied, the log for those after them: a
 * lagging read model costs time, never the truth. Registrations recorded after this look-up are
 * the business of the append condition.
 *
 * @param source Where to look.
 * @param email The address in any spelling.
 * @returns Whether it is taken.
 */
export async function isEmailRegistered(
  source: { readonly events: EventStore; readonly projections: Projections },
  email: string,
): Promise<boolean> {
  const wanted = normalizeEmail(email);
  const { isListed, after } = await lookUp(source.projections, email);
  if (isListed) return true;
  const query = { items: [{ types: ["StudentRegistered"] }] };
  const registrations = source.events.read<StudentRegistered>(query, { after });
  for await (const { data } of registrations) {
    if (normalizeEmail(data.email) === wanted) return true;
  }
  return false;
}

async function lookUp(
  projections: Projections,
  email: string,
): Promise<{ isListed: boolean; after: number }> {
  try {
    const { documents, checkpoint } = await projections.queryByTag<
      StudentShortInfo
    >("StudentShortInfo", emailTag(email), { limit: 1 });
    return { isListed: documents.length > 0, after: checkpoint };
  } catch (error) {
    // Writing must not depend on a read model: without one, the whole log is asked.
    if (
      error instanceof ProjectionNotBuiltError ||
      error instanceof ProjectionDamagedError
    ) {
      return { isListed: false, after: 0 };
    }
    throw error;
  }
}
