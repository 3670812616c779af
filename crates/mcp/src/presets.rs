//! Settings for common uses, each as arguments of `cut`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The presets.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Presets {
    /// One preset for each use.
    presets: Vec<Preset>,
}

/// Settings for one use.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Preset {
    /// Name of the preset.
    name: &'static str,
    /// When to use it, and what the files are good for.
    purpose: &'static str,
    /// Arguments for `cut`, to be completed with `input`.
    arguments: Value,
}

impl Presets {
    /// All presets.
    pub(crate) fn all() -> Self {
        let preset = |name, purpose, arguments| Preset { name, purpose, arguments };
        let presets = vec![
            preset(
                "web-video",
                "A video on a web page: webm for Chrome, Edge and Firefox, and stacked-alpha for Safari, both through the element <clearcut-video>.",
                json!({"formats": ["webm", "stacked-alpha"], "size": 1280}),
            ),
            preset(
                "web-animation",
                "A looping animation without sound, for <img>, in every browser.",
                json!({"formats": ["webp"], "size": 640, "fps": 24, "quality": 60}),
            ),
            preset(
                "sticker",
                "An animated WebP sticker of up to 10 s for WhatsApp; the argument preset of cut has those of other platforms.",
                json!({"preset": "whatsapp-sticker"}),
            ),
            preset(
                "video-sticker",
                "A video sticker of up to 3 s for Telegram, in VP9 without sound.",
                json!({"preset": "telegram-sticker"}),
            ),
            preset(
                "editor",
                "ProRes 4444 in full size for Premiere, Resolve, Final Cut and After Effects. The files are large.",
                json!({"formats": ["mov"]}),
            ),
            preset(
                "app",
                "One H.264 MP4 for apps: the matte lies below the color, and a shader joins them.",
                json!({"formats": ["stacked-alpha"], "speed": "best"}),
            ),
            preset(
                "lossless-animation",
                "A lossless animated PNG, for programs that read neither video nor WebP.",
                json!({"formats": ["apng"], "quality": 100}),
            ),
        ];
        Self { presets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cut_arguments::CutArguments;

    #[test]
    fn the_arguments_of_every_preset_are_accepted() {
        for Preset { name, mut arguments, .. } in Presets::all().presets {
            arguments["input"] = json!("clip.mp4");
            let read: CutArguments = serde_json::from_value(arguments).unwrap();
            assert!(read.request().is_ok(), "{name}");
        }
    }
}
