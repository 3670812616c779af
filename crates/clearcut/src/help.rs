//! The help of the command line: examples at the end of each command, and of the options of all
//! commands only those that a command needs.

use clap::{Arg, Command, CommandFactory, FromArgMatches, error::ErrorKind};

use crate::{arguments::Arguments, console::print_err};

/// Examples of each command; of nested ones by both names.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "",
        "clearcut cut clip.mp4                        # clip-cut.webm beside it
clearcut cut clips/ -o out/ --keep-going     # all clips and images of a folder
clearcut doctor                              # what this machine can write
clearcut serve                               # the page and the API, at http://127.0.0.1:8787",
    ),
    (
        "cut",
        "clearcut cut clip.mp4                                # clip-cut.webm beside it
clearcut cut clip.mp4 -o mascot.mov                  # the extension decides the format
clearcut cut clips/ -o out/ -f webm,hevc-alpha --keep-going
clearcut cut '*.mp4' -o out/ --key lime --trim 0,3
clearcut cut clip.mp4 --background beach.jpg         # a new background: clip-cut.mp4
clearcut cut clip.mp4 --preset telegram-sticker --trim 0,2
clearcut cut - -o - -f webm < clip.mp4 > clip.webm   # in a pipe
clearcut cut photo.jpg                               # photo-cut.png beside it",
    ),
    ("probe", "clearcut probe clip.mp4\nclearcut probe photo.jpg --json"),
    ("doctor", "clearcut doctor\nclearcut doctor --store s3://bucket/prefix"),
    (
        "serve",
        "clearcut serve
clearcut serve --data /srv/clearcut --listen 0.0.0.0:8787
clearcut serve --print-config > clearcut.toml
clearcut serve --database postgres://clearcut@db/clearcut --store s3://clips --role api",
    ),
    ("work", "clearcut work --database postgres://clearcut@db/clearcut --store s3://clips --slots 2"),
    ("mcp", "clearcut mcp --root ~/clips\nclaude mcp add clearcut -- clearcut mcp --root ~/clips"),
    (
        "keys",
        "clearcut keys create --name website
clearcut keys list
clearcut keys limit 2 --max-running 4
clearcut keys revoke 2",
    ),
    ("keys create", "clearcut keys create --name website --quota-mib 10000"),
    ("keys list", "clearcut keys list --data /srv/clearcut"),
    ("keys limit", "clearcut keys limit 2 --max-running 4"),
    ("keys revoke", "clearcut keys revoke 2"),
    (
        "jobs",
        "clearcut jobs list --state failed
clearcut jobs show jd1xyhpqnkjne5vgmqnbde
clearcut jobs watch jd1xyhpqnkjne5vgmqnbde",
    ),
    ("jobs list", "clearcut jobs list --data /srv/clearcut --limit 20"),
    ("jobs show", "clearcut jobs show jd1xyhpqnkjne5vgmqnbde"),
    ("jobs cancel", "clearcut jobs cancel jd1xyhpqnkjne5vgmqnbde"),
    ("jobs retry", "clearcut jobs retry jd1xyhpqnkjne5vgmqnbde"),
    ("jobs watch", "clearcut jobs watch jd1xyhpqnkjne5vgmqnbde"),
    ("gc", "clearcut gc --dry-run\nclearcut gc --data /srv/clearcut --retention-hours 2"),
    (
        "models",
        "clearcut models list
clearcut models install u2netp
clearcut models install runtime",
    ),
    ("models list", "clearcut models list --json"),
    ("models install", "clearcut models install u2netp\nclearcut models install runtime"),
    ("models remove", "clearcut models remove u2netp"),
    ("models verify", "clearcut models verify"),
    ("ffmpeg", "clearcut ffmpeg install"),
    ("ffmpeg install", "clearcut ffmpeg install\nclearcut ffmpeg install --from ffmpeg-linux-x86_64"),
    ("ffmpeg remove", "clearcut ffmpeg remove"),
    ("db", "clearcut db status\nclearcut db backup clearcut-2026-11-30.db"),
    ("db migrate", "clearcut db migrate --database postgres://clearcut@db/clearcut"),
    ("db check", "clearcut db check --data /srv/clearcut"),
    ("db status", "clearcut db status"),
    ("db backup", "clearcut db backup clearcut-2026-11-30.db"),
    ("completions", "clearcut completions bash > ~/.local/share/bash-completion/completions/clearcut"),
    ("man", "clearcut man > clearcut.1 && man ./clearcut.1"),
];

