//! The engine answers every recorded list, map, bit and HyperLogLog case as the real server did: the same result
//! codes, the same result bytes, the same bins afterwards.

use std::collections::BTreeMap;
use std::io::Read;

use aerospike_server::cdt::{self, BinChange, Modified, Particle};
use aerospike_wire::{Info2, Message, OpCode, ParticleType, ResultCode};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../__test__/corpus/cdt.jsonl.gz");
const FRAME_HEADER: usize = 8;

/// A record as far as these cases need one: bins in order of creation.
#[derive(Default, Clone)]
struct Record {
    bins: Vec<(Vec<u8>, Particle)>,
    exists: bool,
}

/// An op of an answer: code, particle type, bin name, value.
type Answer = (u8, u8, Vec<u8>, Vec<u8>);

impl Record {
    fn bin(&self, name: &[u8]) -> Option<(ParticleType, &[u8])> {
        self.bins.iter().find(|(n, _)| n == name).map(|(_, (kind, bytes))| (*kind, bytes.as_slice()))
    }

    fn store(&mut self, name: &[u8], particle: Particle) {
        match self.bins.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = particle,
            None => self.bins.push((name.to_vec(), particle)),
        }
    }

    /// Runs the ops of a request; on an error the record stays as it was.
    fn execute(&mut self, request: &Message<'_>) -> Result<Vec<Answer>, ResultCode> {
        let writes = request.header.info2.contains(Info2::WRITE);
        let all = request.header.info2.contains(Info2::RESPOND_ALL_OPS);
        let mut after = self.clone();
        let mut answers = Vec::new();
        if request.header.op_count == 0 {
            let whole = self.bins.iter().map(|(n, (k, b))| (1, k.0, n.clone(), b.clone()));
            return if self.exists { Ok(whole.collect()) } else { Err(ResultCode::NOT_FOUND) };
        }
        for op in request.ops() {
            let bin = after.bin(op.name);
            let (answer, change) = match OpCode::from_code(op.code) {
                Some(OpCode::Read) => (bin.map(|(k, b)| (k, b.to_vec())), BinChange::Unchanged),
                Some(OpCode::Write) => {
                    let bytes = match op.particle {
                        ParticleType::LIST | ParticleType::MAP => cdt::normalise(op.particle, op.value)?,
                        _ => op.value.to_vec(),
                    };
                    (None, BinChange::Stored(op.particle, bytes))
                }
                Some(OpCode::CdtRead) => (cdt::read(bin, op.value)?, BinChange::Unchanged),
                Some(OpCode::CdtModify) => split(cdt::modify(bin, op.value)?),
                Some(OpCode::BitsRead) => (cdt::bits_read(bin, op.value)?, BinChange::Unchanged),
                Some(OpCode::BitsModify) => split(cdt::bits_modify(bin, op.value)?),
                Some(OpCode::HllRead) => (cdt::hll_read(bin, op.value)?, BinChange::Unchanged),
                Some(OpCode::HllModify) => split(cdt::hll_modify(bin, op.value)?),
                other => panic!("unexpected operation {other:?}"),
            };
            let shown = answer.filter(|(kind, _)| writes || *kind != ParticleType::NULL);
            match shown {
                Some((kind, bytes)) => answers.push((op.code, kind.0, op.name.to_vec(), bytes)),
                None if all => answers.push((op.code, 0, op.name.to_vec(), Vec::new())),
                None => {}
            }
            if let BinChange::Stored(kind, bytes) = change {
                after.store(op.name, (kind, bytes));
                after.exists = true;
            }
        }
        if !after.exists {
            return Err(ResultCode::NOT_FOUND);
        }
        *self = after;
        Ok(answers)
    }
}

fn split(modified: Modified) -> (Option<Particle>, BinChange) {
    (modified.result, modified.bin)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn hex(answers: &[Answer]) -> String {
    let one = |(op, kind, _, bytes): &Answer| {
        format!("{op}/{kind}:{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
    };
    answers.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_recorded_case_is_answered_to_the_byte() {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(CORPUS).unwrap()).read_to_string(&mut text).unwrap();
    let mut families: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut differences = Vec::new();
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let family = families.entry(case["case"].as_str().unwrap().to_owned()).or_default();
        let mut record = Record::default();
        for step in case["steps"].as_array().unwrap() {
            let (Some(request), Some(answer)) = (step["req"][0].as_str(), step["res"][0].as_str()) else { continue };
            let (request, answer) = (unhex(request), unhex(answer));
            let request = Message::decode_exact(&request[FRAME_HEADER..]).unwrap();
            let recorded = Message::decode_exact(&answer[FRAME_HEADER..]).unwrap();
            let wanted: Vec<Answer> =
                recorded.ops().map(|o| (o.code, o.particle.0, o.name.to_vec(), o.value.to_vec())).collect();
            let wanted = if recorded.header.result.is_ok() { Ok(wanted) } else { Err(recorded.header.result) };
            let before = record.bins.clone();
            let got = record.execute(&request);
            family.1 += 1;
            if got == wanted {
                family.0 += 1;
            } else {
                let show =
                    |r: &Result<Vec<Answer>, ResultCode>| r.as_ref().map_or_else(|c| format!("{c:?}"), |a| hex(a));
                let ops: Vec<Answer> =
                    request.ops().map(|o| (o.code, o.particle.0, o.name.to_vec(), o.value.to_vec())).collect();
                let bins: Vec<_> = before.iter().map(|(n, (k, b))| (0, k.0, n.clone(), b.clone())).collect();
                differences.push(format!(
                    "{} {} {}\n  bins   {}\n  ops    {}\n  {}\n  wanted {}\n  got    {}",
                    case["case"],
                    case["key"][2],
                    step["call"],
                    hex(&bins),
                    hex(&ops),
                    step["ops"],
                    show(&wanted),
                    show(&got)
                ));
            }
        }
    }
    for (family, (good, all)) in &families {
        if good != all {
            println!("{family}: {good} of {all}");
        }
    }
    let shown: usize = std::env::var("SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    differences.iter().take(shown).for_each(|d| println!("{d}"));
    let (good, all) = families.values().fold((0, 0), |(g, a), (x, y)| (g + x, a + y));
    println!("{good} of {all} steps agree");
    assert_eq!((good, all), (8208, 8208));
}
