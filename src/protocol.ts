// Numbers of the wire protocol by name, as `flags.rs`, `field.rs` and `op.rs` of `crates/wire/src` have them; a test
// compares the tables.

/** First flag byte of a command: reading. */
export const Info1 = {
  read: 0x01,
  getAll: 0x02,
  batch: 0x08,
  getNoBins: 0x20,
  readModeApAll: 0x40,
} as const

/** Second flag byte: writing. */
export const Info2 = {
  write: 0x01,
  delete: 0x02,
  generation: 0x04,
  generationGt: 0x08,
  durableDelete: 0x10,
  createOnly: 0x20,
  respondAllOps: 0x80,
} as const

/** Third flag byte: existence, copies, and the strictness of reads. */
export const Info3 = {
  commitLevelMaster: 0x02,
  updateOnly: 0x08,
  createOrReplace: 0x10,
  replaceOnly: 0x20,
  scReadType: 0x40,
  scReadRelax: 0x80,
} as const

/** The bits of {@link Info3} that say how strict a read is. */
export const SC_READ = Info3.scReadType | Info3.scReadRelax
/** The bits of {@link Info2} that make a write depend on the generation. */
export const GENERATION = Info2.generation | Info2.generationGt
/** The bits of {@link Info3} with which a write drops the bins that it does not write. */
export const REPLACING = Info3.createOrReplace | Info3.replaceOnly
/** The bits of {@link Info3} that say whether the record must exist, beside `createOnly` of {@link Info2}. */
export const EXISTENCE = Info3.updateOnly | Info3.createOrReplace | Info3.replaceOnly

/** Types of the fields of a message. */
export const FieldType = {
  set: 1,
  key: 2,
  digest: 4,
  bvalArray: 15,
  indexName: 21,
  indexRange: 22,
  indexContext: 23,
  indexExpression: 24,
  indexType: 26,
  udfModule: 30,
  udfFunction: 31,
  udfArguments: 32,
  udfOp: 33,
  filter: 43,
} as const

/** Codes of operations (protocol 2.8). */
export const OpCode = {
  read: 1,
  write: 2,
  cdtRead: 3,
  cdtModify: 4,
  increment: 5,
  expRead: 7,
  expModify: 8,
  append: 9,
  prepend: 10,
  touch: 11,
  bitsRead: 12,
  bitsModify: 13,
  deleteAll: 14,
  hllRead: 15,
  hllModify: 16,
} as const
