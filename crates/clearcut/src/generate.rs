//! `clearcut completions` and `clearcut man`: text generated from the command line's definition.

use clearcut_job::ErrorCode;

use crate::{
    console::print_out,
    failure::{Failure, os_message},
    help,
};

/// Prints the completion script of a shell, for `clearcut completions`.
pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut help::command(), "clearcut", &mut script);
    print_out(String::from_utf8_lossy(&script));
}

/// Prints the manual page in roff, for `clearcut man`.
pub(crate) fn man_page() -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let message = format!("the manual page cannot be generated: {}", os_message(&error));
        Failure::output(ErrorCode::OutputUnwritable, message, "Write it to a file.")
    };
    let mut command = help::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(failed)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        clap_mangen::Man::new(subcommand.clone()).render(&mut page).map_err(failed)?;
    }
    print_out(String::from_utf8_lossy(&page));
    Ok(())
}
