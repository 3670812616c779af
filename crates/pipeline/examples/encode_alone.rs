//! Benchmark that encodes raw frames to all formats at once:
//! `encode_alone FOLDER WIDTH HEIGHT FPS FORMAT=FILE...`
//!
//! Measures the share of encoding in a cut: the same encoders with the same settings and as many
//! threads, and nothing else. FILE holds yuva420p frames; for stacked-alpha, yuv420p frames of
//! color above matte.

use std::{fs::File, io::Write, path::Path, thread};

use clearcut_ffmpeg::{Child, ColorTags, EncodePlan, Layer, SandboxPolicy, SearchPath, Tools, read_frame};
use clearcut_frame::{FrameRate, Size, Subsampling};
use clearcut_job::{OutputFormat, Quality, Speed};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, width, height, fps, files @ ..] = args.as_slice() else {
        return Err("FOLDER WIDTH HEIGHT FPS FORMAT=FILE...".into());
    };
    #[expect(clippy::disallowed_methods, reason = "an example has no other place to read the environment")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::default())?;
    let size = Size::new(width.parse()?, height.parse()?).ok_or("a side is 0")?;
    let frame_rate = FrameRate::new(fps.parse()?, 1).ok_or("the rate is 0")?;
    let mut encoders = Vec::new();
    for file in files {
        let (name, file) = file.split_once('=').ok_or("FORMAT=FILE")?;
        let plan = EncodePlan {
            format: OutputFormat::ALL.into_iter().find(|format| format.name() == name).ok_or("no such format")?,
            size,
            subsampling: Subsampling::Half,
            frame_rate,
            color: ColorTags::BT709,
            quality: Quality::default(),
            edge_color: None,
            speed: Speed::default(),
            crf: None,
            plays: 0,
            has_audio: false,
            threads: thread::available_parallelism()?.get().div_ceil(files.len()),
        };
        // Started on this thread, because a child process is killed when the thread that started it
        // exits.
        let folder = Path::new(folder);
        let area = size.pixels() as usize;
        encoders.push(if plan.format == OutputFormat::Webm {
            let start = |layer| tools.encode_layer(&plan, layer, folder);
            (vec![(start(Layer::Color)?, area * 3 / 2), (start(Layer::Alpha)?, area)], file)
        } else {
            (vec![(tools.encode(&plan, folder)?, area)], file)
        });
    }
    thread::scope(|scope| {
        let running: Vec<_> =
            encoders.into_iter().map(|(children, file)| scope.spawn(move || feed(children, file))).collect();
        running
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Writes each child its bytes of every frame in turn, and waits until all have exited.
fn feed(mut children: Vec<(Child, usize)>, file: &str) -> Result<(), Failure> {
    let mut pipes = Vec::new();
    for (child, bytes) in &mut children {
        pipes.push((child.take_stdin().ok_or("no pipe")?, vec![0; *bytes]));
    }
    let mut file = File::open(file)?;
    'frames: loop {
        for (pipe, bytes) in &mut pipes {
            if !read_frame(&mut file, bytes)? {
                break 'frames;
            }
            pipe.write_all(bytes)?;
        }
    }
    drop(pipes);
    children.into_iter().try_for_each(|(child, _)| Ok(child.wait()?))
}
