//! What one side writes, the other side reads back unchanged.

use aerospike_wire::batch::{BatchFlags, BatchRequest, BatchWriter};
use aerospike_wire::command::{CommandSpec, RecordCommand, UserKey};
use aerospike_wire::field::{FieldType, write_field};
use aerospike_wire::op::write_op;
use aerospike_wire::proto::ProtoHeader;
use aerospike_wire::{Digest, Info1, Info2, Info3, Info4, KeyType, Message, ParticleType, ProtoType, Value};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

fn key_type() -> impl Strategy<Value = KeyType> {
    prop_oneof![Just(KeyType::Integer), Just(KeyType::String), Just(KeyType::Blob)]
}

/// Operations in wire form, and what they say.
fn operations() -> impl Strategy<Value = Vec<(u8, u8, Vec<u8>, Vec<u8>)>> {
    vec((any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..16), vec(any::<u8>(), 0..64)), 0..8)
}

fn encode_ops(ops: &[(u8, u8, Vec<u8>, Vec<u8>)]) -> BytesMut {
    let mut out = BytesMut::new();
    for (code, particle, name, value) in ops {
        write_op(&mut out, *code, ParticleType(*particle), name, value);
    }
    out
}

#[derive(Debug, Clone)]
struct Request {
    set: Vec<u8>,
    kind: KeyType,
    key: Vec<u8>,
    send_key: bool,
    flags: (u8, u8, u8, u8),
    generation: u16,
    ttl: u32,
    filter: Option<Vec<u8>>,
    ops: Vec<(u8, u8, Vec<u8>, Vec<u8>)>,
}

prop_compose! {
    fn request()(
        set in vec(any::<u8>(), 0..20), kind in key_type(), key in vec(any::<u8>(), 0..40), send_key: bool,
        flags: (u8, u8, u8, u8), generation: u16, ttl: u32, filter in proptest::option::of(vec(any::<u8>(), 0..20)), ops in operations(),
    ) -> Request {
        Request { set, kind, key, send_key, flags, generation, ttl, filter, ops }
    }
}

impl Request {
    fn digest(&self) -> Digest {
        Digest::of_key(&self.set, self.kind, &self.key)
    }

    fn user_key(&self) -> Option<UserKey<'_>> {
        self.send_key.then_some(UserKey { kind: self.kind, bytes: &self.key })
    }

    fn with_spec<R>(&self, f: impl FnOnce(CommandSpec<'_>) -> R) -> R {
        let mut fields = BytesMut::new();
        if let Some(filter) = &self.filter {
            write_field(&mut fields, FieldType::FILTER, filter);
        }
        let ops = encode_ops(&self.ops);
        f(CommandSpec {
            info1: Info1::from_bits_retain(self.flags.0),
            info2: Info2::from_bits_retain(self.flags.1),
            info3: Info3::from_bits_retain(self.flags.2),
            info4: Info4::from_bits_retain(self.flags.3),
            generation: self.generation.into(),
            ttl: self.ttl,
            field_count: self.filter.is_some().into(),
            fields: &fields,
            op_count: self.ops.len() as u16,
            ops: &ops,
            ..CommandSpec::default()
        })
    }

    fn check_ops<'a>(&self, ops: impl Iterator<Item = aerospike_wire::Op<'a>>) -> Result<(), TestCaseError> {
        let read: Vec<_> = ops.map(|op| (op.code, op.particle.0, op.name.to_vec(), op.value.to_vec())).collect();
        prop_assert_eq!(&read, &self.ops);
        Ok(())
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        (-300i64..70_000).prop_map(Value::Integer),
        any::<f64>().prop_filter("NaN is not equal to itself", |n| !n.is_nan()).prop_map(Value::Float),
        vec(any::<u8>(), 0..300).prop_map(Value::String),
        vec(any::<u8>(), 0..300).prop_map(|b| Value::Blob(ParticleType::BLOB, b)),
        Just(Value::GeoJson(br#"{"type":"Point","coordinates":[1,2]}"#.to_vec())),
        Just(Value::Ext(0xff, vec![0])),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::List),
            (prop_oneof![Just(0u8), Just(1), Just(3)], vec((inner.clone(), inner), 0..20))
                .prop_map(|(flags, pairs)| Value::Map(flags, pairs)),
        ]
    })
}

