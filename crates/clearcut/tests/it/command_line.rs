//! Tests of the command line: flags, output names, exit codes and printed text.

use std::{fs, process::Stdio};

use crate::{
    media::{command, sample},
    run::{clearcut, clearcut_ok},
};

#[test]
fn the_default_output_is_a_webm_beside_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("my clip.mp4");
    fs::copy(sample("dancer.mp4"), &clip).unwrap();
    let table = clearcut_ok(&["cut", clip.to_str().unwrap()]);
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["my clip-cut.webm", "my clip.mp4"]);
    for word in ["webm", "my clip-cut.webm", "75 frames of 640×360", "chroma key #", "% removed", "estimated: holes"] {
        assert!(table.contains(word), "{word:?} is missing from:\n{table}");
    }
}

#[test]
fn an_existing_output_is_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("x.webm");
    fs::write(&output, "precious").unwrap();
    let arguments = ["cut", &sample("dancer.mp4"), "-o", output.to_str().unwrap(), "-q"];
    let refused = clearcut(&arguments);
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("OUTPUT_EXISTS"));
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    clearcut_ok(&[&arguments[..], &["--force"]].concat());
    assert!(fs::metadata(&output).unwrap().len() > 10_000);
}

#[test]
fn json_lines_report_progress_and_result() {
    let folder = tempfile::tempdir().unwrap();
    let stdout = clearcut_ok(&["cut", &sample("dancer.mp4"), "-o", folder.path().to_str().unwrap(), "--json"]);
    let lines: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let done = lines.last().unwrap();
    assert_eq!(done["event"], "done");
    assert_eq!(
        (done["width"].as_u64(), done["height"].as_u64(), done["frames"].as_u64()),
        (Some(640), Some(360), Some(75))
    );
    let output = &done["outputs"][0];
    let size = fs::metadata(output["path"].as_str().unwrap()).unwrap().len();
    assert_eq!((output["format"].as_str(), output["size"].as_u64()), (Some("webm"), Some(size)));
    let counts: Vec<u64> =
        lines.iter().filter(|line| line["stage"] == "cutting").map(|line| line["done"].as_u64().unwrap()).collect();
    assert!(!counts.is_empty() && counts.is_sorted(), "{counts:?}");
}

#[test]
fn errors_are_printed_as_json_lines() {
    let output = clearcut(&["cut", "/nonexistent.mp4", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((line["event"].as_str(), line["code"].as_str()), (Some("error"), Some("INPUT_UNREADABLE")));
}

#[test]
fn keep_going_cuts_the_other_clips_and_still_exits_with_the_failure() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["cut", "/nonexistent.mp4", &sample("dancer.mp4"), "-o", folder.path().to_str().unwrap(), "-q"];
    assert_eq!(clearcut(&arguments).status.code(), Some(3));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(clearcut(&[&arguments[..], &["--keep-going"]].concat()).status.code(), Some(3));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn one_output_file_for_two_clips_is_refused() {
    let output = clearcut(&["cut", &sample("dancer.mp4"), &sample("ghost.mp4"), "-o", "x.webm"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn invalid_flag_values_are_refused_with_the_allowed_values() {
    for (flag, value, allowed) in [
        ("--tolerance", "101", "a whole number from 0 to 100"),
        ("--shadow", "soft", "keep or drop"),
        ("--deinterlace", "yes", "auto, on or off"),
        ("--fps", "0", "a whole number from 1 to 60, 23.976, 29.97, 59.94, or source"),
        ("--tolerance", "-1", "a whole number from 0 to 100"),
        ("--trim", "-1,2", "START,END in seconds"),
        ("--crop", "-2,0,100,100", "X,Y,WIDTH,HEIGHT"),
        ("--size", "63", "a whole number from 64 to 2048"),
        ("--quality", "x", "a whole number from 0 to 100"),
        ("--key", "greenish", "auto, #RRGGBB, or R,G,B"),
        (
            "--formats",
            "webm,avi",
            "webm, stacked-alpha, mp4, webp, apng, gif, mov, hevc-alpha, png-sequence, sprite-sheet, matte, foreground, poster",
        ),
        ("--formats", "webm,webm", "each format once"),
    ] {
        let output = clearcut(&["cut", "a.mp4", flag, value]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{flag} {value}");
        assert!(error.contains(flag) && error.contains(allowed), "{flag} {value}: {error}");
    }
}

#[test]
fn doctor_and_probe_print_their_findings_as_json() {
    let doctor: serde_json::Value = serde_json::from_str(&clearcut_ok(&["doctor", "--json"])).unwrap();
    assert_eq!(doctor["formats"]["webm"], true);
    let probe: serde_json::Value =
        serde_json::from_str(&clearcut_ok(&["probe", &sample("mascot.mp4"), "--json"])).unwrap();
    assert_eq!(
        (probe["frames"].as_u64(), probe["fps"].as_str(), probe["codec"].as_str()),
        (Some(66), Some("30/1"), Some("h264"))
    );
    assert_eq!(probe["audio"]["codec"], "aac");
}

#[test]
fn doctor_takes_no_key_in_the_address_of_a_store() {
    let output = clearcut(&["doctor", "--store", "s3://key:secret-word@bucket"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("holds a key") && !text.contains("secret-word"), "{text}");
}

#[test]
fn a_missing_ffmpeg_is_reported_with_the_install_command() {
    let output = clearcut(&["doctor", "--ffmpeg", "/nonexistent/ffmpeg"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("FFMPEG_MISSING") && error.contains("apt-get install ffmpeg"), "{error}");
}

#[test]
fn completions_and_the_manual_contain_the_commands() {
    let texts = [clearcut_ok(&["completions", "bash"]), clearcut_ok(&["completions", "zsh"]), clearcut_ok(&["man"])];
    for text in texts {
        for word in ["cut", "probe", "doctor", "tolerance"] {
            assert!(text.contains(word), "{word} is missing");
        }
    }
}

#[test]
fn the_help_lists_every_exit_code() {
    let help = clearcut_ok(&["--help"]);
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "130"] {
        assert!(help.contains(&format!("\n  {code}")), "{code} is missing from:\n{help}");
    }
}

#[test]
fn a_closed_output_pipe_is_not_an_error() {
    let mut child = command(env!("CARGO_BIN_EXE_clearcut"));
    let mut child = child.args(["man"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_clip_itself_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("x.mp4");
    fs::copy(sample("dancer.mp4"), &clip).unwrap();
    let before = fs::read(&clip).unwrap();
    let output = clearcut(&["cut", clip.to_str().unwrap(), "-o", clip.to_str().unwrap(), "--force"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(fs::read(&clip).unwrap(), before);
}

#[test]
fn two_clips_with_the_same_name_are_refused_for_one_output_folder() {
    let output = clearcut(&["cut", "a/clip.mp4", "b/clip.mov", "-o", "/tmp"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a/clip.mp4 and b/clip.mov would get the same"));
}
