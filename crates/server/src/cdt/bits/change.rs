//! What is done to a field that starts at a byte: bits combined, shifted, and calculated with.

use aerospike_wire::ResultCode;

use super::align::{deposit, extract, mask, number, put_number, sign_extended};
use super::args::{Args, arithmetic};

fn combine(field: &mut [u8], args: &Args<'_>, with: fn(u8, u8) -> u8) -> Result<(), ResultCode> {
    field.iter_mut().zip(args.blob).for_each(|(bits, given)| *bits = with(*bits, *given));
    Ok(())
}

pub(super) fn set(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |_, given| given)
}

pub(super) fn or(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |bits, given| bits | given)
}

pub(super) fn xor(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |bits, given| bits ^ given)
}

pub(super) fn and(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |bits, given| bits & given)
}

pub(super) fn not(field: &mut [u8], _: u64, _: &Args<'_>) -> Result<(), ResultCode> {
    field.iter_mut().for_each(|bits| *bits = !*bits);
    Ok(())
}

pub(super) fn shift_left(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    let [_, _, by, ..] = args.integers;
    let by = (by as u64).min(size);
    let mut moved = extract(field, by, size - by);
    moved.resize(field.len(), 0);
    field.copy_from_slice(&moved);
    Ok(())
}

pub(super) fn shift_right(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    let [_, _, by, ..] = args.integers;
    let by = (by as u64).min(size);
    let kept = extract(field, 0, size - by);
    field.fill(0);
    deposit(field, by, size - by, &kept);
    Ok(())
}

pub(super) fn add(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    calculate(field, size, args, false)
}

pub(super) fn subtract(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    calculate(field, size, args, true)
}

/// Subtracting a signed number is adding its negation, which in as many bits as the field has may be itself.
fn calculate(field: &mut [u8], size: u64, args: &Args<'_>, negative: bool) -> Result<(), ResultCode> {
    let [_, _, operand, ..] = args.integers;
    let old = number(field, size);
    let signed = args.subflags & arithmetic::SIGNED != 0;
    let (low, high, sum) = if signed {
        let operand = if negative { operand.wrapping_neg() } else { operand };
        let limit = 1_i128 << (size - 1);
        let sum = i128::from(sign_extended(old, size)) + i128::from(sign_extended(operand as u64, size));
        (-limit, limit - 1, sum)
    } else {
        let operand = i128::from(operand as u64 & mask(size));
        (0, i128::from(mask(size)), i128::from(old) + if negative { -operand } else { operand })
    };
    let new = match (low..=high).contains(&sum) {
        true => sum,
        // twice the least number leaves no bits: the server takes that for no overflow
        false if signed && sum == 2 * low => 0,
        false if args.subflags & arithmetic::SATURATE != 0 => sum.clamp(low, high),
        false if args.subflags & arithmetic::WRAP != 0 => sum,
        false => return Err(ResultCode::OP_NOT_APPLICABLE),
    };
    put_number(field, size, new as u64);
    Ok(())
}

pub(super) fn set_integer(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    let [_, _, n, ..] = args.integers;
    put_number(field, size, n as u64);
    Ok(())
}