/// Of the options of all commands, those that a command has a use for; all others are hidden from its
/// help, and have no effect.
const USED_BY: &[(&str, &[&str])] = &[
    ("probe", &["ffmpeg", "sandbox"]),
    ("models", &["models"]),
    ("ffmpeg", &["ffmpeg", "sandbox", "models"]),
    ("keys", &[]),
    ("jobs", &[]),
    ("gc", &[]),
    ("db", &[]),
    ("completions", &[]),
    ("man", &[]),
];

/// The definition of the command line, with its help.
pub(crate) fn command() -> Command {
    let command = Arguments::command();
    let of_all: Vec<Arg> = command.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    let command = USED_BY.iter().fold(command, |command, (name, used)| {
        let unused = of_all.iter().filter(|argument| !used.contains(&argument.get_id().as_str()));
        let hidden: Vec<Arg> = unused.map(|argument| argument.clone().hide(true)).collect();
        command.mut_subcommand(name, |command| command.args(hidden))
    });
    with_examples(command, "")
}

/// `command` with the examples of itself and of its subcommands at the end of its help.
fn with_examples(command: Command, path: &str) -> Command {
    let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = names
        .iter()
        .fold(command, |command, name| command.mut_subcommand(name, |command| with_examples(command, &named(name))));
    let Some((_, examples)) = EXAMPLES.iter().find(|(name, _)| *name == path) else { return command };
    let mut text = format!("Examples:\n  {}", examples.replace('\n', "\n  "));
    if let Some(more) = command.get_after_long_help().cloned() {
        let long = format!("{text}\n\n{more}");
        return command.after_help(text).after_long_help(long);
    }
    text.push('\n');
    command.after_help(text.trim_end().to_owned())
}

/// The arguments of this program. Ends the program if they are wrong, or ask for help.
pub(crate) fn parse() -> Arguments {
    let (command, given) = (command(), std::env::args_os().collect::<Vec<_>>());
    let found = command.clone().try_get_matches_from(&given);
    match found.and_then(|found| Arguments::from_arg_matches(&found)) {
        Ok(arguments) => arguments,
        // clap itself shows the help only if no variable of the environment gives an option.
        Err(error) if error.kind() == ErrorKind::MissingSubcommand => {
            let asking = given.into_iter().chain(["--help".into()]);
            if let Err(help) = command.try_get_matches_from(asking) {
                print_err(help.render());
            }
            std::process::exit(error.exit_code())
        }
        Err(error) => error.exit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands that are not hidden, by their names without that of the program.
    fn visible(command: &Command, path: &str) -> Vec<String> {
        let below = command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
        let below = below.flat_map(|command| visible(command, format!("{path} {}", command.get_name()).trim_start()));
        std::iter::once(path.to_owned()).chain(below).collect()
    }

    fn help_of(path: &str) -> String {
        let words = std::iter::once("clearcut").chain(path.split_whitespace()).chain(["--help"]);
        command().try_get_matches_from(words).unwrap_err().to_string()
    }

    #[test]
    fn the_definition_is_valid() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        for path in visible(&command(), "") {
            let help = help_of(&path);
            let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{path} has no examples"));
            for line in examples.lines().take_while(|line| line.starts_with("  ")) {
                let line = line.split_once(" -- ").map_or(line, |(_, line)| line);
                let typed = line.split(['#', '>', '<', '|', '&']).next().unwrap();
                let words = typed.split_whitespace().map(|word| word.trim_matches('\''));
                let found = command().try_get_matches_from(words);
                assert!(found.is_ok(), "{line}: {}", found.unwrap_err());
            }
        }
    }

    #[test]
    fn help_shows_only_what_a_command_needs() {
        for path in ["completions", "man", "gc", "keys", "keys create", "db backup"] {
            let help = help_of(path);
            for option in ["--ffmpeg", "--sandbox", "--models", "--runtime", "--device"] {
                assert!(!help.contains(option), "{path} shows {option}:\n{help}");
            }
        }
        let cut = help_of("cut");
        assert!(["--ffmpeg", "--sandbox", "--models", "--runtime", "--device"].iter().all(|name| cut.contains(name)));
    }

    #[test]
    fn options_of_all_commands_are_taken_by_each() {
        for line in
            ["clearcut gc --sandbox off --models m", "clearcut --sandbox off man", "clearcut keys list --model x"]
        {
            assert!(command().try_get_matches_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