proptest! {
    #[test]
    fn a_record_command_reads_back(request in request(), timeout: u32) {
        let digest = request.digest();
        let mut out = BytesMut::new();
        request.with_spec(|spec| {
            RecordCommand { namespace: b"test", set: &request.set, digest, send_key: request.user_key(), spec, timeout }
                .encode(&mut out);
        });
        let header = ProtoHeader::peek(&out).unwrap().unwrap();
        prop_assert_eq!((header.kind, header.size), (ProtoType::Message, out.len() - 8));
        let message = Message::decode_exact(&out[8..]).unwrap();
        prop_assert_eq!(message.header.timeout, timeout);
        prop_assert_eq!(message.header.generation, u32::from(request.generation));
        prop_assert_eq!(message.header.ttl, request.ttl);
        prop_assert_eq!(message.header.info2.bits(), request.flags.1);
        prop_assert_eq!(message.field(FieldType::NAMESPACE), Some(&b"test"[..]));
        prop_assert_eq!(message.field(FieldType::SET), Some(&request.set[..]));
        prop_assert_eq!(message.field(FieldType::DIGEST), Some(&digest.0[..]));
        prop_assert_eq!(message.field(FieldType::FILTER), request.filter.as_deref());
        let key = request.send_key.then(|| [&[request.kind as u8], &request.key[..]].concat());
        prop_assert_eq!(message.field(FieldType::KEY), key.as_deref());
        request.check_ops(message.ops())?;
    }

    #[test]
    fn a_batch_reads_back(requests in vec((request(), 0u8..3), 1..12), filter in proptest::option::of(vec(any::<u8>(), 0..9))) {
        let mut out = BytesMut::new();
        let mut writer = BatchWriter::begin(&mut out, 77, Info1::empty(), BatchFlags::RESPOND_ALL_KEYS, filter.as_deref());
        let mut expected = Vec::new();
        for (request, repeats) in &requests {
            // a row that carries its key cannot be repeated
            let repeats = if request.send_key { 0 } else { *repeats };
            request.with_spec(|spec| {
                writer.row(expected.len() as u32, &request.digest(), b"test", &request.set, request.user_key(), &spec);
            });
            expected.push((request.digest(), request));
            for n in 0..repeats {
                let digest = Digest([n; 20]);
                writer.repeat(expected.len() as u32, &digest);
                expected.push((digest, request));
            }
        }
        prop_assert_eq!(writer.finish(), out.len());
        let message = Message::decode_exact(&out[8..]).unwrap();
        prop_assert_eq!(message.header.info1, Info1::BATCH);
        prop_assert_eq!(message.field(FieldType::FILTER), filter.as_deref());
        let batch = BatchRequest::decode(message.field(FieldType::BATCH).unwrap()).unwrap();
        let rows = batch.rows().unwrap();
        prop_assert_eq!(rows.len(), expected.len());
        for (at, (row, (digest, request))) in rows.iter().zip(&expected).enumerate() {
            prop_assert_eq!(row.index as usize, at);
            prop_assert_eq!(row.digest, *digest);
            prop_assert_eq!(row.spec.namespace, b"test");
            prop_assert_eq!(row.spec.field(FieldType::SET), Some(&request.set[..]));
            prop_assert_eq!(row.spec.info2.bits(), request.flags.1);
            prop_assert_eq!(row.spec.info4.bits(), request.flags.3);
            prop_assert_eq!(row.spec.ttl, request.ttl);
            let writes = row.spec.info2.contains(Info2::WRITE);
            prop_assert_eq!(row.spec.generation, if writes { request.generation.into() } else { 0 });
            request.check_ops(row.spec.ops())?;
        }
    }

    #[test]
    fn a_value_reads_back_from_messagepack(value in value()) {
        let mut out = BytesMut::new();
        value.pack(&mut out);
        // a string without a type byte reads back as text; every other value exactly as it was
        prop_assert_eq!(Value::unpack(&out).unwrap(), value);
    }

    #[test]
    fn a_value_reads_back_from_its_particle(value in value().prop_filter("not a bin value", |v| !matches!(v, Value::Ext(..)))) {
        let mut out = BytesMut::new();
        let kind = value.write_particle(&mut out);
        prop_assert_eq!(Value::from_particle(kind, &out).unwrap(), value);
    }
}

#[test]
fn extensions_of_every_size_come_back() {
    for size in [0, 1, 2, 255, 256, 65_535, 65_536] {
        let value = Value::List(vec![Value::Integer(1), Value::Ext(7, vec![9; size])]);
        let mut packed = BytesMut::new();
        value.pack(&mut packed);
        assert_eq!(Value::unpack(&packed).unwrap(), value, "{size} bytes");
    }
}
