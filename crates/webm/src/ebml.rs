//! An encoder for EBML elements (RFC 8794): an id, a length, and a payload of numbers, text, bytes
//! or nested elements.

/// A sequence of encoded elements.
#[derive(Debug, Default)]
pub(crate) struct Elements(Vec<u8>);

impl Elements {
    /// Appends an element that contains the elements of `inner`.
    pub(crate) fn master(&mut self, id: u32, inner: &Self) -> &mut Self {
        self.bytes(id, &[&inner.0])
    }

    pub(crate) fn unsigned(&mut self, id: u32, value: u64) -> &mut Self {
        let bytes = value.to_be_bytes();
        let zeros = bytes.iter().take(7).take_while(|&&byte| byte == 0).count();
        self.bytes(id, &[&bytes[zeros..]])
    }

    /// Appends an unsigned number of eight bytes, which can be overwritten later.
    pub(crate) fn fixed_unsigned(&mut self, id: u32, value: u64) -> &mut Self {
        self.bytes(id, &[&value.to_be_bytes()])
    }

    pub(crate) fn signed(&mut self, id: u32, value: i64) -> &mut Self {
        self.bytes(id, &[&value.to_be_bytes()])
    }

    pub(crate) fn float(&mut self, id: u32, value: f64) -> &mut Self {
        self.bytes(id, &[&value.to_be_bytes()])
    }

    pub(crate) fn text(&mut self, id: u32, value: &str) -> &mut Self {
        self.bytes(id, &[value.as_bytes()])
    }

    /// Appends an element whose payload is the concatenation of `parts`.
    pub(crate) fn bytes(&mut self, id: u32, parts: &[&[u8]]) -> &mut Self {
        self.0.extend(id_bytes(id));
        self.0.extend(encode_length(parts.iter().map(|part| part.len() as u64).sum()));
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The bytes of an id. Ids include their own length marker, so only leading zeros are dropped.
fn id_bytes(id: u32) -> impl Iterator<Item = u8> {
    id.to_be_bytes().into_iter().skip(id.leading_zeros() as usize / 8)
}

/// The bytes of an id, for use in a `SeekHead`.
pub(crate) fn encode_id(id: u32) -> Vec<u8> {
    id_bytes(id).collect()
}

/// A length in as few bytes as possible. The number of leading zeros is the number of further
/// bytes. All ones are reserved for "unknown".
fn encode_length(value: u64) -> Vec<u8> {
    let width = (1..8).find(|&width| value < (1 << (7 * width)) - 1).unwrap_or(8);
    encode_length_in(value, width)
}

/// A length in eight bytes, which can be overwritten later.
pub(crate) fn encode_fixed_length(value: u64) -> Vec<u8> {
    encode_length_in(value, 8)
}

fn encode_length_in(value: u64, width: usize) -> Vec<u8> {
    let marked = value | 1 << (7 * width);
    marked.to_be_bytes()[8 - width..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_use_as_few_bytes_as_possible_and_never_the_unknown_marker() {
        assert_eq!(encode_length(0), [0x80]);
        assert_eq!(encode_length(126), [0xFE]);
        assert_eq!(encode_length(127), [0x40, 127], "0xFF would mean unknown");
        assert_eq!(encode_length(16_383), [0x20, 0x3F, 0xFF]);
        assert_eq!(encode_fixed_length(1), [1, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn numbers_drop_leading_zeros_and_ids_are_written_verbatim() {
        let mut elements = Elements::default();
        elements.unsigned(0x00D7, 0).unsigned(0x2A_D7B1, 1_000_000);
        assert_eq!(elements.as_slice(), [0xD7, 0x81, 0, 0x2A, 0xD7, 0xB1, 0x83, 0x0F, 0x42, 0x40]);
    }
}
