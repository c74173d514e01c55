use crate::{
    commands::demo::{
        Results,
        folder::slice_name,
        tomosynthesis::{DEPTHS_MM, SWEEP_DEG},
    },
    report::{Section, Table, significant},
};

/// What the pictures are not, and where they mislead.
pub(super) fn keep_in_mind(results: &Results) -> Section {
    let scan = &results.cone_beam;
    let sides = if scan.truncated {
        "The body reaches beyond the sides of the cone-beam detector: values near its rim are wrong."
    } else {
        "The cone-beam detector sees air on either side of the body: nothing is truncated sideways."
    };
    let voxels = match results.scene.phantom {
        Some(_) => {
            "Scans are traced through the same voxels that reconstructions are compared with; only the comparison with the \
             closed form is independent of the voxels."
        }
        None => {
            "Scans are traced through the same voxels that reconstructions are compared with, noise and artefacts of the \
             original CT included; the scene ends where its field of view does."
        }
    };
    let notes = [
        "Not for diagnosis: a demonstration of computations.".to_owned(),
        format!(
            "The beam has one energy, 60 keV. There is no scatter, no noise, no focal spot and no blur of the detector; real \
             radiographs have all of them and lower contrast{}.",
            if results.physics.is_some() { ", as the chapter on physics shows" } else { "" }
        ),
        "Enhanced grey values are no measure of attenuation any more: they depend on their surroundings, and rims along \
         edges and around the body belong to the method."
            .to_owned(),
        "A circle of sources does not measure everything: above and below the central plane, flat faces such as end plates \
         and the domes of the diaphragm are shaded or doubled, the more so the farther away (cone-beam artefacts)."
            .to_owned(),
        format!(
            "{sides} It does not see the body's full height; only the {} mm around the central plane that lie in every view \
             are reconstructed and compared.",
            significant(2.0 * scan.half_height_mm, 3)
        ),
        format!(
            "Tomosynthesis over {SWEEP_DEG}° measures few directions: depth is resolved coarsely, large uniform parts lose \
             their level, and dark or bright rims stand above and below dense parts (limited angle)."
        ),
        "The body is longer than the tomosynthesis panel. Before filtering, line integrals are continued beyond its upper and \
         lower edge and faded out, which keeps bright bands away; near those edges slices are nevertheless uncertain."
            .to_owned(),
        voxels.to_owned(),
    ];
    Section::new("What to keep in mind").notes(notes)
}

/// What lies beside the page.
pub(super) fn files(has_physics: bool) -> Section {
    let slices = DEPTHS_MM.map(slice_name).join(", ");
    let table = Table::new("Beside this page", ["File", "What it holds"])
        .row(["radiograph.png", "the radiograph, 16 bits, with the detector's spacing"])
        .row(["radiograph-enhanced.png", "the radiograph enhanced, 16 bits, with the detector's spacing"])
        .row([
            "radiograph-low-dose.png, radiograph-denoised.png",
            "with few quanta, and denoised (where networks are built in)",
        ])
        .row(["radiograph-integrals.tiff", "its line integrals, 32-bit floating point"])
        .row(["cone-beam.nii.gz", "the reconstruction in HU"])
        .row(["cone-beam-axial.png, -coronal, -sagittal", "its planes, 16 bits, −1000 to 500 HU"])
        .row(["cone-beam-axial-error.png, -coronal, -sagittal", "the same minus what went in, −100 to 100 HU"])
        .row(["tomosynthesis.nii.gz", "the slices' contrasts in mm⁻¹"])
        .row([slices.as_str(), "slices, 16 bits, each in its own window"])
        .row([
            "radiograph.toml, cone-beam.toml, tomosynthesis.toml",
            "the geometries, for kerma project and reconstruct",
        ]);
    let table = match has_physics {
        true => table
            .row(["physics-radiograph.png, physics-radiograph-integrals.tiff", "the radiograph with physics"])
            .row([
                "physics-cone-beam.nii.gz, physics-cone-beam-axial.png, -coronal, -sagittal",
                "the CT with physics, in HU",
            ])
            .row(["physics-tomosynthesis.nii.gz, physics-tomosynthesis-….png", "the tomosynthesis with physics"]),
        false => table,
    };
    Section::new("Files").table(table)
}
