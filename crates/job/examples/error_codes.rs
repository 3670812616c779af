//! Rewrites the table of error codes in a document: `error_codes < old.md > new.md`.

use std::io::{Read as _, Write as _, stdin, stdout};

use clearcut_job::ErrorCode;

const BEGIN: &str = "<!-- codes: made by `make error-codes` -->\n";
const END: &str = "<!-- end of codes -->";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    let (head, rest) = text.split_once(BEGIN).ok_or("the document has no begin of the table")?;
    let (_, tail) = rest.split_once(END).ok_or("the document has no end of the table")?;
    stdout().write_all(format!("{head}{BEGIN}{}{END}{tail}", ErrorCode::markdown()).as_bytes())?;
    Ok(())
}
