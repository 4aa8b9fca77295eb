// What doctor says, as text for people.

import type { Diagnosis } from './doctor.js'

/** The report: what went well, what is wrong and what to do about it. */
export function diagnosisText({ hosts, findings, passed, cluster }: Diagnosis): string {
  const lines = [`aerospike-napi doctor ${hosts.join(',')}`, '']
  for (const sentence of passed) lines.push(`  ok       ${sentence}`)
  for (const { severity, what, advice } of findings) {
    lines.push(`  ${severity.padEnd(8)} ${what}`, `           -> ${advice}`)
  }
  if (cluster !== null) {
    lines.push('', `  cluster ${cluster.name || '(without a name)'}, namespaces ${cluster.namespaces.join(', ')}`)
    for (const { name, address, build, edition, uptime } of cluster.nodes) {
      lines.push(`  node ${name}  ${address}  ${edition.replace(/^Aerospike /, '')} ${build}  up ${uptime} s`)
    }
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.length - errors
  lines.push(
    '',
    findings.length === 0 ? 'Nothing is wrong.' : `${count(errors, 'error')}, ${count(warnings, 'warning')}.`,
    '',
  )
  return lines.join('\n')
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
