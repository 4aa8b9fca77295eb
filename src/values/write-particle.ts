// Operations on bins and the particles in them, to bytes (protocol 2.8 and 2.9): straight into the request buffer.

import { types } from 'node:util'
import { isPlain } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_BIN_NAME_SIZE } from '../limits.js'
import { EncodedParticle } from './encoded.js'
import { packList, packMap, packObject } from './pack.js'
import { int64, isInteger, Particle, refuse } from './particle-types.js'
import { Double, GeoJSON, HyperLogLog } from './wrappers.js'
import type { Writer } from './writer.js'

/**
 * Writes one operation on a bin with a value: size, op-code, particle type, name, particle. Returns nothing; the
 * number of operations is the caller's to count.
 */
export function writeBin(w: Writer, code: number, name: string, value: unknown): void {
  const start = openOp(w, code, name)
  // First the value, then `w.bytes`: writing the value may have replaced the buffer.
  const type = writeParticle(w, value)
  w.bytes[start + 5] = type
  w.patchU32(start, w.at - start - 4)
}

/** Writes an operation without a value, such as a read. */
export function writeBareOp(w: Writer, code: number, name: string): void {
  const start = openOp(w, code, name)
  w.patchU32(start, w.at - start - 4)
}

/** The 8 bytes in front of a value, and the name. Size and particle type are filled in by the caller. */
export function openOp(w: Writer, code: number, name: string): number {
  const start = w.at
  w.reserve(8)
  const bytes = w.bytes
  bytes[start + 4] = code
  bytes[start + 5] = 0
  bytes[start + 6] = 0
  w.at = start + 8
  const length = w.text(name)
  if (length > MAX_BIN_NAME_SIZE) {
    throw new InvalidArgumentError(
      `bin name ${JSON.stringify(name)} is ${length} bytes long; the limit is ${MAX_BIN_NAME_SIZE}`,
    )
  }
  w.bytes[start + 7] = length
  return start
}

/** Writes the particle of a value and returns its type. */
export function writeParticle(w: Writer, value: unknown): number {
  switch (typeof value) {
    case 'string':
      w.text(value)
      return Particle.string
    case 'number':
      if (isInteger(value)) {
        w.safeInt64(value)
        return Particle.integer
      }
      w.f64(value)
      return Particle.float
    case 'boolean':
      w.u8(value ? 1 : 0)
      return Particle.bool
    case 'bigint':
      w.bigInt64(int64(w, value))
      return Particle.integer
    case 'object':
      return value === null ? Particle.null : writeObject(w, value)
    default:
      return refuse(w, value)
  }
}

function writeObject(w: Writer, value: object): number {
  if (Array.isArray(value)) {
    packList(w, value)
    return Particle.list
  }
  if (isPlain(value)) {
    packObject(w, value)
    return Particle.map
  }
  if (types.isUint8Array(value)) {
    w.raw(value)
    return Particle.blob
  }
  if (types.isMap(value)) {
    packMap(w, value)
    return Particle.map
  }
  if (value instanceof Double) {
    w.f64(value.value)
    return Particle.float
  }
  if (value instanceof GeoJSON) {
    // Flags and cell count: the server computes the cells itself and ignores what a client sends.
    w.u8(0)
    w.u16(0)
    w.text(value.text)
    return Particle.geojson
  }
  if (value instanceof HyperLogLog) {
    w.raw(value.bytes)
    return Particle.hll
  }
  if (value instanceof EncodedParticle) {
    w.raw(value.bytes)
    return value.type
  }
  return refuse(w, value)
}
