//! Golden tests with real models: the default model in both runtimes against a mask that ONNX
//! Runtime computed through its own Python package, the finished matte against a stored one, and a
//! recurrent model.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};
use clearcut_matte::{Pace, Segmenter, Trace};
use clearcut_model::{Device, Models, Runtime, RuntimeChoice, RuntimeSearch};

/// The golden mask as means of 4×4 pixels: 80×80 of them.
const GOLDEN: &[u8] = include_bytes!("../golden/dancer-u2netp.pgm");
const SIDE: usize = 320;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder in which setup installs models. Without them these tests fail, since a skip would
/// look like a pass.
fn installed() -> Models {
    Models::open(root().join("out/models")).unwrap()
}

/// A part of a frame of a sample clip, as input planes of the model.
fn planes() -> Vec<f32> {
    #[expect(clippy::disallowed_methods, reason = "a test takes its frame with the system's ffmpeg")]
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
    let mut model = models.load(model, runtime).unwrap_or_else(|error| {
        panic!("{error}; `make test-rust` installs the model that this test needs");
    });
    let planes = planes();
    let answer = model.segment(&planes).unwrap();
    let (mean, largest) = differences(&answer);
    // The golden mask is rounded to within half a level. Decoders and converters may differ by a
    // level of the input.
    assert!(mean < 0.6 && largest < 12.0, "{}: mean {mean}, largest {largest}", runtime.name());
    assert_eq!(model.segment(&planes).unwrap(), answer, "the same frame got another answer");
}

#[test]
fn rten_reproduces_the_golden_mask() {
    check(
        &Runtime::find(&RuntimeSearch { choice: RuntimeChoice::Rten, device: Device::Cpu, folders: Vec::new() })
            .unwrap(),
    );
}

#[test]
fn onnx_runtime_is_found_in_a_folder_and_reproduces_the_golden_mask() {
    let search = RuntimeSearch {
        choice: RuntimeChoice::Auto,
        device: Device::Cpu,
        folders: vec![installed().folder().to_path_buf()],
    };
    let runtime = Runtime::find(&search).unwrap();
    assert_eq!(runtime.name(), "ONNX Runtime", "`make test-rust` installs the library that this test needs");
    check(&runtime);
}

#[test]
fn an_invalid_library_is_rejected_if_named_and_skipped_if_found() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libonnxruntime.so.1.20.0");
    std::fs::write(&library, "no library").unwrap();
    let search = |choice| RuntimeSearch { choice, device: Device::Cpu, folders: vec![folder.path().to_path_buf()] };
    // If another test of this process has loaded a library, that one is returned instead.
    if let Err(error) = Runtime::find(&search(RuntimeChoice::Library(library))) {
        assert_eq!(error.code(), "RUNTIME_UNAVAILABLE");
    }
    assert!(Runtime::find(&search(RuntimeChoice::Auto)).is_ok());
}

/// The folder of the recurrent model: its answer is the mean of the channels and its last answer,
/// each with the weight one half.
fn recurrent() -> PathBuf {
    root().join("crates/model/tests/golden/recurrent")
}

#[test]
fn states_carry_over_between_frames_and_are_reset_at_a_cut_in_both_runtimes() {
    let models = Models::open(recurrent()).unwrap();
    let library = RuntimeChoice::Library(root().join("out/models/libonnxruntime.so"));
    for choice in [RuntimeChoice::Rten, library] {
        let search = RuntimeSearch { choice, device: Device::Cpu, folders: Vec::new() };
        let runtime = Runtime::find(&search).unwrap();
        let mut model = models.load(models.registry().model("recurrent").unwrap(), &runtime).unwrap();
        assert!(model.has_states());
        let mut answer = |level: f32| model.segment(&[level; 3 * 64]).unwrap();
        let answers = [answer(0.5), answer(0.5), answer(1.0)];
        assert_eq!(answers, [0.25, 0.375, 0.6875].map(|value| vec![value; 64]), "{}", runtime.name());
        model.forget();
        assert_eq!(model.segment(&[0.5; 3 * 64]).unwrap(), vec![0.25; 64], "{}", runtime.name());
    }
}

