//! The default model on a picture, in both runtimes, against a mask that ONNX Runtime computed through its own Python package.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clearcut_model::{Device, Models, Runtime, RuntimeChoice, RuntimeSearch};

/// The mean of 4×4 pixels of the mask, 80×80 of them.
const GOLDEN: &[u8] = include_bytes!("../golden/dancer-u2netp.pgm");
const SIDE: usize = 320;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where setup puts models; without them these tests fail, for a skip would look like a pass.
fn installed() -> Models {
    Models::open(root().join("out/models")).unwrap()
}

/// A part of a picture of a sample clip as the model wants to see it.
fn planes() -> Vec<f32> {
    #[expect(clippy::disallowed_methods, reason = "a test takes its picture with the system's ffmpeg")]
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(root().join("samples/dancer.mp4"))
        .args([
            "-vf",
            r"select=eq(n\,30),crop=320:320:160:20",
            "-frames:v",
            "1",
            "-pix_fmt",
            "rgb24",
            "-f",
            "rawvideo",
            "-",
        ])
        .output()
        .unwrap();
    assert_eq!(output.stdout.len(), 3 * SIDE * SIDE, "{}", String::from_utf8_lossy(&output.stderr));
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let plane = |channel: usize| {
        let levels = output.stdout.iter().skip(channel).step_by(3);
        levels.map(move |level| (f32::from(*level) / 255.0 - mean[channel]) / deviation[channel])
    };
    (0..3).flat_map(plane).collect()
}

/// Mean and largest difference from the golden mask, in levels.
fn differences(answer: &[f32]) -> (f64, f64) {
    let golden = &GOLDEN[GOLDEN.len() - 80 * 80..];
    let differences: Vec<f64> = (0..80 * 80)
        .map(|block| {
            let (x, y) = (block % 80 * 4, block / 80 * 4);
            let sum: f32 = (0..16).map(|at| answer[(y + at / 4) * SIDE + x + at % 4]).sum();
            (f64::from(sum) / 16.0 * 255.0 - f64::from(golden[block])).abs()
        })
        .collect();
    (differences.iter().sum::<f64>() / 6400.0, differences.iter().copied().fold(0.0, f64::max))
}

fn check(runtime: &Runtime) {
    let models = installed();
    let model = models.registry().model("u2netp").unwrap();
    let mut network = models.load(model, runtime).unwrap_or_else(|error| {
        panic!("{error}; scripts/setup-models.sh test installs the model that this test needs");
    });
    let planes = planes();
    let answer = network.segment(&planes).unwrap();
    let (mean, largest) = differences(&answer);
    // Half a level is the golden mask's own rounding; decoders and converters may differ by a level of the input.
    assert!(mean < 0.6 && largest < 12.0, "{}: mean {mean}, largest {largest}", runtime.name());
    assert_eq!(network.segment(&planes).unwrap(), answer, "the same picture got another answer");
}

#[test]
fn rten_finds_what_onnx_runtime_found() {
    check(
        &Runtime::find(&RuntimeSearch { choice: RuntimeChoice::Rten, device: Device::Cpu, folders: Vec::new() })
            .unwrap(),
    );
}

#[test]
fn onnx_runtime_is_found_in_a_folder_and_finds_what_it_found() {
    let search = RuntimeSearch {
        choice: RuntimeChoice::Auto,
        device: Device::Cpu,
        folders: vec![installed().folder().to_path_buf()],
    };
    let runtime = Runtime::find(&search).unwrap();
    assert_eq!(
        runtime.name(),
        "ONNX Runtime",
        "scripts/setup-models.sh test installs the library that this test needs"
    );
    check(&runtime);
}

#[test]
fn a_library_that_is_none_is_refused_if_named_and_passed_over_if_found() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libonnxruntime.so.1.20.0");
    std::fs::write(&library, "no library").unwrap();
    let search = |choice| RuntimeSearch { choice, device: Device::Cpu, folders: vec![folder.path().to_path_buf()] };
    // A library that another test of this process has loaded would be handed out instead.
    if let Err(error) = Runtime::find(&search(RuntimeChoice::Library(library))) {
        assert_eq!(error.code(), "RUNTIME_UNAVAILABLE");
    }
    assert!(Runtime::find(&search(RuntimeChoice::Auto)).is_ok());
}
