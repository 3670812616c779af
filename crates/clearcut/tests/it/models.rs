//! Tests of `clearcut models` with a host on loopback, and of cuts with and without a neural model.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Output,
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    media::{command, sample},
    run::{clearcut, clearcut_ok},
};

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    fs::write(&file, content).unwrap();
    let output = command("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// Bytes of the model file `toy`.
fn content() -> Vec<u8> {
    (0..100_000_u32).map(|index| (index * 7 % 251) as u8).collect()
}

/// Host that gives one answer per connection, repeats the last one, and records each request's
/// `Range`.
struct Host {
    address: String,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

impl Host {
    fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&ranges);
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let range = head.iter().find(|line| line.to_lowercase().starts_with("range:"));
                recorded.lock().unwrap().push(range.map(|line| line[6..].trim().to_owned()));
                let _ = stream.write_all(&answers[index.min(answers.len() - 1)]);
            }
        });
        Self { address, ranges }
    }
}

fn answer(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nETag: \"a\"\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Models folder whose registry contains `toy`, to be downloaded from this host.
fn models_folder(host: &Host, commercial: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, sha256) = (content().len(), sha256(&content()));
    let text = format!(
        r#"
        [[model]]
        id = "toy"
        title = "Toy"
        kind = "people"
        licence = "CC-BY-NC-4.0"
        commercial = {commercial}
        bytes = {bytes}
        sha256 = "{sha256}"
        memory_mib = 10
        backends = ["rten"]
        source = [{{ url = "http://{}/toy.onnx" }}]
        input = {{ name = "x", width = 16, height = 8, layout = "nchw", mean = [0.5, 0.5, 0.5], deviation = [1.0, 1.0, 1.0] }}
        output = {{ name = "y", meaning = "probability" }}
        "#,
        host.address
    );
    fs::write(folder.path().join("models.toml"), text).unwrap();
    folder
}

fn models(folder: &Path, arguments: &[&str]) -> Output {
    clearcut(&[&["models", "--models", folder.to_str().unwrap()], arguments].concat())
}

