//! ffmpeg and ffprobe as sandboxed child processes. No other library crate starts processes.
//!
//! [`Tools`] holds the ffmpeg and ffprobe of this machine. [`Tools::probe`] reads a clip's headers
//! without decoding it; [`Tools::decode`], [`Tools::sample`], [`Tools::excerpt`] and
//! [`Tools::decode_sound`] read its content; [`Tools::encode`] writes a transparent file from raw
//! frames; [`Tools::decode_matte`] reads that file back to check it.
//!
//! An untrusted file reaches ffmpeg only as an open file on its standard input, never by name. Its
//! container is detected from its first bytes ([`Container::sniff`]), and both demuxer and decoders
//! are restricted to an allowlist. The pure functions of `argv` build every argument from enums and
//! numbers.
//!
//! ```
//! use std::fs::File;
//!
//! use clearcut_ffmpeg::{MediaLimits, SandboxPolicy, SearchPath, Tools};
//!
//! let path = std::env::var_os("PATH").unwrap_or_default();
//! let tools = Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::Auto)?;
//!
//! let clip = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/mascot.mp4"))?;
//! let info = tools.probe(&clip, &MediaLimits::default())?.info(|_| {})?;
//! assert_eq!(info.codec, "h264");
//! assert!(!info.has_alpha);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod argv;
mod auxiliary;
mod boxes;
mod capability;
mod child;
mod claims;
mod color;
mod error;
mod hdr_code;
mod headers;
mod heif;
mod hevc_alpha;
mod image;
mod image_error;
mod image_folder;
mod interlace;
mod keyframe_sizes;
mod limits;
mod marked;
mod masks;
mod media;
mod packets;
mod probe;
mod rates;
mod sandbox;
mod search_path;
mod seek;
mod seek_point;
mod timeline;
mod tools;
mod tracks;
mod unpacking;

pub use argv::{DecodePlan, DecodeWindow, EncodePlan, ExcerptPlan, Layer, LayerCrf, Retiming, SamplePlan, Sampled};
pub use capability::Capabilities;
pub use child::{Child, KillHandle};
pub use clearcut_job::Container;
pub use color::{ColorConversion, ColorTags};
pub use error::{Error, MediaError};
pub use heif::ImageConversion;
pub use image::{DecodedImage, ImageReading};
pub use image_error::ImageError;
pub use image_folder::{ImageFolder, PackedImage};
pub use interlace::FieldOrder;
pub use keyframe_sizes::SizeChanges;
pub use marked::{Watch, end_marked, watch};
pub use media::{AlphaStream, AudioTrack, Downmix, MediaInfo, MediaLimits, TimeSpan};
pub use packets::{ListedPacket, PacketListing};
pub use probe::{Probe, first_bytes};
pub use sandbox::{Sandbox, SandboxPolicy};
pub use search_path::SearchPath;
pub use seek::SeekListing;
pub use seek_point::SeekPoint;
pub use tools::{Tools, read_frame};
pub use unpacking::Unpacking;
