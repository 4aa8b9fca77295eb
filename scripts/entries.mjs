// The public entries: modules at the root that re-export src/, each with the declarations that are written from it.
export const entries = ['index', 'local', 'keyv', 'session-store', 'opentelemetry']
