//! The bins of a record while a command changes them.
//!
//! Names and values are borrowed from the stored record and from the request until a new record is made of them, so a
//! command that fails half-way leaves nothing behind.

use std::borrow::Cow;
use std::collections::HashMap;

use aerospike_wire::op::write_op;
use aerospike_wire::{OpCode, ParticleType};
use bytes::BytesMut;

use super::record::{BinRef, Record};

/// A bin that may be replaced.
#[derive(Debug)]
struct Bin<'a> {
    name: &'a [u8],
    particle: ParticleType,
    value: Cow<'a, [u8]>,
}

/// Bins from which on they are found by a table: without it a request that names thousands would take seconds.
const INDEXED: usize = 64;

/// The bins of a record under change, in storage order.
#[derive(Debug, Default)]
pub(crate) struct Bins<'a> {
    bins: Vec<Bin<'a>>,
    /// Where each bin is; empty while there are few.
    places: HashMap<&'a [u8], usize>,
}

impl<'a> Bins<'a> {
    /// The bins of a stored record.
    pub(crate) fn of(record: &'a Record) -> Self {
        let mut bins = Self { bins: Vec::with_capacity(usize::from(record.bin_count()) + 1), places: HashMap::new() };
        for bin in record.bins() {
            bins.push(Bin { name: bin.name, particle: bin.particle, value: Cow::Borrowed(bin.value) });
        }
        bins
    }

    fn place(&self, name: &[u8]) -> Option<usize> {
        if self.places.is_empty() {
            self.bins.iter().position(|bin| bin.name == name)
        } else {
            self.places.get(name).copied()
        }
    }

    fn push(&mut self, bin: Bin<'a>) {
        self.bins.push(bin);
        if self.bins.len() >= INDEXED || !self.places.is_empty() {
            let unknown = self.bins.iter().enumerate().skip(self.places.len());
            self.places.extend(unknown.map(|(place, bin)| (bin.name, place)));
        }
    }

    /// A bin by name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<BinRef<'_>> {
        let bin = self.bins.get(self.place(name)?)?;
        Some(BinRef { name: bin.name, particle: bin.particle, value: &bin.value })
    }

    /// Sets a bin; a new one goes to the end.
    pub(crate) fn set(&mut self, name: &'a [u8], particle: ParticleType, value: Cow<'a, [u8]>) {
        match self.place(name).and_then(|place| self.bins.get_mut(place)) {
            Some(bin) => (bin.particle, bin.value) = (particle, value),
            None => self.push(Bin { name, particle, value }),
        }
    }

    /// Removes a bin; the last one moves into its place, as in the real server.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        let Some(place) = self.place(name) else { return };
        self.bins.swap_remove(place);
        let indexed = self.places.remove(name).is_some();
        if let Some(moved) = self.bins.get(place).filter(|_| indexed) {
            self.places.insert(moved.name, place);
        }
    }

    /// Removes every bin.
    pub(crate) fn clear(&mut self) {
        self.bins.clear();
        self.places.clear();
    }

    /// How many bins there are.
    pub(crate) fn len(&self) -> usize {
        self.bins.len()
    }

    /// The bins in storage order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = BinRef<'_>> {
        self.bins.iter().map(|bin| BinRef { name: bin.name, particle: bin.particle, value: &bin.value })
    }

    /// Appends the bins in the form records keep them in.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        for bin in self.iter() {
            write_op(out, OpCode::Read as u8, bin.particle, bin.name, bin.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bins_are_found_as_few_are() {
        let names: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let (mut bins, mut model) = (Bins::default(), Vec::new());
        // grows past the size where the table starts, shrinks below it, grows again
        for step in 0..2000_usize {
            let name = names[step * 7919 % if step / 500 % 2 == 0 { 200 } else { 60 }].as_bytes();
            let place = model.iter().position(|other| *other == name);
            assert_eq!(bins.get(name).is_some(), place.is_some());
            match place {
                Some(place) if step / 500 % 2 == 1 || step % 3 == 0 => {
                    bins.remove(name);
                    model.swap_remove(place);
                }
                _ => {
                    bins.set(name, ParticleType::STRING, name.into());
                    if place.is_none() {
                        model.push(name);
                    }
                }
            }
            assert!(bins.iter().map(|bin| bin.name).eq(model.iter().copied()), "step {step}");
        }
    }
}
