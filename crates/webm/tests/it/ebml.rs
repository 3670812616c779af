//! A reader for EBML elements, so tests can inspect files. Independent of the encoder under test.

/// An element: its id, its offset in the parent's payload, and its own payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) id: u32,
    pub(crate) offset: usize,
    pub(crate) payload: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements in its payload.
    pub(crate) fn children(self) -> Vec<Element<'a>> {
        elements(self.payload)
    }

    /// The children with this id.
    pub(crate) fn all(self, id: u32) -> Vec<Element<'a>> {
        self.children().into_iter().filter(|child| child.id == id).collect()
    }

    /// The descendant at this path of ids. Panics unless there is exactly one child at each level.
    pub(crate) fn descendant(self, path: &[u32]) -> Element<'a> {
        path.iter().fold(self, |element, id| {
            let found = element.all(*id);
            assert_eq!(found.len(), 1, "{id:x} in {:x}", element.id);
            found[0]
        })
    }

    pub(crate) fn number(self) -> u64 {
        self.payload.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    pub(crate) fn float(self) -> f64 {
        f64::from_be_bytes(self.payload.try_into().unwrap())
    }
}

pub(crate) fn elements(bytes: &[u8]) -> Vec<Element<'_>> {
    let (mut offset, mut found) = (0, Vec::new());
    while offset < bytes.len() {
        let id_len = bytes[offset].leading_zeros() as usize + 1;
        let id = bytes[offset..offset + id_len].iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
        let length_offset = offset + id_len;
        let length_len = bytes[length_offset].leading_zeros() as usize + 1;
        let marked =
            bytes[length_offset..length_offset + length_len].iter().fold(0_u64, |l, &byte| l << 8 | u64::from(byte));
        let payload_offset = length_offset + length_len;
        let length = (marked & !(1 << (7 * length_len))) as usize;
        found.push(Element { id, offset, payload: &bytes[payload_offset..payload_offset + length] });
        offset = payload_offset + length;
    }
    found
}
