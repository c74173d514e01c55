use kerma::tasks::simulate::Part;

/// What a case keeps beside its pictures and its reconstruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// A stack of images.
    Image(Part),
    /// What the reconstruction should find.
    Truth,
    /// The middle view and the reconstruction as DICOM files.
    Dicom,
}

impl Kept {
    /// All there is, images first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Part::ALL.into_iter().map(Self::Image).chain([Self::Truth, Self::Dicom])
    }

    /// Name, which is that of its file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image(part) => part.name(),
            Self::Truth => "truth",
            Self::Dicom => "dicom",
        }
    }

    /// What goes by a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::all().find(|kept| kept.name() == name)
    }
}
