//! Cache of recently previewed moments, so that a preview with another tolerance is fast.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clearcut_job::{
    Crop, CutRequest, DeinterlaceChoice, Hints, KeyColorChoice, LongestSide, MethodChoice, ObjectName, PreviewRequest,
    Speed, Trim,
};
use tokio::time::Instant;

/// Memory limit for the frames of cached moments: about a hundred previews of the usual size, one
/// or two of the largest.
const MAX_BYTES: usize = 64 << 20;

/// Maximum age of a cached moment. Nobody drags a slider for longer, and frames of a removed clip
/// must not stay for long.
const MAX_AGE: Duration = Duration::from_mins(5);

/// Cache identity of a moment: everything but tolerance and shadow that a preview depends on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MomentId {
    input: ObjectName,
    at: Duration,
    key_color: KeyColorChoice,
    method: MethodChoice,
    size: Option<LongestSide>,
    speed: Speed,
    hints: Hints,
    deinterlace: DeinterlaceChoice,
    trim: Option<Trim>,
    crop: Option<Crop>,
}

impl MomentId {
    /// Identity of the moment that `request` asks for.
    pub(super) fn of(request: &PreviewRequest) -> Self {
        let CutRequest { method, key_color, ref hints, size, speed, deinterlace, trim, crop, .. } = request.request;
        let (input, at, hints) = (request.input.clone(), request.at, hints.clone());
        Self { input, at, key_color, method, size, speed, hints, deinterlace, trim, crop }
    }
}

/// Cache of moments, least recently used first. A dragged slider requests the same moment again and
/// again.
#[derive(Debug)]
pub(super) struct Moments<M>(Mutex<VecDeque<CachedMoment<M>>>);

#[derive(Debug)]
struct CachedMoment<M> {
    id: MomentId,
    moment: Arc<M>,
    bytes: usize,
    inserted: Instant,
}

impl<M> Default for Moments<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M> Moments<M> {
    /// Looks up a moment and marks it as most recently used.
    pub(super) fn find(&self, id: &MomentId) -> Option<Arc<M>> {
        let mut cache = self.cache();
        cache.retain(|cached| cached.inserted.elapsed() < MAX_AGE);
        let index = cache.iter().position(|cached| cached.id == *id)?;
        let found = cache.remove(index)?;
        let moment = found.moment.clone();
        cache.push_back(found);
        Some(moment)
    }

    /// Adds a moment whose frames have `bytes` bytes, and evicts the least recently used ones
    /// beyond [`MAX_BYTES`].
    pub(super) fn insert(&self, id: MomentId, moment: Arc<M>, bytes: usize) {
        let mut cache = self.cache();
        cache.push_back(CachedMoment { id, moment, bytes, inserted: Instant::now() });
        while cache.iter().map(|cached| cached.bytes).sum::<usize>() > MAX_BYTES {
            cache.pop_front();
        }
    }

    fn cache(&self) -> MutexGuard<'_, VecDeque<CachedMoment<M>>> {
        // The list is valid even after a panic of another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use clearcut_job::{Formats, FpsChoice, OutputFormat, ShadowChoice};
    use tokio::time::advance;

    use super::*;

    fn request() -> PreviewRequest {
        PreviewRequest {
            input: ObjectName::upload(1),
            request: CutRequest::new(OutputFormat::Webm),
            at: Duration::ZERO,
        }
    }

    /// Identity of the moment at `secs` seconds.
    fn id_at(secs: u64) -> MomentId {
        MomentId::of(&PreviewRequest { at: Duration::from_secs(secs), ..request() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_is_found_until_it_is_too_old_however_often_it_is_used() {
        let moments = Moments::default();
        moments.insert(id_at(0), Arc::new("first"), 1);
        moments.insert(id_at(1), Arc::new("second"), 1);
        advance(MAX_AGE.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(moments.find(&id_at(0)).as_deref(), Some(&"first"));
        assert_eq!(moments.find(&id_at(1)).as_deref(), Some(&"second"));
        assert_eq!(moments.find(&id_at(2)), None);
        advance(Duration::from_millis(1)).await;
        assert_eq!(moments.find(&id_at(0)), None);
        assert!(moments.cache().is_empty());
    }

    #[test]
    fn the_least_recently_used_moments_make_room_for_the_bytes_of_a_new_one() {
        let moments = Moments::default();
        let is_kept = |secs: &u64| moments.cache().iter().any(|cached| cached.id == id_at(*secs));
        let kept = || (0..9).filter(is_kept).collect::<Vec<_>>();
        for secs in 0..4 {
            moments.insert(id_at(secs), Arc::new(()), MAX_BYTES / 4);
        }
        assert_eq!(kept(), [0, 1, 2, 3]);
        moments.find(&id_at(0)).unwrap();
        moments.insert(id_at(4), Arc::new(()), MAX_BYTES / 2);
        assert_eq!(kept(), [0, 3, 4]);
        moments.insert(id_at(5), Arc::new(()), MAX_BYTES + 1);
        assert!(kept().is_empty());
    }

    #[test]
    fn a_moment_depends_on_everything_that_changes_its_frames_and_on_nothing_else() {
        type Change = fn(&mut PreviewRequest);
        let differ: [Change; 10] = [
            |request| request.input = ObjectName::upload(2),
            |request| request.at = Duration::from_millis(1),
            |request| request.request.key_color = "#00FF00".parse().unwrap(),
            |request| request.request.method = MethodChoice::Chroma,
            |request| request.request.size = Some(64.try_into().unwrap()),
            |request| request.request.speed = Speed::Fast,
            |request| request.request.deinterlace = DeinterlaceChoice::On,
            |request| request.request.crop = Some("1:1".parse().unwrap()),
            |request| request.request.trim = Some("0,1".parse().unwrap()),
            |request| request.request.hints = r#"[{"time":0,"x":0.5,"y":0.5,"kind":"keep"}]"#.parse().unwrap(),
        ];
        let agree: [Change; 6] = [
            |request| request.request.tolerance = 31.try_into().unwrap(),
            |request| request.request.shadow = ShadowChoice::Drop,
            |request| request.request.formats = Formats::from(OutputFormat::Mov),
            |request| request.request.fps = FpsChoice::Fixed(24),
            |request| request.request.quality = 61.try_into().unwrap(),
            |request| request.request.keeps_audio = false,
        ];
        let id_after = |change: &Change| {
            let mut changed = request();
            change(&mut changed);
            MomentId::of(&changed)
        };
        for (index, change) in differ.iter().enumerate() {
            assert_ne!(id_after(change), id_at(0), "change {index}");
        }
        for (index, change) in agree.iter().enumerate() {
            assert_eq!(id_after(change), id_at(0), "change {index}");
        }
    }
}
