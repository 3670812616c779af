//! What one child process may take of the machine: the lesser of what we allow and what the system lets us have.

use rustix::process::{Resource, getrlimit};

/// Limits of one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChildLimits {
    /// Address space.
    pub(crate) memory_bytes: u64,
    /// Time of processors.
    pub(crate) cpu_secs: u64,
    /// Size of one file that it writes.
    pub(crate) file_bytes: u64,
    /// Open files.
    pub(crate) files: u64,
}

impl ChildLimits {
    /// For decoders and encoders. Encoders of 4K frames map about 3 GiB; a runaway decoder is stopped here. Processor time is a backstop
    /// against a decoder that spins; the pipeline's own no-progress timer comes first. `ProRes` takes about 60 MB per second of 4K.
    /// ffmpeg with one input and one output holds about ten files.
    pub(crate) const WORKING: Self =
        Self { memory_bytes: 12 << 30, cpu_secs: 24 * 3600, file_bytes: 256 << 30, files: 256 };

    /// For reading headers and listing packets. The tables of six hours of video take 100 MB; those that a few bytes can claim, any amount.
    pub(crate) const READING: Self = Self { memory_bytes: 1 << 30, cpu_secs: 20, file_bytes: 1 << 20, files: 64 };

    /// As those for reading, for a file of `bytes`: a second more of processor time for every 50 MB, which slow machines manage.
    pub(crate) const fn for_reading(bytes: u64) -> Self {
        Self { cpu_secs: Self::READING.cpu_secs + bytes / 50_000_000, ..Self::READING }
    }

    /// The lesser of these and `others`.
    #[must_use]
    pub(crate) fn within(self, others: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(others.memory_bytes),
            cpu_secs: self.cpu_secs.min(others.cpu_secs),
            file_bytes: self.file_bytes.min(others.file_bytes),
            files: self.files.min(others.files),
        }
    }

    /// What the system lets this process and its children have at most.
    pub(crate) fn of_system() -> Self {
        let most = |resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
        Self {
            memory_bytes: most(Resource::As),
            cpu_secs: most(Resource::Cpu),
            file_bytes: most(Resource::Fsize),
            files: most(Resource::Nofile),
        }
    }

    /// Arguments of `prlimit`. Processor time runs out softly first, so that its end can be told from that of memory.
    pub(crate) fn words(self) -> Vec<String> {
        let same = |name: &str, limit: u64| format!("--{name}={limit}:{limit}");
        vec![
            same("as", self.memory_bytes),
            format!("--cpu={}:{}", self.cpu_secs.saturating_sub(1).max(1), self.cpu_secs),
            same("fsize", self.file_bytes),
            same("nofile", self.files),
            same("core", 0),
        ]
    }

    /// In words, what is tighter here than a clip may need.
    pub(crate) fn tight(self) -> Vec<String> {
        let wanted = Self::WORKING;
        let mut told = Vec::new();
        if self.memory_bytes < wanted.memory_bytes {
            let (mib, gib) = (self.memory_bytes >> 20, wanted.memory_bytes >> 30);
            told.push(format!("address space {mib} MiB (ulimit -v; clips in 4K may need {gib} GiB)"));
        }
        if self.cpu_secs < wanted.cpu_secs {
            told.push(format!("processor time {} s (ulimit -t)", self.cpu_secs));
        }
        if self.file_bytes < wanted.file_bytes {
            told.push(format!("file size {} MiB (ulimit -f)", self.file_bytes >> 20));
        }
        if self.files < wanted.files {
            told.push(format!("open files {} (ulimit -n)", self.files));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_allows_less_is_followed_and_told() {
        let system = ChildLimits { memory_bytes: 4 << 30, files: 128, ..ChildLimits::WORKING };
        assert_eq!(ChildLimits::WORKING.within(system), system);
        let told = system.tight();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("4096 MiB") && told[1].contains("128"), "{told:?}");
        assert!(ChildLimits::WORKING.tight().is_empty());
    }

    #[test]
    fn a_large_file_may_be_read_for_longer_and_a_small_one_not() {
        assert_eq!(ChildLimits::for_reading(5000).cpu_secs, 20);
        assert_eq!(ChildLimits::for_reading(2 << 30).cpu_secs, 62);
    }
}
