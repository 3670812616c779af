//! The documents agree with the code.

use std::{fs, path::Path};

use clearcut_job::ErrorCode;

#[test]
fn the_reference_has_the_table_of_error_codes_as_the_code_has_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let reference = fs::read_to_string(root.join("docs/reference/errors.md")).unwrap();
    assert!(reference.contains(&ErrorCode::markdown()), "docs/reference/errors.md is old: run `make error-codes`");
}
