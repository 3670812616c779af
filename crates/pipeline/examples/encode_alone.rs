//! Encodes raw pictures that lie ready, all formats at once: `encode_alone FOLDER WIDTH HEIGHT FPS FORMAT=FILE...`
//!
//! For measuring what of a cut is encoding: the same encoders with the same settings, and nothing else. FILE holds yuva420p, for
//! stacked-alpha the yuv420p of colour above matte.

use std::{fs::File, io, path::Path, thread};

use clearcut_ffmpeg::{ColorTags, EncodePlan, SandboxPolicy, SearchPath, Tools};
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
            speed: Speed::default(),
            has_audio: false,
            threads: thread::available_parallelism()?.get(),
        };
        // Started here, since a child ends with the thread that started it.
        encoders.push((tools.encode(&plan, Path::new(folder))?, file));
    }
    thread::scope(|scope| {
        let running: Vec<_> = encoders
            .into_iter()
            .map(|(mut child, file)| {
                scope.spawn(move || -> Result<(), Failure> {
                    let pipe = child.take_stdin();
                    io::copy(&mut File::open(file)?, &mut pipe.ok_or("no pipe")?)?;
                    Ok(child.wait()?)
                })
            })
            .collect();
        running.into_iter().try_for_each(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
