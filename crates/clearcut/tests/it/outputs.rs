//! Tests of the output files: their names, the folders made for them, and what is never replaced.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::{
    media::command,
    run::{Workspace, wait_for_exit},
};

impl Workspace {
    /// A clip of three frames on a flat background.
    pub(crate) fn flat_clip(&self, name: &str) {
        let scene = "color=0x14be46:s=128x96:r=10:d=0.3,format=rgb24,drawbox=40:20:40:60:0xc83c32:fill";
        self.make(name, &format!("-f lavfi -i {scene}"));
    }

    /// The files that a successful cut names, as `format name`.
    pub(crate) fn cut_into(&self, arguments: &[&str]) -> Vec<String> {
        let outcome = self.run(&[&["cut"], arguments, &["--json"]].concat());
        assert_eq!(outcome.exit, Some(0), "{arguments:?}: {outcome:?}");
        let done: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
        let name =
            |output: &Value| format!("{} {}", output["format"].as_str().unwrap(), output["path"].as_str().unwrap());
        done["outputs"].as_array().unwrap().iter().map(name).collect()
    }

    /// The result of one call of a tool of `clearcut mcp`.
    fn call_tool(&self, name: &str, arguments: &Value) -> Value {
        let lines = [
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
            }}),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": name, "arguments": arguments}}),
        ];
        let mut server = command(env!("CARGO_BIN_EXE_clearcut"))
            .args(["mcp", "--root", "."])
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = server.stdin.take().unwrap();
        for line in &lines {
            writeln!(input, "{line}").unwrap();
        }
        let replies = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut replies = replies.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let reply = replies.find(|reply| reply["id"] == 2).unwrap();
        drop(input);
        wait_for_exit(&mut server);
        reply["result"].clone()
    }

    /// The error of a call that is refused.
    fn refused_call(&self, name: &str, arguments: &Value) -> Value {
        let result = self.call_tool(name, arguments);
        assert_eq!(result["isError"], true, "{result}");
        serde_json::from_str::<Value>(result["content"][0]["text"].as_str().unwrap()).unwrap()["error"].clone()
    }
}

#[test]
fn an_extension_means_its_format_in_any_order() {
    let workspace = Workspace::new();
    workspace.flat_clip("clip.mkv");
    for order in ["matte,stacked-alpha", "stacked-alpha,matte"] {
        let mut files = workspace.cut_into(&["clip.mkv", "-o", "k.mp4", "-f", order, "--force"]);
        files.sort();
        assert_eq!(files, ["matte ./k-matte.mp4", "stacked-alpha k.mp4"], "{order}");
    }
    for order in ["poster,apng", "apng,poster"] {
        let mut files = workspace.cut_into(&["clip.mkv", "-o", "d.png", "-f", order, "--force"]);
        files.sort();
        assert_eq!(files, ["apng d.png", "poster ./d-poster.png"], "{order}");
        let is_animated = |name: &str| fs::read(workspace.join(name)).unwrap().windows(4).any(|bytes| bytes == b"acTL");
        assert!(is_animated("d.png") && !is_animated("d-poster.png"), "{order}");
    }
    assert_eq!(workspace.cut_into(&["clip.mkv", "-o", "only.mp4", "-f", "matte"]), ["matte only.mp4"]);
    let asked = json!({"input": "clip.mkv", "output": "e.mp4", "formats": ["matte", "stacked-alpha"]});
    let result = workspace.call_tool("cut", &asked);
    assert_ne!(result["isError"], true, "{result}");
    assert!(workspace.join("e.mp4").is_file() && workspace.join("e-matte.mp4").is_file(), "{result}");
}

