//! Where calls meet the engine of collections.

use aerospike_wire::ResultCode;

use super::call::System;
use crate::cdt::{self, Bin, BinChange, Particle, PathExpressions};

/// Runs an operation on a value that is in no bin. One that modifies answers the changed value, or `None` when it
/// changed nothing; one that reads answers its result, or `None` when there was no value to read.
pub(super) fn run(
    system: System,
    modifies: bool,
    payload: &[u8],
    value: Bin<'_>,
    paths: &mut dyn PathExpressions,
) -> Result<Option<Particle>, ResultCode> {
    if modifies {
        let modified = match system {
            System::Collections => cdt::modify_with(value, payload, paths),
            System::Bits => cdt::bits_modify(value, payload),
            System::Hll => cdt::hll_modify(value, payload),
        };
        return modified.map(|modified| match modified.bin {
            BinChange::Stored(kind, bytes) => Some((kind, bytes)),
            BinChange::Unchanged => None,
        });
    }
    match system {
        System::Collections => cdt::read_with(value, payload, paths),
        System::Bits => cdt::bits_read(value, payload),
        System::Hll => cdt::hll_read(value, payload),
    }
}
