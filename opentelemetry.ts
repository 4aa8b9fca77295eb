/**
 * Spans and metrics of OpenTelemetry for every call of the package.
 *
 * @packageDocumentation
 */

export {
  type Enabled,
  type EnableOptions,
  enable,
  type Measurable,
  type MeasuredNode,
} from './src/opentelemetry/enable.js'
