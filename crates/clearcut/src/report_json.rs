//! The result of a cut as JSON lines.

use clearcut_job::{MethodReason, Note, Place, Warning};
use serde_json::json;

use crate::reporter::{FinishedCut, FinishedImage};

pub(crate) fn as_json(input: &str, finished: &FinishedCut) -> serde_json::Value {
    let report = finished.report;
    let outputs: Vec<_> = report
        .outputs
        .iter()
        .zip(finished.paths)
        .map(|(output, path)| {
            let (format, path) = (output.format.name(), path.display().to_string());
            json!({"format": format, "path": path, "size": output.bytes, "seconds": output.took.as_secs_f64(), "alphaVerified": true, "alphaCheck": output.alpha_check})
        })
        .collect();
    let warnings: Vec<_> = report
        .matte
        .warnings()
        .into_iter()
        .map(|warning| {
            let Place { from, to, area } = report.matte.place_of(warning, report.duration_secs());
            json!({"code": warning.name(), "message": warning.message(report.method), "from": from, "to": to, "box": area})
        })
        .collect();
    let note =
        |note: &Note| json!({"code": note.code.name(), "isWarning": note.code.is_warning(), "message": note.message});
    let notes: Vec<_> = report.notes.iter().map(note).collect();
    let unused = |(option, reason): &(&str, &str)| json!({"option": option, "message": reason});
    let without_effect: Vec<_> = finished.without_effect.iter().map(unused).collect();
    json!({
        "event": "done", "input": input, "width": report.size.width(), "height": report.size.height(),
        "frames": report.frames, "fps": report.frame_rate.to_string(),
        "sourceFps": report.source.frame_rate.to_string(), "seconds": finished.took.as_secs_f64(),
        // What is clear in the clip itself has no color.
        "crop": report.crop.map(|rect| rect.to_string()), "detectedBackgroundColor": report.key_color.filter(|_| report.reason != MethodReason::Transparent).map(|color| color.to_string()),
        "removed": report.matte.removed_share, "method": report.method, "reason": report.reason, "model": report.model, "matte": report.matte, "acceptance": report.matte.acceptance(),
        "warnings": warnings, "notes": notes, "withoutEffect": without_effect, "outputs": outputs,
    })
}

pub(crate) fn image_as_json(input: &str, FinishedImage { image, path, took }: &FinishedImage) -> serde_json::Value {
    let matte = &image.report;
    let warning = |warning: Warning| {
        let area = matte.place_of(warning, 0.0).area;
        json!({"code": warning.name(), "message": warning.message(image.method), "box": area})
    };
    let warnings: Vec<_> = matte.warnings().into_iter().map(warning).collect();
    json!({
        "event": "done", "input": input, "width": image.size.width(), "height": image.size.height(),
        "seconds": took.as_secs_f64(), "method": image.method, "reason": image.reason, "model": image.model,
        "detectedBackgroundColor": image.key_color.map(|color| color.to_string()), "confidence": matte.confidence,
        "removed": matte.removed_share, "matte": matte, "warnings": warnings,
        "outputs": [{"format": "png", "path": path.display().to_string(), "size": image.png.len()}],
    })
}
