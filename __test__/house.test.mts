// The check of the table of rooms finds what it is there to find.

import test from 'ava'

interface Rooms {
  rooms: { [room: string]: string[] }
  tableProblems(table?: { [room: string]: string[] }): string[]
  roomProblems(files: { [path: string]: string }): string[]
  importProblems(files: { [path: string]: string }): string[]
  ringProblems(files: { [path: string]: string }): string[]
}

const script = (name: string): string => new URL(`../../scripts/${name}.mjs`, import.meta.url).href
const { rooms, tableProblems, roomProblems, importProblems, ringProblems } = (await import(script('rooms'))) as Rooms
const { typescriptSources, missingSections } = (await import(script('house'))) as {
  typescriptSources(): { [path: string]: string }
  missingSections(texts: { [path: string]: string }, page: string): string[]
}
const sources = typescriptSources()
const { rustSources } = (await import(script('house'))) as { rustSources(): { [path: string]: string } }
const crates = (await import(script('modules'))) as {
  modules: { [crate: string]: { [module: string]: string[] } }
  tableProblems(table?: { [crate: string]: { [module: string]: string[] } }): string[]
  problems(files: { [path: string]: string }): string[]
}
const rust = rustSources()

/** A file of a room with an import of each kind. */
const planted = (room: string, target: string): string[] =>
  importProblems({ ...sources, [`src/${room}/planted.ts`]: `import { x } from '${target}'\n` })

test('the sources have no wrong import, and every room of theirs is in the table', (t) => {
  t.deepEqual(tableProblems(), [])
  t.deepEqual(roomProblems(sources), [])
  t.deepEqual(importProblems(sources), [])
  t.true(Object.keys(sources).length > 90)
})

for (const room of Object.keys(rooms)) {
  test(`a wrong import that is planted in ${room} is found, whatever room it is of`, (t) => {
    const others = Object.keys(rooms).filter((other) => other !== room && !rooms[room]?.includes(other))
    t.true(others.length > 0, 'there is no room that it must not know')
    for (const other of others) {
      const message = `src/${room}/planted.ts imports ../${other}/x.js: ${room} must not know ${other}`
      t.deepEqual(planted(room, `../${other}/x.js`), [message])
      t.deepEqual(importProblems({ [`src/${room}/a.ts`]: `let x: import('../${other}/x.js').X` }).length, 1)
    }
  })

  test(`${room} imports no package, no entry and, unless it is the boundary, no addon`, (t) => {
    t.is(planted(room, 'lodash').length, 1)
    t.is(planted(room, '../../index.js').length, 1)
    t.is(planted(room, '#binding').length, room === 'boundary' || room === 'host' ? 0 : 1)
    t.is(planted(room, '../../../binding.cjs').length, room === 'boundary' ? 0 : 1)
    t.is(
      importProblems({ [`src/${room}/a.ts`]: "const x = require('../../../binding.cjs')" }).length,
      room === 'boundary' ? 0 : 1,
    )
  })
}

test('a room that is not in the table is a problem, with imports and without', (t) => {
  t.deepEqual(roomProblems({ 'src/attic/a.ts': '' }), ['the room attic is not in the table of scripts/rooms.mjs'])
  t.is(importProblems({ 'src/attic/a.ts': "import '../key.js'" }).length, 1)
  t.is(importProblems({ 'src/values/a.ts': "import '../attic/a.js'" }).length, 1)
})

test('the session takes from other rooms what the package exports, and nothing else', (t) => {
  t.deepEqual(planted('session', '../records/record.js'), [])
  t.deepEqual(planted('session', '../checks/check.js'), [])
  t.is(planted('session', '../records/shapes.js').length, 1)
})

test('the crates have no wrong use, and every module of theirs is in the table', (t) => {
  t.deepEqual(crates.problems(rust), [])
  t.true(Object.keys(rust).length > 250)
})

