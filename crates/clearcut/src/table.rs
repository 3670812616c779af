//! The table of the written files: the name first, one line for each file, a blank line between clips.

use std::path::PathBuf;

use clearcut_pipeline::CutReport;
use terminal_size::{Width, terminal_size_of};

use crate::{console::escape_line, reporter::format_bytes};

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    file: String,
    format: String,
    size: String,
    time: String,
}

impl Row {
    pub(crate) fn new(file: &std::path::Path, format: &str, bytes: u64, secs: f64) -> Self {
        let file = escape_line(&file.display().to_string());
        Self { file, format: format.to_owned(), size: format_bytes(bytes), time: format!("{secs:.1} s") }
    }

    /// The files of a clip, at their final paths.
    pub(crate) fn of_clip(report: &CutReport, paths: &[PathBuf]) -> Vec<Self> {
        let row = |(output, path): (&clearcut_pipeline::OutputReport, &PathBuf)| {
            Self::new(path, output.format.name(), output.bytes, output.took.as_secs_f64())
        };
        report.outputs.iter().zip(paths).map(row).collect()
    }
}

/// Columns of the terminal that standard output or standard error is; `None` if neither is one.
pub(crate) fn terminal_width() -> Option<usize> {
    let width = terminal_size_of(std::io::stdout()).or_else(|| terminal_size_of(std::io::stderr()));
    width.map(|(Width(columns), _)| columns.into())
}

/// The table of all files, in one group for each clip. In a terminal of `width` columns, long names
/// lose their middle rather than being wrapped.
pub(crate) fn table(groups: &[Vec<Row>], width: Option<usize>) -> String {
    let header = Row { file: "FILE".into(), format: "FORMAT".into(), size: "SIZE".into(), time: "TIME".into() };
    let longest = |text: fn(&Row) -> &str| {
        groups.iter().flatten().chain([&header]).map(|row| text(row).chars().count()).max().unwrap_or(0)
    };
    let (format, size, time) = (longest(|row| &row.format), longest(|row| &row.size), longest(|row| &row.time));
    let others = format + size + time + 6;
    let least = "FILE".len() + 12;
    let file = longest(|row| &row.file).min(width.map_or(usize::MAX, |width| width.saturating_sub(others).max(least)));
    let line = |row: &Row| {
        let name = shortened(&row.file, file);
        format!("{name:file$}  {:format$}  {:>size$}  {:>time$}\n", row.format, row.size, row.time)
    };
    let group = |rows: &Vec<Row>| rows.iter().map(line).collect::<String>();
    line(&header) + &groups.iter().map(group).collect::<Vec<_>>().join("\n")
}

/// A text of at most `most` characters: what is too long loses its middle.
fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let (head, tail) = ((most - 1) / 2, most / 2);
    let head: String = text.chars().take(head).collect();
    head + "…" + &text.chars().skip(count - tail).collect::<String>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn groups() -> Vec<Vec<Row>> {
        let row = |file: &str, format: &str| Row::new(Path::new(file), format, 387_000, 7.24);
        vec![
            vec![row("out/a-cut.webm", "webm"), row("out/a-cut.mp4", "stacked-alpha")],
            vec![row("b-cut.webm", "webm")],
        ]
    }

    #[test]
    fn names_come_first_and_clips_are_apart() {
        let expected = "FILE            FORMAT           SIZE   TIME\n\
                        out/a-cut.webm  webm           387 kB  7.2 s\n\
                        out/a-cut.mp4   stacked-alpha  387 kB  7.2 s\n\
                        \n\
                        b-cut.webm      webm           387 kB  7.2 s\n";
        assert_eq!(table(&groups(), None), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let long = "a folder with a long name/and another one/clip-cut.webm";
        let groups = vec![vec![Row::new(Path::new(long), "webm", 1, 1.0)]];
        let narrow = table(&groups, Some(50));
        assert!(narrow.lines().all(|line| line.chars().count() <= 50), "{narrow}");
        assert!(narrow.contains("a folder") && narrow.contains("clip-cut.webm"), "{narrow}");
        assert!(table(&groups, None).contains(long));
    }
}
