//! What one call of the build function makes.

use super::Inputs;
use crate::pipeline::exports::Shape;
use crate::plan::PlatformImage;

/// What the function makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Index of the image in the plan.
    pub image: usize,
    /// The image, or just its binaries.
    pub shape: Shape,
    /// Index of the one platform in the image; none for all of them.
    pub platform: Option<usize>,
}

impl Wanted {
    /// Returns the platforms that are wanted.
    #[must_use]
    pub fn platforms(self, inputs: &Inputs) -> &[PlatformImage] {
        let image = inputs.plan.images.get(self.image);
        let all = image.map_or(&[][..], |image| &image.platforms);
        match self.platform {
            None => all,
            Some(index) => all.get(index..=index).unwrap_or_default(),
        }
    }
}
