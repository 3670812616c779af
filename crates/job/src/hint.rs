//! Hints: regions of a clip that the user marks as subject or background.

use std::{str::FromStr, time::Duration};

use clearcut_frame::Area;
use serde::{Deserialize, Serialize};

use crate::RequestError;

/// Maximum number of hints in one request.
const MAX_HINTS: usize = 32;

/// Description of a valid list of hints.
const LIST_FORMAT: &str = "a JSON array of at most 32 hints, each {\"time\":seconds,\"x\":0-1,\"y\":0-1,\"kind\":\"keep\" or \"remove\"}, for a box also \"width\" and \"height\"";

/// Description of a valid hint on the command line.
const ARGUMENT_FORMAT: &str = "keep@SECONDS,X,Y or remove@SECONDS,X,Y, for a box also ,WIDTH,HEIGHT; positions are shares of the frame from 0 to 1";

/// The classification of a region, which overrides its appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HintKind {
    /// The region is subject.
    Keep,
    /// The region is background.
    Remove,
}

/// The classification of a region in one frame. It applies in all frames in which the region is
/// found again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireHint", into = "WireHint")]
pub struct Hint {
    /// Time of the frame in the clip.
    pub time: Duration,
    /// Location in the frame: a point in the region, or a box around the whole region.
    pub area: Area,
    /// Classification of the region.
    pub kind: HintKind,
}

/// The hints of one request: at most 32.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Hint>", into = "Vec<Hint>")]
pub struct Hints(Vec<Hint>);

/// A hint on the wire; time in seconds, positions and sizes as shares of the frame.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireHint {
    time: f64,
    x: f64,
    y: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<f64>,
    kind: HintKind,
}

impl Hints {
    /// The hints in the given order.
    pub fn iter(&self) -> impl Iterator<Item = &Hint> {
        self.0.iter()
    }

    /// Whether there are no hints.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<Hint>> for Hints {
    type Error = RequestError;

    fn try_from(hints: Vec<Hint>) -> Result<Self, Self::Error> {
        if hints.len() > MAX_HINTS {
            return Err(RequestError::new("hints", &format!("{} hints", hints.len()), LIST_FORMAT));
        }
        Ok(Self(hints))
    }
}

impl From<Hints> for Vec<Hint> {
    fn from(hints: Hints) -> Self {
        hints.0
    }
}

impl FromStr for Hints {
    type Err = RequestError;

    /// Parses a JSON array, as on the wire.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map_err(|_| RequestError::new("hints", text, LIST_FORMAT))
    }
}

impl FromStr for Hint {
    type Err = RequestError;

    /// Parses a command line argument: `keep@1.5,0.4,0.3`, or with a box,
    /// `remove@0,0.8,0.9,0.2,0.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || RequestError::new("hint", text, ARGUMENT_FORMAT);
        let (kind, numbers) = text.trim().split_once('@').ok_or_else(invalid)?;
        let kind = match kind {
            "keep" => HintKind::Keep,
            "remove" => HintKind::Remove,
            _ => return Err(invalid()),
        };
        let numbers: Vec<f64> =
            numbers.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().map_err(|_| invalid())?;
        let wire = match numbers[..] {
            [time, x, y] => WireHint { time, x, y, width: None, height: None, kind },
            [time, x, y, width, height] => WireHint { time, x, y, width: Some(width), height: Some(height), kind },
            _ => return Err(invalid()),
        };
        Self::try_from(wire).map_err(|_| invalid())
    }
}

impl TryFrom<WireHint> for Hint {
    type Error = RequestError;

    fn try_from(wire: WireHint) -> Result<Self, Self::Error> {
        let WireHint { time, x, y, kind, .. } = wire;
        let area = match (wire.width, wire.height) {
            (None, None) => Some(Area::Point { x, y }),
            (Some(width), Some(height)) => Some(Area::Box { x, y, width, height }),
            _ => None,
        };
        let time = Duration::try_from_secs_f64(time).ok();
        match (time, area.filter(|area| area.is_within())) {
            (Some(time), Some(area)) => Ok(Self { time, area, kind }),
            _ => Err(RequestError::new("hints", "a hint outside of the frame, or before the clip", LIST_FORMAT)),
        }
    }
}

impl From<Hint> for WireHint {
    fn from(Hint { time, area, kind }: Hint) -> Self {
        let time = time.as_secs_f64();
        match area {
            Area::Point { x, y } => Self { time, x, y, width: None, height: None, kind },
            Area::Box { x, y, width, height } => Self { time, x, y, width: Some(width), height: Some(height), kind },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn json_and_command_line_hints_are_equivalent() {
        let list: Hints = r#"[{"time":1.5,"x":0.25,"y":0.75,"kind":"keep"},
            {"kind":"remove","time":0,"x":0.5,"y":0.5,"width":0.5,"height":0.25}]"#
            .parse()
            .unwrap();
        let words = ["keep@1.5,0.25,0.75", " remove@0, 0.5,0.5,0.5,0.25"].map(|word| word.parse::<Hint>().unwrap());
        assert_eq!(Vec::from(list.clone()), words);
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(text.parse::<Hints>().unwrap(), list);
    }

    #[test]
    fn invalid_hints_are_rejected() {
        let point = |fields: &str| format!(r#"[{{"time":1,"x":0.5,"y":0.5,"kind":"keep"{fields}}}]"#);
        assert!(point("").parse::<Hints>().is_ok());
        let many = format!("[{}]", [r#"{"time":1,"x":0.5,"y":0.5,"kind":"keep"}"#; 33].join(","));
        for text in [
            "",
            "{}",
            "null",
            r#"[{"time":1,"x":320,"y":0.5,"kind":"keep"}]"#,
            r#"[{"time":-1,"x":0.5,"y":0.5,"kind":"keep"}]"#,
            r#"[{"time":1e300,"x":0.5,"y":0.5,"kind":"keep"}]"#,
            r#"[{"time":1,"x":0.5,"y":0.5,"kind":"maybe"}]"#,
            r#"[{"time":1,"x":0.5,"kind":"keep"}]"#,
            &point(r#","width":0.2"#),
            &point(r#","width":0.2,"height":0"#),
            &point(r#","width":0.6,"height":0.2"#),
            &point(r#","colour":"red""#),
            &many,
        ] {
            let error = text.parse::<Hints>().unwrap_err();
            assert_eq!((error.field(), error.code()), ("hints", ErrorCode::InvalidRequest), "{text}");
        }
        for text in
            ["keep", "keep@1", "keep@1,0.5", "keep@1,0.5,NaN", "keep@1,0.5,0.5,0.1", "drop@1,0.5,0.5", "keep@1,0.5,1.1"]
        {
            assert_eq!(text.parse::<Hint>().unwrap_err().field(), "hint", "{text}");
        }
    }
}
