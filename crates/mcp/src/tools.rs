//! The tools of the server: what assistants see, and the calls.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clearcut_pipeline::Stop;
use rmcp::{
    Json, RoleServer, ServerHandler,
    model::{
        CallToolResult, ContentBlock, Implementation, ProgressNotificationParam, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
    tool, tool_handler, tool_router,
};
use serde_json::json;

use crate::{
    CutOrder, Cutter, Failure, ImageOrder, Roots,
    arguments::{
        CancelJobArguments, CutImageArguments, JobStatusArguments, MediaArguments, NoArguments, PreviewArguments,
    },
    cut_arguments::CutArguments,
    job_status::{JobStatus, State},
    jobs::{Cut, Work},
    presets::Presets,
    results::{BackgroundResult, ImageResult, PreviewResult, ProbeResult},
    schema::{Arguments, input_schema, output_schema},
};

/// What a model reads about the server as a whole.
const INSTRUCTIONS: &str = "Removes the background from videos and images on this machine and writes transparent files. \
    Begin with detect_color or preview; call cut when the settings are right. presets lists settings for common \
    uses. cut is for videos and animations, cut_image for still images. A cut reports warnings with the place to look at: fix them with tolerance, chromaKey or hints. \
    Cuts run one at a time; for a long clip call cut with wait false and follow it with job_status.";

/// The server. Clones share everything.
pub(crate) struct Tools<C> {
    cutter: Arc<C>,
    roots: Arc<Roots>,
    work: Work,
}

impl<C> Clone for Tools<C> {
    fn clone(&self) -> Self {
        Self { cutter: self.cutter.clone(), roots: self.roots.clone(), work: self.work.clone() }
    }
}

impl<C: Cutter> Tools<C> {
    pub(crate) fn new(cutter: C, roots: Roots, work: Work) -> Self {
        Self { cutter: Arc::new(cutter), roots: Arc::new(roots), work }
    }
}

#[tool_router]
impl<C: Cutter> Tools<C> {
    /// Removes the background of a clip and writes transparent files. Existing files are kept
    /// unless force is true. Reports progress.
    #[tool(
        title = "Cut a clip",
        input_schema = input_schema::<CutArguments>(),
        output_schema = output_schema::<JobStatus>(),
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = false, open_world_hint = false),
    )]
    async fn cut(
        &self,
        arguments: Arguments<CutArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<JobStatus>, Failure> {
        let arguments = arguments.0?;
        let order = CutOrder {
            clip: self.roots.input("input", &arguments.input)?,
            output: arguments.output.as_deref().map(|output| self.roots.output(output)).transpose()?,
            background: arguments.background.file(&self.roots)?,
            request: arguments.request()?,
            overwrites: arguments.force,
        };
        self.cutter.check(&order)?;
        let mut cut = self.work.begin(Arc::clone(&self.cutter), order)?;
        if !arguments.wait {
            return Ok(Json(cut.status.borrow().clone()));
        }
        let cancel = cut.cancel.clone();
        let status = tokio::select! {
            status = follow(&mut cut, &context) => status,
            () = context.ct.cancelled() => {
                cancel.cancel();
                follow(&mut cut, &context).await
            }
        };
        match status.error {
            Some(failure) => Err(failure),
            None => Ok(Json(status)),
        }
    }

    /// Removes the background of a still image and writes a transparent PNG. An existing file is kept
    /// unless force is true.
    #[tool(
        title = "Cut an image",
        input_schema = input_schema::<CutImageArguments>(),
        output_schema = output_schema::<ImageResult>(),
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = false, open_world_hint = false),
    )]
    async fn cut_image(
        &self,
        arguments: Arguments<CutImageArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<ImageResult>, Failure> {
        let arguments = arguments.0?;
        let output = arguments.output.as_deref().map(|output| self.roots.output(output)).transpose()?;
        if output.as_deref().is_some_and(|output| !output.is_dir()) {
            arguments.check_output()?;
        }
        let order = ImageOrder {
            image: self.roots.input("input", &arguments.input)?,
            output,
            request: arguments.request()?,
            has_soft_edges: arguments.soft_edges,
            overwrites: arguments.force,
        };
        let cutter = Arc::clone(&self.cutter);
        let cut = move |stop: &Stop| {
            let finished = cutter.cut_image(&order, stop)?;
            Ok(ImageResult::new(&order.image, &finished))
        };
        Ok(Json(self.work.cut_now(context.ct, cut).await?))
    }

    /// Shows one frame of the cut of a clip, or the cut of an image, as an image with transparency,
    /// without writing files.
    #[tool(
        title = "Preview a cut",
        input_schema = input_schema::<PreviewArguments>(),
        output_schema = output_schema::<PreviewResult>(),
        annotations(read_only_hint = true, open_world_hint = false),
    )]
    async fn preview(
        &self,
        arguments: Arguments<PreviewArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, Failure> {
        let arguments = arguments.0?;
        let input = self.roots.input("input", &arguments.input)?;
        let request = arguments.request()?;
        let at = arguments.at(&request)?;
        let cutter = Arc::clone(&self.cutter);
        let frame = self.work.look(context.ct, move |stop| cutter.preview(&input, &request, at, stop)).await?;
        let mut result = CallToolResult::structured(json!(PreviewResult::from(&frame)));
        result.content.insert(0, ContentBlock::image(BASE64_STANDARD.encode(&frame.png), "image/png"));
        Ok(result)
    }

    /// Tells the state and progress of a cut that was begun with wait false, and its result once it
    /// has ended.
    #[tool(
        title = "State of a cut",
        input_schema = input_schema::<JobStatusArguments>(),
        output_schema = output_schema::<JobStatus>(),
        annotations(read_only_hint = true, open_world_hint = false),
    )]
    async fn job_status(
        &self,
        arguments: Arguments<JobStatusArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<JobStatus>, Failure> {
        let arguments = arguments.0?;
        let mut cut = self.work.find(&arguments.job_id)?;
        let status = cut.status.clone();
        let limit = arguments.wait()?;
        if limit > Duration::ZERO {
            tokio::select! {
                _ = tokio::time::timeout(limit, follow(&mut cut, &context)) => {}
                () = context.ct.cancelled() => {}
            }
        }
        let status = status.borrow().clone();
        Ok(Json(status))
    }

    /// Stops a cut that was begun with wait false. It leaves no files. A cut that has ended stays
    /// as it is.
    #[tool(
        title = "Stop a cut",
        input_schema = input_schema::<CancelJobArguments>(),
        output_schema = output_schema::<JobStatus>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false),
    )]
    async fn cancel_job(
        &self,
        arguments: Arguments<CancelJobArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<JobStatus>, Failure> {
        let mut cut = self.work.find(&arguments.0?.job_id)?;
        cut.cancel.cancel();
        Ok(Json(follow(&mut cut, &context).await))
    }

    /// Measures the background color of a clip or image, or tells why it has none that can be removed
    /// by color.
    #[tool(
        title = "Detect the background color",
        input_schema = input_schema::<MediaArguments>(),
        output_schema = output_schema::<BackgroundResult>(),
        annotations(read_only_hint = true, open_world_hint = false),
    )]
    async fn detect_color(
        &self,
        arguments: Arguments<MediaArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<BackgroundResult>, Failure> {
        let clip = self.roots.input("input", &arguments.0?.input)?;
        let cutter = Arc::clone(&self.cutter);
        let measured = self.work.look(context.ct, move |stop| cutter.measure_background(&clip, stop)).await?;
        Ok(Json(measured.into()))
    }

    /// Reads size, length, frame rate, codec, alpha and sound of a clip; size, format, orientation
    /// and background color of an image.
    #[tool(
        title = "Properties of a clip or image",
        input_schema = input_schema::<MediaArguments>(),
        output_schema = output_schema::<ProbeResult>(),
        annotations(read_only_hint = true, open_world_hint = false),
    )]
    async fn probe(
        &self,
        arguments: Arguments<MediaArguments>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<ProbeResult>, Failure> {
        let input = self.roots.input("input", &arguments.0?.input)?;
        let cutter = Arc::clone(&self.cutter);
        let probed = self.work.look(context.ct, move |stop| cutter.probe(&input, stop)).await?;
        Ok(Json(ProbeResult::from(probed)))
    }

    /// Lists settings for common uses, each as arguments of cut: web pages, stickers, editors, apps.
    #[tool(
        title = "Settings for common uses",
        input_schema = input_schema::<NoArguments>(),
        output_schema = output_schema::<Presets>(),
        annotations(read_only_hint = true, open_world_hint = false),
    )]
    async fn presets(&self, arguments: Arguments<NoArguments>) -> Result<Json<Presets>, Failure> {
        arguments.0?;
        Ok(Json(Presets::all()))
    }
}

#[tool_handler]
impl<C: Cutter> ServerHandler for Tools<C> {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new("clearcut", env!("CARGO_PKG_VERSION"))
            .with_title("clearcut")
            .with_description("Removes the background from videos and images");
        let folders = format!("{INSTRUCTIONS} Files must lie in: {}.", self.roots.describe());
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(folders)
    }
}

/// Waits for the end of a cut. Sends progress if the client asked for it.
async fn follow(cut: &mut Cut, context: &RequestContext<RoleServer>) -> JobStatus {
    let token = context.meta.get_progress_token();
    let mut told = None;
    loop {
        let status = cut.status.borrow_and_update().clone();
        if !matches!(status.state, State::Waiting | State::Running) {
            return status;
        }
        // The protocol wants each value to be larger than the last.
        if let Some(token) = token.clone().filter(|_| told.is_none_or(|told| status.percent > told)) {
            told = Some(status.percent);
            let progress = ProgressNotificationParam::new(token, f64::from(status.percent))
                .with_total(100.0)
                .with_message(status.step.clone());
            // The client has gone if it cannot be told.
            let _ = context.peer.notify_progress(progress).await;
        }
        if cut.status.changed().await.is_err() {
            return status;
        }
    }
}