#[test]
fn a_recurrent_pair_missing_from_the_file_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(recurrent().join("recurrent.onnx"), folder.path().join("recurrent.onnx")).unwrap();
    let text = std::fs::read_to_string(recurrent().join("models.toml")).unwrap();
    std::fs::write(folder.path().join("models.toml"), text.replace("r1o", "r9o")).unwrap();
    let models = Models::open(folder.path().to_path_buf()).unwrap();
    let search = RuntimeSearch { choice: RuntimeChoice::Rten, device: Device::Cpu, folders: Vec::new() };
    let refused = models.load(models.registry().model("recurrent").unwrap(), &Runtime::find(&search).unwrap());
    assert_eq!(refused.err().unwrap().code(), "MODEL_UNUSABLE");
}

/// Width and height of the part of the clip with a golden matte.
const PART: [usize; 2] = [320, 180];

/// Nine frames of a sample clip, cropped from the decoded planes so that no scaler affects them.
fn part_of_clip() -> Vec<Frame> {
    let filters = format!(r"select=between(n\,30\,38),crop={}:{}:160:90", PART[0], PART[1]);
    #[expect(clippy::disallowed_methods, reason = "a test takes its frames with the system's ffmpeg")]
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(root().join("samples/dancer.mp4"))
        .args(["-vf", &filters, "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let size = Size::new(PART[0] as u32, PART[1] as u32).unwrap();
    let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
    let bytes = output.stdout.chunks_exact(format.byte_len());
    bytes.map(|bytes| Frame::from_bytes(format, bytes.to_vec()).unwrap()).collect()
}

/// Covers all stages in rten: keyframes, flow, guided passes. The golden data is the mean alpha of
/// 4×4 pixels, for the frame in the middle between two keyframes.
#[test]
fn the_finished_matte_matches_the_golden_one_in_rten() {
    let search = RuntimeSearch { choice: RuntimeChoice::Rten, device: Device::Cpu, folders: Vec::new() };
    let models = installed();
    let model = models.registry().model("u2netp").unwrap();
    let mut model = models.load(model, &Runtime::find(&search).unwrap()).unwrap();
    let frames = part_of_clip();
    assert_eq!(frames.len(), 9);
    let segmenter = Segmenter::new(Pace::Fast);
    let mut shots = segmenter.shot_detector();
    let mut traces: Vec<Trace> = Vec::new();
    for frame in &frames {
        let mut trace = segmenter.analyze(frame);
        shots.detect(traces.last_mut(), &mut trace);
        traces.push(trace);
    }
    traces.last_mut().into_iter().for_each(|last| shots.end(last));
    for (frame, trace) in frames.iter().zip(&mut traces) {
        segmenter.segment(frame, trace, model.as_mut()).unwrap();
    }
    let before: Vec<&Trace> = traces[..4].iter().rev().collect();
    let after: Vec<&Trace> = traces[5..].iter().collect();
    let finished = segmenter.finish(&before, frames[4].clone(), &traces[4], &after);
    let alpha = finished.alpha().unwrap();
    let blocks: Vec<u8> = (0..PART[0] * PART[1] / 16)
        .map(|block| {
            let (x, y) = (block % (PART[0] / 4) * 4, block / (PART[0] / 4) * 4);
            let sum: u32 = (0..16).map(|at| u32::from(alpha[(y + at / 4) * PART[0] + x + at % 4])).sum();
            ((sum + 8) / 16) as u8
        })
        .collect();
    let golden = include_bytes!("../golden/dancer-finished.pgm");
    let golden = &golden[golden.len() - blocks.len()..];
    let block_differences: Vec<u32> = blocks.iter().zip(golden).map(|(a, b)| u32::from(a.abs_diff(*b))).collect();
    let (mean, far) = (
        f64::from(block_differences.iter().sum::<u32>()) / block_differences.len() as f64,
        block_differences.iter().filter(|block_differences| **block_differences > 16).count(),
    );
    if mean >= 0.3 || far * 200 >= block_differences.len() {
        let found = [format!("P5\n{} {}\n255\n", PART[0] / 4, PART[1] / 4).as_bytes(), &blocks].concat();
        let path = root().join("target/tmp/dancer-finished.pgm");
        std::fs::write(&path, found).unwrap();
        panic!("mean {mean}, {far} blocks far off; the result is in {}", path.display());
    }
}