#[test]
fn no_input_of_a_command_is_replaced() {
    let workspace = Workspace::new();
    fs::create_dir(workspace.join("sub")).unwrap();
    workspace.flat_clip("sub/a.mkv");
    workspace.flat_clip("sub/a-cut.gif");
    let before = fs::read(workspace.join("sub/a-cut.gif")).unwrap();
    for inputs in [["sub/a.mkv", "sub/a-cut.gif"], ["sub/../sub/a-cut.gif", "./sub/a.mkv"]] {
        let arguments = ["cut", inputs[0], inputs[1], "-f", "gif", "--force"];
        workspace.assert_refused(&arguments, 4, "OUTPUT_EXISTS", "a-cut.gif is an input of this command");
        assert_eq!(fs::read(workspace.join("sub/a-cut.gif")).unwrap(), before);
        assert_eq!(fs::read_dir(workspace.join("sub")).unwrap().count(), 2);
    }
    let twice = ["cut", "sub/a.mkv", "./sub/a.mkv", "-f", "gif", "--force"];
    workspace.assert_refused(&twice, 2, "INVALID_REQUEST", "would get the same output name");
}

#[test]
fn a_folder_is_made_for_a_cut_and_not_for_one_that_fails() {
    let workspace = Workspace::new();
    workspace.flat_clip("clip.mkv");
    let refused = ["cut", "clip.mkv", "-o", "new/deep/", "--trim", "9,"];
    workspace.assert_refused(&refused, 2, "INVALID_REQUEST", "s long, and trim");
    assert_eq!(workspace.cut_into(&["clip.mkv", "-o", "new/deep/"]), ["webm new/deep/clip-cut.webm"]);
    assert_eq!(fs::read_dir(workspace.join("new/deep")).unwrap().count(), 1);
    workspace.assert_refused(&["cut", "clip.mkv", "-o", "clip.mkv/"], 4, "OUTPUT_UNWRITABLE", "not a directory");
}

#[test]
fn an_assistant_may_name_a_folder_that_is_made() {
    let workspace = Workspace::new();
    workspace.flat_clip("clip.mkv");
    let result = workspace.call_tool("cut", &json!({"input": "clip.mkv", "output": "new/"}));
    assert_ne!(result["isError"], true, "{result}");
    assert!(workspace.join("new/clip-cut.webm").is_file(), "{result}");
    for (output, message) in [("none/new/", "its folder does not exist"), ("../new/", "is outside")] {
        let error = workspace.refused_call("cut", &json!({"input": "clip.mkv", "output": output}));
        assert_eq!((&error["code"], &error["field"]), (&json!("OUTPUT_UNWRITABLE"), &json!("output")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    }
}

#[test]
fn a_switch_of_a_tool_that_is_no_boolean_is_named() {
    let workspace = Workspace::new();
    workspace.flat_clip("clip.mkv");
    for (tool, field) in [("cut", "audio"), ("cut", "wait"), ("cut_image", "softEdges")] {
        let error = workspace.refused_call(tool, &json!({"input": "clip.mkv", field: "drop"}));
        let found = (&error["code"], &error["field"], &error["allowed"]);
        assert_eq!(found, (&json!("INVALID_REQUEST"), &json!(field), &json!("true or false")), "{error}");
    }
}

#[test]
fn options_without_effect_on_the_formats_are_named() {
    let workspace = Workspace::new();
    workspace.flat_clip("clip.mkv");
    let cases = [
        ("webm", &["--quality", "90"][..], "--quality has no effect: only webp, apng and gif have a quality"),
        (
            "gif",
            &["--speed", "best"],
            "--speed has no effect: only webm, stacked-alpha, hevc-alpha and mp4 have a speed",
        ),
        ("matte", &["--no-audio"], "--no-audio has no effect: no format of the request carries sound"),
    ];
    for (format, option, text) in cases {
        let told = workspace.run(&[&["cut", "clip.mkv", "--force", "--trim", ",0.1", "-f", format], option].concat());
        assert!(told.stdout.contains(&format!("warning: {text}")), "{told:?}");
        assert!(told.stdout.contains(": 1 frame of 128"), "{told:?}");
        let told = workspace.run(&[&["cut", "clip.mkv", "--force", "-f", "webm,apng"], option].concat());
        assert!(!told.stdout.contains("no effect"), "{told:?}");
    }
}
