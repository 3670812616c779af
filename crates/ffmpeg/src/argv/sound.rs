//! Arguments of the two commands that make the sound of the outputs: the first decodes it, the
//! second fits it to the pictures.

use std::{iter, time::Duration};

use super::{decode::ffmpeg_input, split_arguments};
use crate::{AudioTrack, Downmix, MediaInfo, MediaLimits, TimeSpan};

/// File name, in the scratch folder, of the audio for the outputs.
pub(crate) const AUDIO_FILE: &str = "sound.wav";

/// Bytes of a decoded sample of one channel: signed, 24 bit.
const SAMPLE_BYTES: u32 = 3;

/// Share of packets that may be damaged before ffmpeg reports it with its exit status. It decodes
/// to the end in any case.
const TOLERATED_DAMAGE: f64 = 0.01;

/// ffmpeg command that writes `audio` with its timestamps to standard output: PCM in NUT, of one
/// sample rate and at most two channels throughout, whatever the clip changes to. The start of `span`
/// is at 0; sound before it and after its end is dropped.
///
/// The filters are made anew when rate or channels change, so only filters without a memory of
/// earlier times are here.
pub(crate) fn decode_sound(info: &MediaInfo, audio: &AudioTrack, span: TimeSpan, limits: &MediaLimits) -> Vec<String> {
    let (start, length) = (info.video_start_secs + span.start.as_secs_f64(), span.length.as_secs_f64());
    let mut arguments = ffmpeg_input(info, limits, &format!("-copyts -max_error_rate {TOLERATED_DAMAGE}"));
    arguments.extend(split_arguments(&format!("-map 0:{} -vn -sn -dn -af", audio.stream)));
    let downmix = match audio.downmix {
        Downmix::ByLayout => String::new(),
        Downmix::OddEven => format!("{},", odd_even_mix(audio.channels)),
    };
    let layout = if audio.channels == 1 { "mono" } else { "stereo" };
    // Timestamps are those of the file; rounded, so that no sample is lost where the start lies
    // between two. With a maximum of 1 for the sum of the gains, no mix clips.
    arguments.push(format!(
        "asetpts=round(PTS-({start:.9})/TB),{downmix}aresample=rematrix_maxval=1,\
         aformat=sample_fmts=s32:sample_rates={}:channel_layouts={layout},atrim=start=0:end={length:.6}",
        audio.sample_rate
    ));
    arguments.extend(split_arguments("-c:a pcm_s24le -f nut pipe:1"));
    arguments
}

/// The filter that mixes odd channels to the left and even ones to the right. `<` scales the gains
/// so that they sum to 1.
fn odd_even_mix(channels: u32) -> String {
    let side =
        |first: u32| (first..channels).step_by(2).map(|channel| format!("c{channel}")).collect::<Vec<_>>().join("+");
    if channels == 1 { "pan=mono|c0=c0".to_owned() } else { format!("pan=stereo|c0<{}|c1<{}", side(0), side(1)) }
}

/// ffmpeg command that reads the output of [`decode_sound`] on standard input and writes it as PCM
/// to [`AUDIO_FILE`], of this length and `tempo` times as fast, with its pitch. Silence fills gaps from 10 ms on, the time before the first sample and that
/// after the last one; where samples overlap, the later ones are dropped.
pub(crate) fn align_sound(length: Duration, tempo: f64) -> Vec<String> {
    let length = length.as_secs_f64();
    // In one step, the filter goes down to a half, and skips samples beyond the double.
    let steps = if (0.5..=2.0).contains(&tempo) { 1 } else { 2 };
    let step = format!("atempo={:.9},", tempo.powf(1.0 / f64::from(steps)));
    let tempo = if (tempo - 1.0).abs() < 1e-6 { String::new() } else { step.repeat(steps as usize) };
    let mut arguments: Vec<String> = split_arguments(
        "-hide_banner -loglevel error -nostdin -protocol_whitelist file,pipe -format_whitelist nut \
         -codec_whitelist pcm_s24le -copyts -f nut -i pipe:0 -map 0:a -af",
    )
    .collect();
    arguments.extend(iter::once(format!(
        "aresample=async=1:min_hard_comp=0.01:first_pts=0,{tempo}apad=whole_dur={length:.6},atrim=end={length:.6}"
    )));
    arguments.extend(split_arguments(&format!("-c:a pcm_s24le -rf64 auto -f wav -y {AUDIO_FILE}")));
    arguments
}

impl AudioTrack {
    /// Seconds of sound in `bytes` of the output of [`crate::Tools::decode_sound`], whose headers
    /// count as sound, too.
    #[must_use]
    pub fn decoded_secs(&self, bytes: u64) -> f64 {
        let frame = self.channels.clamp(1, 2) * SAMPLE_BYTES;
        bytes as f64 / (f64::from(frame) * f64::from(self.sample_rate))
    }
}
