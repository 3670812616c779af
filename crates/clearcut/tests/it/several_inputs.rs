//! Tests of commands with folders, patterns and pipes: what is cut, and what is printed where.

use std::{
    fs::{self, File},
    process::Stdio,
};

use crate::{media::command, run::Workspace};

/// Runs the program with a file as standard input, and returns exit code, standard output and standard
/// error.
fn run_in_pipe(workspace: &Workspace, input: &str, arguments: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    let output = command(env!("CARGO_BIN_EXE_clearcut"))
        .args(arguments)
        .current_dir(workspace.path())
        .stdin(File::open(workspace.join(input)).unwrap())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_folder_is_cut_and_summed_up() {
    let workspace = Workspace::new();
    fs::create_dir(workspace.join("in")).unwrap();
    workspace.flat_clip("in/a.mkv");
    workspace.flat_clip("in/c.mkv");
    workspace.write("in/b.mkv", &fs::read(workspace.join("in/a.mkv")).unwrap()[..300]);
    workspace.write("in/notes.txt", "no clip");
    let arguments = ["cut", "in/", "-o", "out/", "-f", "gif,apng", "--keep-going"];
    let cut = workspace.run(&arguments);
    assert_eq!(cut.exit, Some(3), "{cut:?}");
    let lines: Vec<&str> = cut.stdout.lines().collect();
    let table = &lines[lines.iter().position(|line| line.starts_with("FILE ")).unwrap() + 1..];
    let names: Vec<&str> = table.iter().map(|line| line.split_whitespace().next().unwrap_or_default()).collect();
    let expected = ["out/a-cut.gif", "out/a-cut.apng", "", "out/c-cut.gif", "out/c-cut.apng", "", "2"];
    assert_eq!(names, expected, "{}", cut.stdout);
    assert_eq!(lines.last(), Some(&"2 cut, 1 failed"), "{}", cut.stdout);
    for part in ["1/3 in/a.mkv: ", "left out: notes.txt", "error: in/b.mkv: "] {
        assert!(cut.stderr.contains(part), "{part}: {}", cut.stderr);
    }
    // What was cut is no input of the next time.
    let again = workspace.run(&["cut", "in", "-f", "gif", "-q", "--keep-going"]);
    assert!(workspace.join("in/a-cut.gif").is_file(), "{again:?}");
    let again = workspace.run(&["cut", "in", "-f", "gif", "-q", "--keep-going", "--force"]);
    assert!(!workspace.join("in/a-cut-cut.gif").exists(), "{again:?}");
    let stopped = workspace.run(&["cut", "in", "-f", "gif", "--force"]);
    let last = "1 cut, 1 failed, 1 not begun (--keep-going does not stop at a failure)";
    assert_eq!(stopped.stdout.lines().last(), Some(last), "{stopped:?}");
}

#[test]
fn a_quoted_pattern_is_its_files() {
    let workspace = Workspace::new();
    workspace.flat_clip("a.mkv");
    workspace.flat_clip("b.mkv");
    let cut = workspace.run(&["cut", "*.mkv", "-f", "gif", "-q"]);
    assert_eq!(cut.exit, Some(0), "{cut:?}");
    assert!(workspace.join("a-cut.gif").is_file() && workspace.join("b-cut.gif").is_file());
    workspace.assert_refused(&["cut", "*.mov"], 3, "INPUT_UNREADABLE", "no file fits *.mov");
}

#[test]
fn a_pipe_carries_the_file_and_nothing_else() {
    let workspace = Workspace::new();
    workspace.flat_clip("a.mkv");
    let kinds: [(&str, &[u8]); 5] = [
        ("webm", &[0x1a, 0x45, 0xdf, 0xa3]),
        ("gif", b"GIF89a"),
        ("mov", b"\0\0\0\x14ftyp"),
        ("png-sequence", b"PK"),
        ("poster", b"\x89PNG"),
    ];
    for (format, head) in kinds {
        let (exit, stdout, stderr) = run_in_pipe(&workspace, "a.mkv", &["cut", "-", "-o", "-", "-f", format]);
        assert_eq!(exit, Some(0), "{format}: {stderr}");
        assert!(stdout.starts_with(head), "{format}: {:?}", stdout.get(..16));
        assert!(stderr.contains("3 frames of 128"), "{format}: {stderr}");
    }
    let (exit, stdout, stderr) = run_in_pipe(&workspace, "a.mkv", &["cut", "-", "-o", "-", "-f", "gif", "--json"]);
    assert!(exit == Some(0) && stdout.starts_with(b"GIF89a") && stderr.contains("\"done\""), "{stderr}");
    let (_, whole, _) = run_in_pipe(&workspace, "a.mkv", &["cut", "a.mkv", "-o", "-", "-f", "gif"]);
    assert_eq!(whole, stdout);
    assert_eq!(workspace.names(), ["a.mkv"]);
    let (exit, _, stderr) = run_in_pipe(&workspace, "a.mkv", &["cut", "-", "-f", "gif", "-q"]);
    assert!(exit == Some(0) && workspace.join("stdin-cut.gif").is_file(), "{stderr}");
}

#[test]
fn a_pipe_that_cannot_be_is_refused() {
    let workspace = Workspace::new();
    workspace.flat_clip("a.mkv");
    let two = ["cut", "a.mkv", "-o", "-", "-f", "webm,gif"];
    workspace.assert_refused(&two, 2, "INVALID_REQUEST", "standard output takes one file, and 2 formats");
    workspace.assert_refused(&["cut", "-", "-", "-f", "gif"], 2, "INVALID_REQUEST", "standard input is named twice");
    workspace.assert_refused(&["cut", "https://example.com/a.mp4"], 2, "INVALID_REQUEST", "inputs are files");
    let (exit, stdout, stderr) = run_in_pipe(&workspace, "a.mkv", &["cut", "-", "-o", "-", "--trim", "9,"]);
    assert!(exit == Some(2) && stdout.is_empty() && stderr.contains("error: stdin: "), "{stderr}");
}

#[test]
fn a_device_gets_the_file_itself() {
    let workspace = Workspace::new();
    workspace.flat_clip("a.mkv");
    let cut = workspace.run(&["cut", "a.mkv", "-o", "/dev/null", "-f", "gif", "-q"]);
    assert_eq!(cut.exit, Some(0), "{cut:?}");
    assert!(!std::path::Path::new("/dev/null.gif").exists());
    assert_eq!(workspace.names(), ["a.mkv"]);
}

#[test]
fn a_clip_with_alpha_says_that_its_own_is_kept() {
    let workspace = Workspace::new();
    let scene =
        "color=red:s=64x48:r=10:d=0.3,format=rgba,geq=r=200:g=40:b=40:a='255*between(X,20,40)*between(Y,12,36)'";
    workspace.make("clear.mov", &format!("-f lavfi -i {scene} -c:v png"));
    let cut = workspace.run(&["cut", "clear.mov", "-f", "gif"]);
    assert!(cut.stdout.contains("transparent already: its own alpha is kept"), "{cut:?}");
    assert!(!cut.stdout.contains("chroma key"), "{cut:?}");
    let cut = workspace.run(&["cut", "clear.mov", "-f", "gif", "--force", "--json"]);
    assert!(cut.stdout.contains("\"detectedBackgroundColor\":null"), "{cut:?}");
}

#[test]
fn what_people_type_is_understood_or_asked_back() {
    let workspace = Workspace::new();
    workspace.flat_clip("a.mkv");
    for key in ["limegreen", "#1c4", "20,190,70"] {
        let cut = workspace.run(&["cut", "a.mkv", "-f", "gif", "--force", "--key", key]);
        assert!(cut.exit == Some(0) && cut.stdout.contains("chroma key #"), "{key}: {cut:?}");
    }
    let cut = workspace.run(&["cut", "a.mkv", "-f", "webm", "--fps", "29.97", "--json"]);
    assert!(cut.stdout.contains("\"fps\":\"30000/1001\""), "{cut:?}");
    let over = workspace.run(&["cut", "a.mkv", "-q", "--background", "white"]);
    assert!(over.exit == Some(0) && workspace.join("a-cut.mp4").is_file(), "{over:?}");
    let question = ["cut", "a.mkv", "-f", "mp4"];
    workspace.assert_refused(&question, 2, "INVALID_REQUEST", "what should be behind the subject?");
    let asked = workspace.run(&question).stderr;
    assert!(asked.contains("--background white") && asked.contains("-f stacked-alpha"), "{asked}");
}

#[test]
fn bare_commands_show_their_help_whatever_the_environment_sets() {
    let shown = |arguments: &[&str]| {
        let mut program = command(env!("CARGO_BIN_EXE_clearcut"));
        let output = program.args(arguments).env("CLEARCUT_MODELS", "/tmp").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(shown(&[]).contains("Cut the subject out of clips and images"));
    assert!(shown(&["models"]).contains("Download a model"));
}
