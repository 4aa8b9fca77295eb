// The dashboard and the alert rules of docs/telemetry: valid, and of metrics that there are.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { parse } from 'yaml'
import { CLIENT_FAMILIES } from '#src/telemetry/prometheus'

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8')

/** Every name that a scrape has. */
const known = new Set(
  CLIENT_FAMILIES.flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
)

const named = (text: string): string[] => text.match(/aerospike_client_\w+/g) ?? []

test('the dashboard is JSON, and every metric it names exists', (t) => {
  const text = read('telemetry/dashboard.json')
  const { panels } = JSON.parse(text) as { panels: { title: string; targets: { expr: string }[] }[] }
  t.true(panels.length > 10)
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      t.true(named(expr).length > 0, title)
      for (const name of named(expr)) t.true(known.has(name), `${title}: ${name}`)
    }
  }
})

test('the alert rules are rules, and every metric they name exists', (t) => {
  const { groups } = parse(read('telemetry/alerts.yaml')) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[]
  }
  const rules = groups.flatMap(({ rules }) => rules)
  t.true(rules.length > 5)
  for (const { alert, expr, annotations } of rules) {
    t.true(named(expr).length > 0 && annotations.summary.length > 0, alert)
    for (const name of named(expr)) t.true(known.has(name), `${alert}: ${name}`)
  }
})

test('the guide has every family, and no other', (t) => {
  const families = new Set(CLIENT_FAMILIES.map(({ name }) => name))
  const listed = new Set(named(read('telemetry.md')))
  t.deepEqual([...listed].sort(), [...families].sort())
})