fn install(folder: &Path) -> Output {
    models(folder, &["install", "toy", "--allow-network", "127.0.0.1/32"])
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_refused(output: &Output, exit: i32, code: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{stderr}");
    assert!(stderr.contains(code), "{stderr}");
}

#[test]
fn a_broken_download_resumes_at_its_offset_and_installs_the_model() {
    let content = content();
    let host = Host::start(vec![
        answer("200 OK", "", content.len(), &content[..40_000]),
        answer("206 Partial Content", "Content-Range: bytes 40000-99999/100000\r\n", 60_000, &content[40_000..]),
    ]);
    let folder = models_folder(&host, true);
    let installed = install(folder.path());
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    assert_eq!(fs::read(folder.path().join("toy.onnx")).unwrap(), content);
    assert_eq!(*host.ranges.lock().unwrap(), [None, Some("bytes=40000-".to_owned())]);
    assert!(models(folder.path(), &["verify", "toy"]).status.success());
    // The model is installed, so nothing is requested again.
    assert!(install(folder.path()).status.success());
    assert_eq!(host.ranges.lock().unwrap().len(), 2);
}

#[test]
fn a_file_with_a_wrong_hash_is_refused_and_leaves_no_file() {
    let mut wrong = content();
    wrong[5] ^= 1;
    let host = Host::start(vec![answer("200 OK", "", wrong.len(), &wrong)]);
    let folder = models_folder(&host, true);
    assert_refused(&install(folder.path()), 1, "MODEL_DAMAGED");
    assert_eq!(names(folder.path()), ["models.toml"]);
}

#[test]
fn a_host_that_always_breaks_off_leaves_no_file() {
    let host = Host::start(vec![answer("200 OK", "", 100_000, &content()[..10])]);
    let folder = models_folder(&host, true);
    assert_refused(&install(folder.path()), 1, "URL_UNAVAILABLE");
    assert_eq!(names(folder.path()), ["models.toml"]);
}

#[test]
fn a_private_address_needs_permission_and_a_restricted_licence_needs_consent_first() {
    let host = Host::start(vec![answer("200 OK", "", content().len(), &content())]);
    let folder = models_folder(&host, false);
    assert_refused(&install(folder.path()), 2, "LICENCE_NOT_ACCEPTED");
    assert_refused(&models(folder.path(), &["install", "toy", "--accept-license"]), 2, "INVALID_URL");
    assert!(host.ranges.lock().unwrap().is_empty(), "the host was contacted");
    let agreed = models(folder.path(), &["install", "toy", "--accept-license", "--allow-network", "127.0.0.1/32"]);
    assert!(agreed.status.success());
    assert_eq!(names(folder.path()), ["models.toml", "toy.onnx"]);
}

#[test]
fn the_list_shows_installed_models_and_a_misspelled_registry_field_is_refused() {
    let host = Host::start(vec![answer("404 Not Found", "", 0, b"")]);
    let folder = models_folder(&host, false);
    let table = clearcut_ok(&["models", "list", "--models", folder.path().to_str().unwrap()]);
    for word in ["u2netp", "Apache-2.0", "toy", "CC-BY-NC-4.0 (no commercial use)", "no"] {
        assert!(table.contains(word), "{word:?} is missing from:\n{table}");
    }
    let path = folder.path().join("models.toml");
    let text = fs::read_to_string(&path).unwrap().replace("title", "titel");
    fs::write(&path, text).unwrap();
    let output = models(folder.path(), &["list"]);
    assert_refused(&output, 1, "MODEL_REGISTRY");
    assert_refused(&models(folder.path(), &["verify", "nothing"]), 1, "MODEL_REGISTRY");
}

/// Clip without a flat background: a disc over a coarse, colored texture.
fn scenery(folder: &Path) -> PathBuf {
    let frame = "geq=r='if(lt(hypot(X-80,Y-60),30),230,128+100*sin(X/7)*cos(Y/9))':\
                   g='if(lt(hypot(X-80,Y-60),30),60,128+90*sin(X/5+Y/6))':b='if(lt(hypot(X-80,Y-60),30),50,128+100*cos(X/4-Y/5))'";
    crate::media::ffmpeg(
        folder,
        &format!(
            "-f lavfi -i color=c=black:s=160x120:r=12:d=1,format=gbrp,{frame} -c:v libx264 -pix_fmt yuv420p clip.mp4"
        ),
    );
    folder.join("clip.mp4")
}

/// Folder of the models that `make` installs for the tests.
pub(crate) fn installed_models_folder() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/models").to_str().unwrap().to_owned()
}

/// Final JSON line of a cut with these options.
fn cut(clip: &Path, options: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["cut", clip.to_str().unwrap(), "-o", folder.path().to_str().unwrap(), "--json"];
    let stdout = clearcut_ok(&[&arguments[..], options].concat());
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn method_auto_cuts_by_color_on_a_flat_background_and_with_the_model_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let models = installed_models_folder();
    let flat = cut(Path::new(&sample("dancer.mp4")), &["--models", &models, "--size", "160"]);
    assert_eq!(
        (&flat["method"], &flat["reason"], &flat["model"]),
        (&"chromakey".into(), &"flat-background".into(), &().into())
    );
    let scenery = cut(&scenery(folder.path()), &["--models", &models, "--runtime", "rten"]);
    let decision = (&scenery["method"], &scenery["reason"], &scenery["model"]);
    assert_eq!(decision, (&"ai".into(), &"no-flat-background".into(), &"u2netp".into()), "{scenery}");
    assert!(scenery["matte"]["confidence"].is_null() && scenery["detectedBackgroundColor"].is_null(), "{scenery}");
}

#[test]
fn the_model_finds_the_subject_with_either_runtime_and_is_deterministic() {
    let models = installed_models_folder();
    let clip = sample("dancer.mp4");
    let cut = |runtime: &str| {
        let options = ["--method", "ai", "--models", &models, "--runtime", runtime, "--fps", "4", "--size", "320"];
        let report = cut(Path::new(&clip), &options);
        assert_eq!((&report["method"], &report["reason"]), (&"ai".into(), &"asked".into()));
        report["removed"].as_f64().unwrap()
    };
    let keyed = self::cut(Path::new(&clip), &["--method", "chroma", "--fps", "4", "--size", "320"]);
    let (rten, again, onnx) = (cut("rten"), cut("rten"), cut("auto"));
    assert!((rten - again).abs() < 1e-12, "{rten} {again}");
    assert!((rten - onnx).abs() < 0.002, "rten {rten}, ONNX Runtime {onnx}");
    assert!((rten - keyed["removed"].as_f64().unwrap()).abs() < 0.06, "model {rten}, key {}", keyed["removed"]);
}

