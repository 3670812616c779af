//! `clearcut cut`: cuts clips and images, and writes the outputs of one input after the other. The
//! next images are cut meanwhile.

use std::{
    collections::HashMap,
    fs::File,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_job::{CutRequest, CutStep};
use clearcut_parallel::{MemoryBudget, with_workers};
use clearcut_pipeline::{CutJob, CutReport, KeptModel, Resources, Stop};

use crate::{
    background::BackgroundOption,
    console::escape_line,
    cut_context::CutContext,
    cut_image::{UnnamedCut, cut_image},
    cut_options::CutOptions,
    failure::Failure,
    input::{is_animation, is_image, open_input},
    installed_models::ModelOptions,
    outputs::{Outputs, names_folder},
    reporter::{FinishedCut, Reporter},
};

/// Images that are cut at the same time: one is decoded or encoded while another is matted.
const IMAGES_AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// An input that was opened.
enum Opened {
    /// An image, whose cut has no name yet.
    Image(Box<UnnamedCut>),
    /// A clip, which is still to be cut.
    Clip(File),
}

/// Runs `clearcut cut`.
pub(crate) fn run(tools: &Tools, models: &ModelOptions, options: &CutOptions) -> Result<(), Failure> {
    let request = options.request()?;
    // The model is used by one cut at a time, so no other cut needs the memory.
    let models = models.installed(MemoryBudget::new(u32::MAX))?;
    let resources = Resources::default();
    let at_once = IMAGES_AT_ONCE.get().min(options.inputs.len()) as u64;
    let background = options.background.as_ref().map(BackgroundOption::open).transpose()?.flatten();
    let context = CutContext {
        tools,
        background: background.as_ref(),
        models: &KeptModel::new(&models),
        resources_of_image: Resources { max_bytes: resources.max_bytes / at_once.max(1), ..resources },
    };
    check_names(options, &request)?;
    let stop = Stop::default();
    let on_signal = stop.clone();
    // Fails only if a handler is already set, and none is.
    let _ = ctrlc::set_handler(move || on_signal.cancel());
    with_workers(IMAGES_AT_ONCE, |workers| {
        let open = |input: &PathBuf| open(&context, options, &request, input, &stop);
        let opened = workers.map_in_order(options.inputs.iter(), open);
        let ended = finish_all(&context, options, &request, opened, &stop);
        // Ends the cuts of the next images, if an earlier input failed.
        stop.cancel();
        ended
    })
}

/// Finishes the inputs in their order. Without `--keep-going`, the first failure is the last input.
fn finish_all(
    context: &CutContext,
    options: &CutOptions,
    request: &CutRequest,
    opened: impl Iterator<Item = Result<Opened, Failure>>,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut last_failure = None;
    for (input, opened) in options.inputs.iter().zip(opened) {
        let reporter = Reporter::new(options, input);
        match opened.and_then(|opened| finish(context, options, request, (input, opened), stop, reporter)) {
            Ok(()) => {}
            Err(failure) if options.keep_going && !failure.is_interruption() => {
                if let Some(earlier) = last_failure.replace(failure) {
                    earlier.print(options.json);
                }
            }
            Err(failure) => {
                if let Some(earlier) = last_failure {
                    Failure::print(&earlier, options.json);
                }
                return Err(failure);
            }
        }
    }
    last_failure.map_or(Ok(()), Err)
}

/// Refuses options that would give several inputs the same output name, or an output the name of an
/// input.
fn check_names(options: &CutOptions, request: &CutRequest) -> Result<(), Failure> {
    let output_is_folder = options.output.as_deref().is_none_or(names_folder);
    if options.inputs.len() > 1 && !output_is_folder {
        let message = format!("-o names one file, but there are {} inputs", options.inputs.len());
        return Err(Failure::usage(message, "Give -o a folder, with a slash at its end, or leave it out."));
    }
    if options.inputs.len() == 1 {
        return Ok(());
    }
    let mut names = HashMap::new();
    for input in &options.inputs {
        // One that cannot be read fails in its turn.
        let is_image = open_input(input).and_then(|file| is_image(&file)).unwrap_or(false);
        let output = options.output.as_deref();
        let paths = if is_image {
            vec![Outputs::of_image(input, output, options.force)?.image_path()]
        } else {
            Outputs::of_clip(input, output, &request.formats, options.force)?.paths(&request.formats)
        };
        Outputs::check_no_input(&paths, &options.inputs).map_err(|failure| failure.for_clip(input))?;
        for path in paths {
            // One folder may be spelt in many ways.
            let folder = path.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
            let name = folder.join(path.file_name().unwrap_or_default());
            if let Some(other) = names.insert(name, input) {
                let [one, other] = [other, input].map(|path| escape_line(&path.display().to_string()));
                let message = format!("{one} and {other} would get the same output name");
                return Err(Failure::usage(message, "Cut them into different folders."));
            }
        }
    }
    Ok(())
}

/// Opens an input, and cuts it if it is an image.
fn open(
    context: &CutContext,
    options: &CutOptions,
    request: &CutRequest,
    input: &Path,
    stop: &Stop,
) -> Result<Opened, Failure> {
    let file = open_input(input)?;
    let asks_for_still = options.asks_for_still();
    let is_still = is_image(&file).and_then(|is_image| Ok(is_image || asks_for_still && is_animation(&file)?));
    if is_still.map_err(|failure| failure.for_clip(input))? {
        return cut_image(context, options, request, (input, &file), stop).map(|cut| Opened::Image(cut.into()));
    }
    Ok(Opened::Clip(file))
}

/// Cuts an opened clip, and gives the files their names.
fn finish(
    context: &CutContext,
    options: &CutOptions,
    request: &CutRequest,
    (input, opened): (&Path, Opened),
    stop: &Stop,
    mut reporter: Reporter,
) -> Result<(), Failure> {
    let began = Instant::now();
    let file = match opened {
        Opened::Image(cut) => return cut.finish(&reporter),
        Opened::Clip(file) => file,
    };
    let outputs = Outputs::of_clip(input, options.output.as_deref(), &request.formats, options.force)
        .map_err(|failure| failure.for_clip(input))?;
    let progress = &mut |step| reporter.progress(step);
    let (report, paths) = cut_to(&outputs, context, request, (input, &file), stop, progress)?;
    let without_effect = options.without_effect(&request.formats);
    let finished =
        FinishedCut { report: &report, paths: &paths, without_effect: &without_effect, took: began.elapsed() };
    reporter.finished(&finished);
    Ok(())
}

/// Cuts a clip, and moves the checked files to their final names. A cut that fails leaves nothing.
pub(crate) fn cut_to(
    outputs: &Outputs,
    context: &CutContext,
    request: &CutRequest,
    (input, file): (&Path, &File),
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<(CutReport, Vec<PathBuf>), Failure> {
    outputs.check_free(&request.formats, input).map_err(|failure| failure.for_clip(input))?;
    if let Some(background) = context.background {
        outputs.check_not_background(&request.formats, background).map_err(|failure| failure.for_clip(input))?;
    }
    let folder = outputs.scratch().map_err(|failure| failure.for_clip(input))?;
    let scratch = folder.path().canonicalize().map_err(|error| Failure::input(input, &error))?;
    let job = CutJob {
        tools: context.tools,
        input: file,
        background: context.background,
        request,
        scratch: &scratch,
        limits: MediaLimits::default(),
        resources: Resources::default(),
        models: context.models,
    };
    let report = clearcut_pipeline::cut(&job, stop, progress).map_err(|error| Failure::from(error).for_clip(input))?;
    let paths = report.outputs.iter().map(|output| outputs.publish(output)).collect::<Result<_, _>>()?;
    Ok((report, paths))
}
