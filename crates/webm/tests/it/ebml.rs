//! Reads elements, for looking into files.

/// An element: its id, where it lies, and its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) id: u32,
    pub(crate) at: usize,
    pub(crate) payload: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements in its payload; their places count from its beginning.
    pub(crate) fn children(self) -> Vec<Element<'a>> {
        elements(self.payload)
    }

    /// The children of this id.
    pub(crate) fn all(self, id: u32) -> Vec<Element<'a>> {
        self.children().into_iter().filter(|child| child.id == id).collect()
    }

    /// The only child at the end of this path of ids.
    pub(crate) fn at(self, path: &[u32]) -> Element<'a> {
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
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let id_len = bytes[at].leading_zeros() as usize + 1;
        let id = bytes[at..at + id_len].iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
        let length_at = at + id_len;
        let length_len = bytes[length_at].leading_zeros() as usize + 1;
        let marked = bytes[length_at..length_at + length_len].iter().fold(0_u64, |l, &byte| l << 8 | u64::from(byte));
        let begin = length_at + length_len;
        let length = (marked & !(1 << (7 * length_len))) as usize;
        found.push(Element { id, at, payload: &bytes[begin..begin + length] });
        at = begin + length;
    }
    found
}
