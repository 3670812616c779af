//! The options for the width and height of the outputs.

use clap::Args;
use clearcut_job::{Bounds, Fit, LongestSide, RequestError};

/// Width and height of the outputs.
#[derive(Debug, Args)]
pub(crate) struct BoundsOptions {
    /// Width of the output in pixels, 64-2048; without --height, the height follows from the shape
    #[arg(long, value_name = "PX", value_parser = side, allow_negative_numbers = true, conflicts_with = "size")]
    width: Option<LongestSide>,

    /// Height of the output in pixels, 64-2048; without --width, the width follows from the shape
    #[arg(long, value_name = "PX", value_parser = side, allow_negative_numbers = true, conflicts_with = "size")]
    height: Option<LongestSide>,

    /// With --width and --height: contain (the whole frame; one side may be smaller), cover (cropped on
    /// both sides alike to exactly this size) or pad (the whole frame with transparent margins to
    /// exactly this size) [default: contain]
    #[arg(long, value_name = "FIT", value_parser = fit, requires_all = ["width", "height"])]
    fit: Option<Fit>,
}

impl BoundsOptions {
    pub(crate) fn bounds(&self) -> Result<Option<Bounds>, RequestError> {
        Bounds::new(self.width, self.height, self.fit)
    }

    /// The first option that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let width = self.width.map(|_| "--width");
        width.or(self.height.map(|_| "--height"))
    }
}

fn side(text: &str) -> Result<LongestSide, String> {
    text.parse().map_err(|error: RequestError| format!("allowed: {}", error.allowed()))
}

fn fit(text: &str) -> Result<Fit, String> {
    text.parse().map_err(|error: RequestError| format!("allowed: {}", error.allowed()))
}
