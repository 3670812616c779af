//! Resource limits of one child process: the lesser of clearcut's own limits and those of the
//! system.

use rustix::process::{Resource, getrlimit};

/// Resource limits of one child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChildLimits {
    /// Address space in bytes.
    pub(crate) memory_bytes: u64,
    /// CPU time in seconds.
    pub(crate) cpu_secs: u64,
    /// Size in bytes of one written file.
    pub(crate) file_bytes: u64,
    /// Number of open files.
    pub(crate) files: u64,
}

impl ChildLimits {
    /// Limits of decoders and encoders. Encoders of 4K frames map about 3 GiB, so the memory limit
    /// stops only a runaway decoder. The CPU time is a backstop against a decoder that spins; the
    /// pipeline's no-progress timer comes first. `ProRes` takes about 60 MB per second of 4K.
    /// ffmpeg with one input and one output holds about ten files open.
    pub(crate) const WORKING: Self =
        Self { memory_bytes: 12 << 30, cpu_secs: 24 * 3600, file_bytes: 256 << 30, files: 256 };

    /// Limits for reading headers and listing packets. The tables of six hours of video take 100
    /// MB; tables claimed by a few crafted bytes can take any amount.
    pub(crate) const READING: Self = Self { memory_bytes: 1 << 30, cpu_secs: 20, file_bytes: 1 << 20, files: 64 };

    /// Limits for unpacking a clip. A whole WebP, or an image of an archive and its decoder, and three
    /// canvases are in memory. A thousand images of 4K take some minutes.
    pub(crate) const UNPACKING: Self = Self { memory_bytes: 4 << 30, cpu_secs: 3600, file_bytes: 17 << 30, files: 64 };

    /// Limits for reading an image, scaling and encoding it. 100 million pixels take up to 2 GiB: the
    /// samples of a progressive JPEG, or 16-bit pixels, and a copy that is turned or scaled.
    pub(crate) const IMAGE: Self = Self { memory_bytes: 4 << 30, cpu_secs: 600, file_bytes: 4 << 30, files: 64 };

    /// [`Self::READING`] for a file of `bytes`: one more second of CPU time per 50 MB, which slow
    /// machines manage.
    pub(crate) const fn for_reading(bytes: u64) -> Self {
        Self { cpu_secs: Self::READING.cpu_secs + bytes / 50_000_000, ..Self::READING }
    }

    /// The lesser of each of `self` and `others`.
    #[must_use]
    pub(crate) fn capped_by(self, others: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(others.memory_bytes),
            cpu_secs: self.cpu_secs.min(others.cpu_secs),
            file_bytes: self.file_bytes.min(others.file_bytes),
            files: self.files.min(others.files),
        }
    }

    /// The hard limits that the system sets for this process and its children.
    pub(crate) fn from_system() -> Self {
        let hard_limit = |resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
        Self {
            memory_bytes: hard_limit(Resource::As),
            cpu_secs: hard_limit(Resource::Cpu),
            file_bytes: hard_limit(Resource::Fsize),
            files: hard_limit(Resource::Nofile),
        }
    }

    /// Arguments of `prlimit`. The soft limit of CPU time lies below the hard one, so that
    /// exceeding it can be told from running out of memory.
    pub(crate) fn prlimit_arguments(self) -> Vec<String> {
        let same = |name: &str, limit: u64| format!("--{name}={limit}:{limit}");
        vec![
            same("as", self.memory_bytes),
            format!("--cpu={}:{}", self.cpu_secs.saturating_sub(1).max(1), self.cpu_secs),
            same("fsize", self.file_bytes),
            same("nofile", self.files),
            same("core", 0),
        ]
    }

    /// Descriptions of the limits that are lower than a clip may need.
    pub(crate) fn shortfalls(self) -> Vec<String> {
        let needed = Self::WORKING;
        let mut shortfalls = Vec::new();
        if self.memory_bytes < needed.memory_bytes {
            let (mib, gib) = (self.memory_bytes >> 20, needed.memory_bytes >> 30);
            shortfalls.push(format!("address space {mib} MiB (ulimit -v; clips in 4K may need {gib} GiB)"));
        }
        if self.cpu_secs < needed.cpu_secs {
            shortfalls.push(format!("processor time {} s (ulimit -t)", self.cpu_secs));
        }
        if self.file_bytes < needed.file_bytes {
            shortfalls.push(format!("file size {} MiB (ulimit -f)", self.file_bytes >> 20));
        }
        if self.files < needed.files {
            shortfalls.push(format!("open files {} (ulimit -n)", self.files));
        }
        shortfalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_system_limits_are_respected_and_reported() {
        let system = ChildLimits { memory_bytes: 4 << 30, files: 128, ..ChildLimits::WORKING };
        assert_eq!(ChildLimits::WORKING.capped_by(system), system);
        let shortfalls = system.shortfalls();
        assert_eq!(shortfalls.len(), 2, "{shortfalls:?}");
        assert!(shortfalls[0].contains("4096 MiB") && shortfalls[1].contains("128"), "{shortfalls:?}");
        assert!(ChildLimits::WORKING.shortfalls().is_empty());
    }

    #[test]
    fn only_a_large_file_gets_more_time_for_reading() {
        assert_eq!(ChildLimits::for_reading(5000).cpu_secs, 20);
        assert_eq!(ChildLimits::for_reading(2 << 30).cpu_secs, 62);
    }
}
