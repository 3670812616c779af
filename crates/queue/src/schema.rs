//! The version of a database's schema, beside that of this program.

/// The schema of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Version of the database; 0 if it has no tables yet.
    pub found: i64,
    /// Version that this program brings it to.
    pub known: i64,
    /// Oldest version whose programs can use the database as it is.
    pub oldest: i64,
}

impl Schema {
    /// Whether this program cannot use the database, because a newer one changed it.
    #[must_use]
    pub const fn is_too_new(self) -> bool {
        self.known < self.oldest
    }

    /// Whether the database is to be brought up to date.
    #[must_use]
    pub const fn is_outdated(self) -> bool {
        self.found < self.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_is_usable_until_it_leaves_this_program_behind() {
        let schema = |found, oldest| Schema { found, known: 3, oldest };
        assert!(schema(2, 1).is_outdated() && !schema(3, 1).is_outdated() && !schema(4, 3).is_outdated());
        assert!(!schema(4, 3).is_too_new() && schema(4, 4).is_too_new());
    }
}
