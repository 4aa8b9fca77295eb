// Packages for tests that have no types of their own.

declare module 'parse-prometheus-text-format' {
  export default function parse(text: string): unknown
}
