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
    console::{escape_line, leave_stdout_to_file, print_out},
    cut_context::CutContext,
    cut_image::{UnnamedCut, cut_image},
    cut_options::CutOptions,
    failure::Failure,
    input::{is_animation, is_image},
    inputs::{self, Input},
    installed_models::ModelOptions,
    outputs::{Outputs, names_folder},
    reporter::{FinishedCut, Reporter, Turn},
    stream,
    table::{Row, table, terminal_width},
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
    if options.output.as_deref().is_some_and(stream::is_stdout) {
        leave_stdout_to_file();
    }
    let request = options.request()?;
    // The model is used by one cut at a time, so no other cut needs the memory.
    let models = models.installed(MemoryBudget::new(u32::MAX))?;
    let inputs = inputs::expand(&options.inputs, !options.json && !options.quiet)?;
    let resources = Resources::default();
    let at_once = IMAGES_AT_ONCE.get().min(inputs.len()) as u64;
    let background = options.background.as_ref().map(BackgroundOption::open).transpose()?.flatten();
    let context = CutContext {
        tools,
        background: background.as_ref(),
        models: &KeptModel::new(&models),
        resources_of_image: Resources { max_bytes: resources.max_bytes / at_once.max(1), ..resources },
    };
    check_names(options, &request, &inputs)?;
    let stop = Stop::default();
    let on_signal = stop.clone();
    // Fails only if a handler is already set, and none is.
    let _ = ctrlc::set_handler(move || on_signal.cancel());
    with_workers(IMAGES_AT_ONCE, |workers| {
        let open = |input: &Input| open(&context, options, &request, input, &stop);
        let opened = workers.map_in_order(inputs.iter(), open);
        let ended = finish_all(&context, options, &request, &inputs, opened, &stop);
        // Ends the cuts of the next images, if an earlier input failed.
        stop.cancel();
        ended
    })
}

/// Finishes the inputs in their order, and sums up several. Without `--keep-going`, the first failure
/// is the last input.
fn finish_all(
    context: &CutContext,
    options: &CutOptions,
    request: &CutRequest,
    inputs: &[Input],
    opened: impl Iterator<Item = Result<Opened, Failure>>,
    stop: &Stop,
) -> Result<(), Failure> {
    let (mut cut, mut failed, mut last_failure) = (Vec::new(), 0, None);
    for (number, (input, opened)) in (1..).zip(inputs.iter().zip(opened)) {
        let turn = Turn { number, count: inputs.len() };
        let reporter = Reporter::new(options, input.path(), turn);
        match opened.and_then(|opened| finish(context, options, request, (input, opened), stop, reporter)) {
            Ok(rows) => cut.push(rows),
            Err(failure) => {
                let goes_on = options.keep_going && !failure.is_interruption();
                failed += 1;
                last_failure = Some(failure.printed(options.json));
                if !goes_on {
                    break;
                }
            }
        }
    }
    if inputs.len() > 1 && !options.json && !options.quiet {
        print_out(summary(&cut, failed, inputs.len()));
    }
    last_failure.map_or(Ok(()), Err)
}

/// What became of several inputs: the table of all files, and how many were cut, failed, or were not
/// begun.
fn summary(cut: &[Vec<Row>], failed: usize, inputs: usize) -> String {
    let mut text = format!("{} cut", cut.len());
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    let left = inputs - cut.len() - failed;
    if left > 0 {
        text += &format!(", {left} not begun (--keep-going does not stop at a failure)");
    }
    if cut.is_empty() { text } else { format!("{}\n{text}", table(cut, terminal_width())) }
}

/// Refuses options that would give several inputs the same output name, or an output the name of an
/// input.
fn check_names(options: &CutOptions, request: &CutRequest, inputs: &[Input]) -> Result<(), Failure> {
    let output_is_folder = options.output.as_deref().is_none_or(names_folder);
    if inputs.len() > 1 && !output_is_folder {
        let message = format!("-o names one file, but there are {} inputs", inputs.len());
        return Err(Failure::usage(message, "Give -o a folder, with a slash at its end, or leave it out."));
    }
    if inputs.len() == 1 {
        return Ok(());
    }
    let mut names = HashMap::new();
    for input in inputs {
        // One that cannot be read fails in its turn.
        let is_image = input.open().and_then(|file| is_image(&file)).unwrap_or(false);
        let (input, output) = (input.path(), options.output.as_deref());
        let paths = if is_image {
            vec![Outputs::of_image(input, output, options.force)?.image_path()]
        } else {
            Outputs::of_clip(input, output, &request.formats, options.force)?.paths(&request.formats)
        };
        let read = inputs.iter().map(Input::path);
        Outputs::check_no_input(&paths, &read).map_err(|failure| failure.for_clip(input))?;
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
    input: &Input,
    stop: &Stop,
) -> Result<Opened, Failure> {
    let (file, input) = (input.open()?, input.path());
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
    (input, opened): (&Input, Opened),
    stop: &Stop,
    mut reporter: Reporter,
) -> Result<Vec<Row>, Failure> {
    let began = Instant::now();
    let (file, input) = match opened {
        Opened::Image(cut) => return cut.finish(&reporter),
        Opened::Clip(file) => (file, input.path()),
    };
    let outputs = Outputs::of_clip(input, options.output.as_deref(), &request.formats, options.force)
        .map_err(|failure| failure.for_clip(input))?;
    let progress = &mut |step| reporter.progress(step);
    let (report, paths) = cut_to(&outputs, context, request, (input, &file), stop, progress)?;
    let without_effect = options.without_effect(&request.formats);
    Ok(reporter.finished(&FinishedCut {
        report: &report,
        paths: &paths,
        without_effect: &without_effect,
        took: began.elapsed(),
    }))
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