/// Uses the recurrent model of the runtime tests, installed as a user installs a custom model. Its
/// output is the mean of the channels, averaged with half of its last output, so the probability of
/// a constant frame rises with time.
#[test]
fn a_recurrent_model_gets_every_frame_in_order_and_is_reset_at_a_shot_change() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/golden/recurrent");
    let folder = tempfile::tempdir().unwrap();
    fs::copy(golden.join("models.toml"), folder.path().join("models.toml")).unwrap();
    let file = golden.join("recurrent.onnx");
    let installed = models(folder.path(), &["install", "recurrent", "--from", file.to_str().unwrap()]);
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let wall = |level: &str| format!("-f lavfi -i color=c={level}:s=64x64:r=12:d=1");
    crate::media::ffmpeg(
        folder.path(),
        &format!(
            "{} {} -lavfi concat=n=2 -c:v libx264 -crf 1 -pix_fmt yuv444p walls.mkv",
            wall("0x808080"),
            wall("0x989898")
        ),
    );
    for runtime in ["rten", "auto"] {
        let (clip, out) = (folder.path().join("walls.mkv"), folder.path().join(format!("{runtime}.mov")));
        let options =
            ["--method", "ai", "--model", "recurrent", "--speed", "fast", "--quality", "100", "--runtime", runtime];
        let arguments =
            ["cut", clip.to_str().unwrap(), "-o", out.to_str().unwrap(), "--models", folder.path().to_str().unwrap()];
        clearcut_ok(&[&arguments[..], &options].concat());
        let cut = crate::media::Decoded::read(&out, (64, 64), false);
        let alpha: Vec<f64> = (0..24).map(|frame| cut.mean(frame, (32, 32), 8)[3]).collect();
        for wall in alpha.chunks(12) {
            assert!(wall.windows(2).all(|pair| pair[0] < pair[1]), "{runtime}: a frame was skipped: {alpha:?}");
            assert!(wall[0] < 0.8 * wall[11], "{runtime}: the state of the previous shot remains: {alpha:?}");
        }
    }
}

#[test]
fn without_a_model_keying_works_and_method_ai_names_the_install_command() {
    let empty = tempfile::tempdir().unwrap();
    let models = empty.path().to_str().unwrap();
    let flat = cut(Path::new(&sample("dancer.mp4")), &["--models", models, "--size", "160", "--fps", "4"]);
    assert_eq!(flat["method"], "chromakey");
    let folder = tempfile::tempdir().unwrap();
    let clip = scenery(folder.path());
    let cut = |options: &[&str]| clearcut(&[&["cut", clip.to_str().unwrap(), "--models", models], options].concat());
    assert_refused(&cut(&["--method", "ai"]), 1, "MODEL_MISSING");
    let auto = cut(&[]);
    assert_refused(&auto, 3, "NO_FLAT_BACKGROUND");
    for output in [cut(&["--method", "ai"]), auto] {
        assert!(String::from_utf8_lossy(&output.stderr).contains("clearcut models install u2netp"));
    }
    assert_refused(&cut(&["--method", "chroma"]), 3, "NO_FLAT_BACKGROUND");
    assert_refused(&cut(&["--method", "ai", "--key", "#00FF00"]), 2, "INVALID_REQUEST");
    let installed = installed_models_folder();
    let on_gpu = |options: &[&str]| {
        clearcut(
            &[&["cut", clip.to_str().unwrap(), "--method", "ai", "--models", &installed, "--device", "cuda"], options]
                .concat(),
        )
    };
    // This library was not built for GPUs. The CPU must not silently replace a device that was
    // requested explicitly.
    assert_refused(&on_gpu(&[]), 1, "MODEL_UNUSABLE");
    assert_refused(&on_gpu(&["--runtime", "rten"]), 1, "RUNTIME_UNAVAILABLE");
    assert_eq!(names(folder.path()), ["clip.mp4"]);
    let doctor = clearcut_ok(&["doctor", "--models", models]);
    assert!(doctor.contains("clearcut models install u2netp"), "{doctor}");
}
