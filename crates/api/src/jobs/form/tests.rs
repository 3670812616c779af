//! Tests of the form fields.

use clearcut_frame::Rgb8;

use super::*;

fn read(fields: &[(&str, &str)]) -> Result<CutRequest, ApiError> {
    let mut form = Form::default();
    for (name, text) in fields {
        form.take(name, text)?;
    }
    form.finish(&ApiSettings { has_model: true, ..ApiSettings::default() })
}

#[test]
fn missing_fields_have_the_documented_defaults() {
    let request = read(&[]).unwrap();
    assert_eq!(Vec::from(request.formats), [OutputFormat::Webm, OutputFormat::StackedAlpha]);
    let opaque = read(&[("background", "#ff8800")]).unwrap();
    assert_eq!(Vec::from(opaque.formats), [OutputFormat::Mp4]);
    assert_eq!((request.tolerance.get(), request.quality.get(), request.fps), (30, 60, FpsChoice::Fixed(24)));
    assert_eq!((request.key_color, request.size, request.shadow), (KeyColorChoice::Auto, None, ShadowChoice::Keep));
}

#[test]
fn sound_is_kept_unless_it_is_dropped() {
    let keeps = |fields: &[(&str, &str)]| read(fields).unwrap().keeps_audio;
    assert!(keeps(&[]) && keeps(&[("audio", "keep")]) && !keeps(&[("audio", "drop")]));
}

