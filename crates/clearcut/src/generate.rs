use clap::CommandFactory;

use crate::{
    arguments::Arguments,
    failure::{Failure, plain},
    speak::say,
};

/// `clearcut completions`: a script for the shell to source.
pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "clearcut", &mut script);
    say(String::from_utf8_lossy(&script));
}

/// `clearcut man`: the manual page in roff.
pub(crate) fn man_page() -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let message = format!("the page cannot be made: {}", plain(&error));
        Failure::output("OUTPUT_UNWRITABLE", message, "Write it to a file.")
    };
    let mut command = Arguments::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(failed)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        clap_mangen::Man::new(subcommand.clone()).render(&mut page).map_err(failed)?;
    }
    say(String::from_utf8_lossy(&page));
    Ok(())
}
