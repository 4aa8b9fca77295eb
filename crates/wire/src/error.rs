//! Why bytes could not be read.

/// Why bytes could not be read as what they were said to be.
///
/// Each variant names the part that was wrong; `&'static str` payloads name it in the words of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the part does.
    #[error("{0} ends early")]
    Truncated(&'static str),
    /// Bytes follow the end of the part.
    #[error("bytes follow the end of {0}")]
    Trailing(&'static str),
    /// A length or count above its limit.
    #[error("{what} of {size} is above the limit of {limit}")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// What it claims.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A value outside those the protocol defines.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// A frame that is not version 2.
    #[error("protocol version {0} is not 2")]
    Version(u8),
    /// Lists and maps nested deeper than [`limits::MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH).
    #[error("value is nested too deeply")]
    TooDeep,
}

/// The result of a decoder, in the crate's own signatures.
pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// Splits `n` bytes off the front of `buf`.
pub(crate) fn take<'a>(buf: &mut &'a [u8], n: usize, what: &'static str) -> Result<&'a [u8]> {
    let (head, tail) = buf.split_at_checked(n).ok_or(DecodeError::Truncated(what))?;
    *buf = tail;
    Ok(head)
}

pub(crate) fn take_array<const N: usize>(buf: &mut &[u8], what: &'static str) -> Result<[u8; N]> {
    let (head, tail) = buf.split_first_chunk::<N>().ok_or(DecodeError::Truncated(what))?;
    *buf = tail;
    Ok(*head)
}

pub(crate) fn take_u8(buf: &mut &[u8], what: &'static str) -> Result<u8> {
    take_array::<1>(buf, what).map(|[b]| b)
}

pub(crate) fn take_u16(buf: &mut &[u8], what: &'static str) -> Result<u16> {
    take_array(buf, what).map(u16::from_be_bytes)
}

pub(crate) fn take_u32(buf: &mut &[u8], what: &'static str) -> Result<u32> {
    take_array(buf, what).map(u32::from_be_bytes)
}
