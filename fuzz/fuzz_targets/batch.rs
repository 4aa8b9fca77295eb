#![no_main]
//! Batch requests, as a server reads them.

use aerospike_wire::batch::BatchRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(rows) = BatchRequest::decode(data).and_then(|batch| batch.rows()) {
        for row in rows {
            assert_eq!(row.spec.ops().count(), usize::from(row.spec.op_count));
            assert!(row.spec.fields().next().is_some());
        }
    }
});
