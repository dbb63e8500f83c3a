/*
 * Names of the parts of a request file, beside its envelopes.
 */

/** The signed index. It comes last: a file that was cut short has none. */
export const requestName = 'request.json';
/** The have-set. */
export const haveName = 'have';
/** The vendor's root that the site trusts. */
export const rootName = 'root.json';
