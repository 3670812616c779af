//! Arguments of the commands that join the pieces of an output without encoding its pictures again.

use std::fmt::Write as _;

use super::{
    encode::{EncodePlan, QUIET, file_output, opus_output, sound_input},
    sound::AUDIO_FILE,
    split_arguments,
};

/// File name, in the scratch folder, of the list of the pieces of an output.
pub(crate) fn list_name(plan: &EncodePlan) -> String {
    format!("{}-pieces.txt", plan.format.name())
}

/// The list of the pieces with their lengths, as ffmpeg's demuxer `concat` reads it.
pub(crate) fn list_of_pieces(plan: &EncodePlan, pieces: &[(String, u64)]) -> String {
    pieces.iter().fold("ffconcat version 1.0\n".to_owned(), |mut list, (path, frames)| {
        let length = plan.frame_rate.start_of(*frames).as_secs_f64();
        let _ = writeln!(list, "file {path}\nduration {length:.6}");
        list
    })
}

/// ffmpeg command that joins the pieces of [`list_name`] in the current folder to
/// [`EncodePlan::file_name`], with the sound. Only for stacked-alpha, MOV and matte.
///
/// The demuxer counts in microseconds, so each time is put back on the grid of the frames. Unless the
/// pieces `are_alike` in what a decoder is set up by, it puts that of each piece of H.264 before its
/// keyframes.
pub(crate) fn join(plan: &EncodePlan, are_alike: bool) -> Vec<String> {
    let mut arguments: Vec<String> = split_arguments(QUIET).collect();
    let convert = if are_alike { "-auto_convert 0" } else { "" };
    arguments.extend(split_arguments(&format!("-protocol_whitelist file,pipe -f concat {convert} -i")));
    arguments.push(format!("file:{}", list_name(plan)));
    arguments.extend(sound_input(plan));
    let (frames, seconds) = (plan.frame_rate.frames(), plan.frame_rate.seconds());
    let on_grid = |time: &str| format!("{time}=round({time}*TB*{frames}/{seconds})*{seconds}/{frames}/TB");
    let times = ["PTS", "DTS"].map(|time| on_grid(time).replacen(time, &time.to_lowercase(), 1)).join(":");
    arguments.extend(split_arguments(&format!("-c:v copy -bsf:v setts={times}")));
    arguments.extend(file_output(plan));
    arguments
}

/// ffmpeg command that encodes [`AUDIO_FILE`] to the sound of a WebM.
pub(crate) fn encode_sound() -> Vec<String> {
    let mut arguments: Vec<String> = split_arguments(QUIET).collect();
    arguments.extend(split_arguments(&format!("-protocol_whitelist file,pipe -f wav -i file:{AUDIO_FILE}")));
    arguments.extend(opus_output());
    arguments
}
