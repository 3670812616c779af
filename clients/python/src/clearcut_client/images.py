"""What a server does with images."""

from collections.abc import Sequence
from typing import Any

from .forms import Images, ImageSource, form_of, image_form_of
from .models import DetectedBackground, EmoticonPack, ImageCut, ScaledImage, Submitted
from .options import ImageFit, ImageFormat, Method, Shadow, ThumbnailSize
from .transport import Transport, check
from .wire import from_json


class ImageMethods(Transport):
    """The methods of the client for images: one for each route."""

    def submit_images(
        self,
        images: Images,
        *,
        method: Method | None = None,
        chroma_key: str | None = None,
        tolerance: int | None = None,
        smooth_edges: bool | None = None,
        shadow: Shadow | None = None,
        clip_name: str | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Submitted:
        """Submits images, which one job cuts: up to 500, those in a folder, or a ZIP of them.

        The output is a PNG, or a ZIP of PNGs; the `images` of the result tell what became of each. Of a folder, the
        folders in it are kept, and hidden files are left out.
        """
        fields = {
            "method": method,
            "chromaKey": chroma_key,
            "tolerance": tolerance,
            "smoothEdges": smooth_edges,
            "shadow": shadow,
            "clipName": clip_name,
            "webhookUrl": webhook_url,
        }
        with image_form_of(images, fields) as form:
            return self._submit("image", form, idempotency_key)

    def remove_image_background(
        self,
        image: ImageSource,
        *,
        method: Method | None = None,
        chroma_key: str | None = None,
        tolerance: int | None = None,
        smooth_edges: bool | None = None,
        shadow: Shadow | None = None,
    ) -> ImageCut:
        """Removes the background of an image, without a job.

        Without a method, a neural model finds the subject, if the server has one. `chroma_key` implies `chroma`.
        """
        fields = {
            "method": method,
            "chromaKey": chroma_key,
            "tolerance": tolerance,
            "smoothEdges": smooth_edges,
            "shadow": shadow,
        }
        return from_json(ImageCut, self._of_image("remove-background", image, fields))

    def detect_background_color(self, image: ImageSource) -> DetectedBackground:
        """Measures the background color of an image. Raises `NO_FLAT_BACKGROUND` if it has none."""
        return from_json(DetectedBackground, self._of_image("detect-background-color", image, {}))

    def resize_image(
        self,
        image: ImageSource,
        *,
        width: int | None = None,
        height: int | None = None,
        fit: ImageFit | None = None,
        format: ImageFormat | None = None,
        quality: int | None = None,
    ) -> ScaledImage:
        """Scales an image, and encodes it upright and in sRGB, as JPEG without a format.

        A side that is not given follows from the other. If both are given, the image covers them without a `fit`.
        """
        fields = {"width": width, "height": height, "fit": fit, "format": format, "quality": quality}
        return from_json(ScaledImage, self._of_image("resize", image, fields))

    def thumbnail(
        self,
        image: ImageSource,
        *,
        size: ThumbnailSize | None = None,
        width: int | None = None,
        height: int | None = None,
        quality: int | None = None,
    ) -> ScaledImage:
        """Makes a thumbnail of an image: a square of 150, 300 or 600 pixels, or one of `width` and `height`.

        It has the format of the image if that is JPEG, PNG or WebP.
        """
        fields = {"size": size, "width": width, "height": height, "quality": quality}
        return from_json(ScaledImage, self._of_image("thumbnail", image, fields))

    def emoticons(self, image: ImageSource, *, sizes: Sequence[int] | None = None) -> EmoticonPack:
        """Makes emoticons of an image: in each size a PNG and a WebP. Without sizes, eight from 16 to 256 pixels."""
        return from_json(EmoticonPack, self._of_image("emoticon", image, {"sizes": sizes}))

    def emoticon_zip(self, image: ImageSource, *, sizes: Sequence[int] | None = None) -> bytes:
        """The same emoticons as a ZIP: `png/emoticon-16px.png`, `webp/emoticon-16px.webp` and so on."""
        with form_of(image, {"sizes": sizes}) as form:
            reply = self._http.post("/api/v1/image/emoticon/zip", **form)
        check(reply)
        return reply.content

    def _of_image(self, route: str, image: ImageSource, fields: dict[str, Any]) -> Any:
        with form_of(image, fields) as form:
            return self._call("POST", f"/api/v1/image/{route}", **form)
