/**
 * The sections and the security scheme of the OpenAPI document.
 *
 * @module
 */

/** The section of the routes about projections. */
export const PROJECTIONS_TAG = "Admin - Projections";
/** The section of the routes about rebuild operations. */
export const OPERATIONS_TAG = "Admin - Operations";
/** The section of the routes about who did what. */
export const AUDIT_TAG = "Admin - Audit";
/** The section of the routes that monitoring asks. */
export const HEALTH_TAG = "Health";

/** Name of the security scheme. */
export const SECURITY_SCHEME = "bearerAuth";

/** What the routes of the admin API demand. */
export const ADMIN_SECURITY: { [SECURITY_SCHEME]: string[] }[] = [
  { [SECURITY_SCHEME]: [] },
];
