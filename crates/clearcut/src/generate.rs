use clap::CommandFactory;

use crate::{
    arguments::Arguments,
    failure::{Failure, plain},
};

/// `clearcut completions`: a script for the shell to source.
pub(crate) fn completions(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Arguments::command(), "clearcut", &mut std::io::stdout());
}

/// `clearcut man`: the manual page in roff.
pub(crate) fn man_page() -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::output(
            "OUTPUT_UNWRITABLE",
            format!("the page cannot be written: {}", plain(&error)),
            "Write it to a file.",
        )
    };
    let mut command = Arguments::command();
    command.build();
    let mut out = std::io::stdout();
    clap_mangen::Man::new(command.clone()).render(&mut out).map_err(failed)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        clap_mangen::Man::new(subcommand.clone()).render(&mut out).map_err(failed)?;
    }
    Ok(())
}
