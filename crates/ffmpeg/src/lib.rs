//! The only crate that starts processes: ffmpeg and ffprobe, in a sandbox.
//!
//! [`Tools`] is what was found on this machine. [`Tools::probe`] says what a file is without decoding it; [`Tools::decode`],
//! [`Tools::sample`], [`Tools::excerpt`] and [`Tools::extract_audio`] read it; [`Tools::encode`] writes a transparent file from raw frames;
//! [`Tools::decode_matte`] reads one back to check it.
//!
//! A file of a stranger reaches ffmpeg only as an open file on its standard input, never as a name; its container is told from
//! its first bytes ([`Container::sniff`]) and pinned, as are the decoders. Every argument is made from enums and numbers by
//! the pure functions of `argv`.

mod argv;
mod capability;
mod child;
mod claims;
mod error;
mod headers;
mod limits;
mod media;
mod orphans;
mod probe;
mod sandbox;
mod sniff;
mod tools;

pub use argv::{
    ColorTags, DecodePlan, EncodePlan, ExcerptPlan, Layer, Retiming, SamplePlan, Sampled, SourceTransfer, ToneMap,
};
pub use capability::Capabilities;
pub use child::{Child, KillHandle};
pub use error::{Error, MediaError};
pub use headers::Probe;
pub use media::{AudioTrack, MediaInfo, MediaLimits};
pub use orphans::{Watch, end_marked, watch};
pub use sandbox::{Sandbox, SandboxPolicy};
pub use sniff::Container;
pub use tools::{SearchPath, Tools, read_frame};
