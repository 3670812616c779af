//! The program as its users meet it: the real binary, real ffmpeg, real clips.

mod command_line;
mod layers;
mod media;
mod outputs;
