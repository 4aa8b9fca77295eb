// The numbers of what crosses, by name, as `crates/node/src/layout.rs` has them; a test compares the tables, and another one
// that both languages write and read the same bytes. docs/internal/boundary.md says what each of them is.

/** What a request entry asks for. A call that was cancelled before it was handed over is skipped. */
export const EntryKind = { skipped: 0, record: 1, batch: 2 } as const

/**
 * The core is to keep track of the command, so that it can be cancelled; its completion is to say when it was sent and
 * answered.
 */
export const EntryFlag = { cancellable: 1, timed: 2 } as const

/** What a policy says in a bit. Behind the body of a hedged entry stands when a read is asked twice, and how often. */
export const PolicyFlag = { idempotent: 1, hedged: 2 } as const

/** Where the parts of an entry are that are read or changed on their own. From `refusalRetries` on: of a batch. */
export const EntryAt = {
  ticket: 4,
  kind: 8,
  flags: 9,
  transaction: 10,
  totalTimeout: 12,
  refusalRetries: 29,
  inParts: 30,
  maxResponseBytes: 36,
  rowCount: 48,
} as const

/** How a row of a batch differs from the one before it. */
export const RowFlag = { sameKeyspace: 1, sameSpec: 2, sendKey: 4 } as const

export const CompletionKind = { record: 1, failure: 2, batch: 3 } as const

/**
 * Of a failure: it is in doubt, and has a message of the server. Of a batch: others of its ticket follow, and its table and
 * pages are in it. Of a record and its failure: it ends with when the command was sent and answered.
 */
export const CompletionFlag = { inDoubt: 1, hasMessage: 2, isPart: 4, isWhole: 8, hasTiming: 16 } as const

/** Where the parts of a completion are. */
export const CompletionAt = { ticket: 4, kind: 8, flags: 9, code: 10, body: 12 } as const

/** Of a row in the table of a batch's answer. */
export const OutcomeFlag = { inDoubt: 1, isElsewhere: 2 } as const

/** Bytes of the parts whose length is fixed. */
export const Size = {
  /** What every entry begins with. */
  entryHead: 28,
  /** An entry of a batch in front of its filter and specs. */
  batchHead: 52,
  /** Flags, generation, TTL, counts and sizes of a command or spec. */
  command: 24,
  /** The body of a batch completion in front of its pages, a page there, and a node between its name and its error. */
  batchReplyHead: 22,
  page: 8,
  node: 34,
  /** A row of the table. */
  outcome: 12,
} as const
