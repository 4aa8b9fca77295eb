// Pages of a query as a server's messages, for tests on a stand-in for the addon.

/** What a record of a page is made of. */
export interface FakeRecord {
  digest: Buffer
  set?: string
  key?: Buffer
  value?: bigint
  bins?: { [name: string]: Buffer }
  generation?: number
}

function field(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(data.length + 1)
  head[4] = type
  return Buffer.concat([head, data])
}

/** One operation: READ, text. */
export function operation(name: string, value: Buffer, type = 3): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(4 + name.length + value.length)
  head.set([1, type, 0, name.length], 4)
  return Buffer.concat([head, Buffer.from(name), value])
}

/** A digest in a partition. */
export function digestIn(partition: number, number = 0): Buffer {
  const digest = Buffer.alloc(20)
  digest.writeUInt16LE(partition)
  digest.writeUInt32BE(number, 16)
  return digest
}

/** The message of a record. */
export function recordMessage(record: FakeRecord): Buffer {
  const fields = [field(0, Buffer.from('test')), field(4, record.digest)]
  if (record.set !== undefined) fields.push(field(1, Buffer.from(record.set)))
  if (record.key !== undefined) fields.push(field(2, record.key))
  if (record.value !== undefined) {
    const value = Buffer.alloc(8)
    value.writeBigInt64LE(record.value)
    fields.push(field(15, value))
  }
  const bins = Object.entries(record.bins ?? {}).map(([name, value]) => operation(name, value))
  const header = Buffer.alloc(22)
  header[0] = 22
  header.writeUInt32BE(record.generation ?? 1, 6)
  header.writeUInt16BE(fields.length, 18)
  header.writeUInt16BE(bins.length, 20)
  return Buffer.concat([header, ...fields, ...bins])
}

/** A page of records, as a step. */
export function pageOf(...records: FakeRecord[]): { page: Buffer; count: number } {
  return { page: Buffer.concat(records.map(recordMessage)), count: records.length }
}

/** One entry of a cursor's bytes. */
export interface Entry {
  partition: number
  state: number
  digest?: Buffer
  value?: bigint
}

/** The bytes of a cursor. */
export function cursorBytes(entries: Entry[], values = false): Buffer {
  const head = Buffer.from([1, values ? 1 : 0, entries.length & 0xff, entries.length >> 8])
  const parts = entries.flatMap(({ partition, state, digest, value }) => {
    const one: Buffer[] = [Buffer.from([partition & 0xff, partition >> 8, state])]
    if (state === 1) {
      one.push(digest ?? Buffer.alloc(20))
      if (values) {
        const bytes = Buffer.alloc(8)
        bytes.writeBigInt64LE(value ?? 0n)
        one.push(bytes)
      }
    }
    return one
  })
  return Buffer.concat([head, ...parts])
}
