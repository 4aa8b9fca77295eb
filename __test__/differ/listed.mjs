// Differences that stay, each with its reason.

/** Reasons by what a case and its difference must be like. */
const LISTED = []

/** Why a difference stays; undefined for one that is to be mended. */
export const reasonFor = (test, difference) => LISTED.find(({ holds }) => holds(test, difference))?.reason
