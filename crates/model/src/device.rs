//! Devices that a runtime computes on.

/// Device that ONNX Runtime computes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An Nvidia GPU, through a library that was built with CUDA. Not tested by this project.
    Cuda,
    /// An Nvidia GPU, through a library that was built with TensorRT. Not tested by this project.
    Tensorrt,
}