#[test]
fn formats_are_one_json_array_or_repeated_fields() {
    let both = [OutputFormat::Mov, OutputFormat::Webp];
    assert_eq!(Vec::from(read(&[("formats", r#"["mov", "webp"]"#)]).unwrap().formats), both);
    assert_eq!(Vec::from(read(&[("formats", "mov"), ("formats", "webp")]).unwrap().formats), both);
    assert_eq!(Vec::from(read(&[("format", "apng")]).unwrap().formats), [OutputFormat::Apng]);
}

#[test]
fn a_key_color_is_json_or_hexadecimal() {
    let green = KeyColorChoice::Given(Rgb8::new(0, 255, 0));
    for text in [r#"{"r":0,"g":255,"b":0}"#, r##"{"r":0,"g":255,"b":0,"hex":"#00FF00"}"##, "#00FF00"] {
        assert_eq!(read(&[("chromaKey", text)]).unwrap().key_color, green, "{text}");
    }
}

#[test]
fn an_invalid_field_is_named_in_the_error_with_its_code() {
    let cases: [(&[(&str, &str)], &str); 36] = [
        (&[("tolerance", "101")], "INVALID_TOLERANCE"),
        (&[("tolerance", "1"), ("tolerance", "1")], "INVALID_TOLERANCE"),
        (&[("shadow", "soft")], "INVALID_REQUEST"),
        (&[("deinterlace", "yes")], "INVALID_REQUEST"),
        (&[("shadow", "keep"), ("shadow", "drop")], "INVALID_REQUEST"),
        (&[("hints", r#"[{"time":1,"x":300,"y":0.5,"kind":"keep"}]"#)], "INVALID_REQUEST"),
        (&[("hints", "[]"), ("hints", "[]")], "INVALID_REQUEST"),
        (&[("trim", "4,1")], "INVALID_REQUEST"),
        (&[("hints", r#"[{"time":1,"x":0.1,"y":0.5,"kind":"keep"}]"#), ("trim", "2,")], "INVALID_REQUEST"),
        (&[("crop", "1,0,8,8")], "INVALID_REQUEST"),
        (&[("audio", "mute")], "INVALID_REQUEST"),
        (&[("fps", "0")], "INVALID_FPS"),
        (&[("fps", "24.5")], "INVALID_FPS"),
        (&[("quality", "-1")], "INVALID_QUALITY"),
        (&[("size", "63")], "INVALID_SIZE"),
        (&[("width", "63")], "INVALID_SIZE"),
        (&[("size", "64"), ("height", "64")], "INVALID_SIZE"),
        (&[("fit", "cover"), ("height", "64")], "INVALID_REQUEST"),
        (&[("format", "avi")], "INVALID_FORMATS"),
        (&[("format", "webm"), ("format", "mov")], "INVALID_FORMATS"),
        (&[("formats", "[]")], "INVALID_FORMATS"),
        (&[("formats", r#"["webm","webm"]"#)], "INVALID_FORMATS"),
        (&[("formats", "webm"), ("formats", "webm")], "INVALID_FORMATS"),
        (&[("formats", r#"["webm",1]"#)], "INVALID_FORMATS"),
        (&[("format", "webm"), ("formats", r#"["mov"]"#)], "INVALID_REQUEST"),
        (&[("chromaKey", r#"{"r":0,"g":256,"b":0}"#)], "INVALID_CHROMA_KEY"),
        (&[("chromaKey", r#"{"r":0,"g":255}"#)], "INVALID_CHROMA_KEY"),
        (&[("chromaKey", "green")], "INVALID_CHROMA_KEY"),
        (&[("background", "#ff88")], "INVALID_REQUEST"),
        (&[("background", "beach.jpg")], "INVALID_REQUEST"),
        (&[("background", "blur"), ("background", "blur")], "INVALID_REQUEST"),
        (&[("background", "http://127.0.0.1/beach.jpg")], "INVALID_URL"),
        (&[("background", "file:///etc/passwd")], "INVALID_URL"),
        (&[("formats", r#"["mp4"]"#)], "INVALID_FORMATS"),
        (&[("formats", r#"["matte"]"#), ("background", "blur")], "INVALID_FORMATS"),
        (&[("method", "magic")], "INVALID_REQUEST"),
    ];
    for (fields, code) in cases {
        let error = read(fields).unwrap_err();
        assert_eq!((error.code().name(), error.status().as_u16()), (code, 400), "{fields:?}");
        assert!(error.to_string().contains(fields[0].0), "{error}");
    }
}

#[test]
fn every_name_is_that_of_a_field() {
    for name in Form::NAMES {
        let mut form = Form::default();
        // Two equal values are refused as a repetition, or the value itself is.
        let twice = [form.take(name, "\u{1}"), form.take(name, "\u{1}")];
        assert!(twice.iter().any(Result::is_err), "{name}");
    }
}

#[test]
fn fields_without_effect_are_named() {
    let named = |fields: &[(&str, &str)], for_preview: bool| {
        let mut form = Form::default();
        for (name, text) in fields {
            form.take(name, text).unwrap();
        }
        let warnings = if for_preview { form.without_effect_on_preview() } else { form.without_effect_on_job() };
        let named = |warning| serde_json::to_value(warning).unwrap()["field"].as_str().unwrap().to_owned();
        warnings.iter().map(named).collect::<Vec<_>>()
    };
    assert_eq!(named(&[("quality", "5"), ("format", "webm"), ("tolerance", "5")], false), ["quality"]);
    assert_eq!(named(&[("quality", "5"), ("formats", r#"["mov","apng"]"#), ("time", "1")], false), ["time"]);
    assert_eq!(named(&[("format", "apng"), ("audio", "keep")], false), ["audio"]);
    assert_eq!(named(&[("audio", "keep")], false), [] as [&str; 0]);
    assert_eq!(named(&[("method", "ai"), ("tolerance", "5"), ("shadow", "keep")], false), ["tolerance", "shadow"]);
    assert_eq!(named(&[("tolerance", "5"), ("time", "1"), ("fps", "5")], true), ["fps"]);
}

#[test]
fn an_unavailable_format_is_refused() {
    let mut form = Form::default();
    form.take("formats", r#"["webm","webp"]"#).unwrap();
    let settings = ApiSettings { available_formats: vec![OutputFormat::Webm], ..ApiSettings::default() };
    assert_eq!(form.finish(&settings).unwrap_err().code(), "FORMAT_UNAVAILABLE");
}

#[test]
fn method_ai_requires_a_model_and_excludes_a_key_color() {
    assert_eq!(read(&[]).unwrap().method, MethodChoice::Auto);
    assert_eq!(read(&[("method", "ai")]).unwrap().method, MethodChoice::Ai);
    assert_eq!(read(&[("method", "ai"), ("chromaKey", "#00FF00")]).unwrap_err().code(), "INVALID_REQUEST");
    let mut form = Form::default();
    form.take("method", "ai").unwrap();
    let refused = form.finish(&ApiSettings::default()).unwrap_err();
    assert!(refused.code() == "INVALID_REQUEST" && refused.to_string().contains("method"), "{refused}");
}