for (const [crate, rows] of Object.entries(crates.modules)) {
  test(`a wrong use that is planted in any module of crates/${crate} is found, however it is written`, (t) => {
    const wrong = Object.keys(rows).flatMap((module) =>
      Object.keys(rows)
        .filter((other) => other !== module && !rows[module]?.includes(other))
        .map((other) => ({ module, other, path: `crates/${crate}/src/${module}/planted_${other}.rs` })),
    )
    for (const plant of [
      (other: string) => `use crate::${other}::X;`,
      (other: string) => `use crate::{${other}::{self, X}, a::b};`,
      (other: string) => `pub(crate) fn x() { crate::${other}::x() }`,
      (other: string) => `use super::super::${other}::x;`,
    ]) {
      const planted = Object.fromEntries(wrong.map(({ other, path }) => [path, plant(other)]))
      t.deepEqual(
        crates.problems({ ...rust, ...planted }),
        wrong.map(({ module, other, path }) => `${path} uses ${other}: ${module} must not know ${other}`),
      )
    }
  })
}

test('what only tests, comments and texts name is no use', (t) => {
  const planted =
    '// crate::client::X\nconst A: &str = "crate::client::X";\n#[cfg(test)]\nmod tests { use crate::client::X; }\n'
  t.deepEqual(
    crates.problems({ ...rust, 'crates/client/src/retry.rs': planted + rust['crates/client/src/retry.rs'] }),
    [],
  )
})

test('a module that is not in the table, and files of a folder in a ring, are problems', (t) => {
  t.deepEqual(crates.problems({ ...rust, 'crates/node/src/attic.rs': '' }), [
    'the module attic of crates/node is not in the table of scripts/modules.mjs',
  ])
  const ring = {
    'crates/client/src/batch/a.rs': 'use super::b::B;',
    'crates/client/src/batch/b.rs': 'use crate::batch::a::A;',
  }
  t.deepEqual(crates.problems({ ...rust, ...ring }), ['these use one another in a ring, in client: batch/a, batch/b'])
})

test('what a module passes on is used where it is from', (t) => {
  const planted = 'use crate::batch::Batch;'
  t.deepEqual(crates.problems({ ...rust, 'crates/client/src/retry.rs': planted }), [
    'crates/client/src/retry.rs uses batch: retry must not know batch',
  ])
  t.is(crates.tableProblems({ x: { a: ['b'], b: [] } }).length, 1)
})

test('files that load one another in a ring are a problem, those that only know the types of one another are none', (t) => {
  t.deepEqual(ringProblems(sources), [])
  const ring = {
    'src/batch/a.ts': "import { b } from './b.js'\n",
    'src/batch/b.ts': "import {\n  type T,\n  c\n} from './c.js'\n",
    'src/batch/c.ts': "export { a } from './a.js'\n",
  }
  t.deepEqual(ringProblems(ring), [
    'these load one another in a ring: src/batch/a.ts -> src/batch/b.ts -> src/batch/c.ts -> src/batch/a.ts',
  ])
  t.deepEqual(ringProblems({ ...ring, 'src/batch/b.ts': "import type { C } from './c.js'\n" }), [])
  t.deepEqual(ringProblems({ ...ring, 'src/batch/b.ts': "import { type C, type D } from './c.js'\n" }), [])
})

test('entries re-export src', (t) => {
  t.is(importProblems({ 'index.ts': "export { x } from './other/x.js'" }).length, 1)
})

test('a row of the table that names a room below its own is a problem', (t) => {
  t.is(tableProblems({ a: ['b'], b: [] }).length, 1)
  t.is(tableProblems({ a: ['a'] }).length, 1)
  t.deepEqual(tableProblems({ b: [], a: ['b'] }), [])
})

test('a section of the protocol that is cited and not there is found', (t) => {
  const page = '## 2. Commands\n### 2.1 Header\n'
  const texts = { a: '(protocol 2.1)', b: 'protocol section 2', c: 'protocol 2.1 and 2.2', d: 'protocol 3, servers' }
  t.deepEqual(missingSections(texts, page), [
    'c cites section 2.2, which docs/internal/protocol.md does not have',
    'd cites section 3, which docs/internal/protocol.md does not have',
  ])
})
