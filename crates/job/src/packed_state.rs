//! What became of one file of an archive in the process that unpacks it.

/// State of a file of an archive. The number is what the process writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum PackedState {
    /// Its bytes follow; if it is no image, only the first ones.
    Whole = 0,
    /// It cannot be unpacked.
    Damaged = 1,
    /// It has too many bytes.
    TooLarge = 2,
}

impl PackedState {
    /// The state with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        [Self::Whole, Self::Damaged, Self::TooLarge].into_iter().find(|state| *state as u64 == number)
    }
}
