use glam::{DQuat, DVec3};

use super::{HalfSpace, Phantom, PhantomError, Rule, Shape, tissue};

/// The tables are in centimetres.
const CM: f64 = 10.0;

/// Densities of the FORBILD tissue table, in g/cm³.
mod density {
    pub(super) const WATER: f64 = 1.000;
    pub(super) const LUNG: f64 = 0.260;
    pub(super) const BONE_MARROW: f64 = 0.980;
    pub(super) const AORTA: f64 = 1.050;
    pub(super) const HEART: f64 = 1.050;
    pub(super) const SPONGIOSA: f64 = 1.180;
    pub(super) const STERNUM: f64 = 1.250;
    pub(super) const RIBS: f64 = 1.410;
    /// Clavicles, scapulae and humeri.
    pub(super) const SHOULDER_BONES: f64 = 1.460;
    pub(super) const CORTICALIS: f64 = 1.920;
}

/// Heights of the centres of the vertebrae and of the ribs, in the order of the tables, in cm.
const VERTEBRAE_Z_CM: [f64; 8] = [15.0, 12.0, 9.0, 6.0, 3.0, 0.0, -3.0, -6.0];
const RIBS_Z_CM: [f64; 5] = [0.0, 3.0, 6.0, -3.0, -6.0];
/// Semi-axes of the tilted ellipse on which every rib lies: right, anterior, and how far its front hangs down, in cm.
const RIB_SEMI_CM: DVec3 = DVec3::new(18.5, 9.0, -5.5);
/// Straight pieces of one half rib, and the angle on the ellipse from one to the next.
const RIB_PIECES: u32 = 9;
const RIB_STEP_DEG: f64 = 18.0;

/// The FORBILD thorax phantom: body, arms, lungs, heart, aorta, 8 vertebrae, 5 pairs of ribs and the shoulder girdle.
///
/// 271 shapes, the later overwriting the earlier ([`Rule::Overwrite`]); x points to the patient's right, y forwards,
/// z up. It is 500 mm wide, 200 mm deep and 500 mm high. All materials are water of other densities, as published;
/// values are density times 0.02059 mm⁻¹ per g/cm³, water at 60 keV.
///
/// Source: K. Sourbelle, *Thorax phantom*, FORBILD phantom data base, Institute of Medical Physics, University of
/// Erlangen, in the copy kept by the RTK consortium (repository `Forbild`: thorax, ribs, shoulders, vertebra and table
/// of tissues). The ribs of that copy are tables of cylinders between clip planes; they follow one rule, which is what
/// is used here and reproduces their printed digits. The vertebra is the data base's own; the copy's later variant
/// cuts the back of the vertebral body.
///
/// # Errors
/// None: the shapes are fixed. The type is that of all phantoms.
pub fn forbild_thorax() -> Result<Phantom, PhantomError> {
    let mut parts = Parts::default();
    trunk(&mut parts)?;
    aorta(&mut parts)?;
    for z in VERTEBRAE_Z_CM {
        vertebra(&mut parts, -5.0, z)?;
    }
    for z in RIBS_Z_CM {
        for (radius, value) in [(0.5, density::RIBS), (0.4, density::BONE_MARROW)] {
            for side in [1.0, -1.0] {
                rib(&mut parts, side, z, radius, value)?;
            }
        }
    }
    shoulders(&mut parts)?;
    Ok(Phantom::new(Rule::Overwrite, parts.0))
}

/// The list under construction: sizes in cm, values as densities.
#[derive(Default)]
struct Parts(Vec<(Shape, f64)>);

impl Parts {
    fn push(&mut self, shape: Shape, density: f64) {
        self.0.push((shape, density * tissue::WATER_MASS_ATTENUATION / CM));
    }

    fn ellipsoid(&mut self, centre: [f64; 3], semi: [f64; 3], density: f64) -> Result<(), PhantomError> {
        self.push(ellipsoid(centre, semi, DQuat::IDENTITY)?, density);
        Ok(())
    }

    fn cuboid(&mut self, centre: [f64; 3], size: [f64; 3], density: f64) -> Result<(), PhantomError> {
        self.push(cuboid(centre, size)?, density);
        Ok(())
    }
}

fn cm(v: [f64; 3]) -> DVec3 {
    CM * DVec3::from_array(v)
}

fn ellipsoid(centre: [f64; 3], semi: [f64; 3], rotation: DQuat) -> Result<Shape, PhantomError> {
    Shape::ellipsoid(cm(centre), cm(semi), rotation)
}

fn cuboid(centre: [f64; 3], size: [f64; 3]) -> Result<Shape, PhantomError> {
    Shape::cuboid(cm(centre), cm(size) / 2.0, DQuat::IDENTITY)
}

fn cylinder(axis: DVec3, centre: [f64; 3], length: f64, radius: f64) -> Result<Shape, PhantomError> {
    let turn = DQuat::from_rotation_arc(DVec3::Z, axis.normalize_or(DVec3::Z));
    Shape::cylinder(cm(centre), [CM * radius; 2], CM * length / 2.0, turn)
}

/// Plane at a distance from the origin, in cm, as the tables write it: `r(normal) < offset`.
fn below(normal: [f64; 3], offset: f64) -> Result<HalfSpace, PhantomError> {
    HalfSpace::below(DVec3::from_array(normal), CM * offset)
}

/// As [`below`], for `r(normal) > offset`.
fn above(normal: [f64; 3], offset: f64) -> Result<HalfSpace, PhantomError> {
    HalfSpace::above(DVec3::from_array(normal), CM * offset)
}

fn trunk(parts: &mut Parts) -> Result<(), PhantomError> {
    for x in [-20.0, 20.0] {
        parts.push(cylinder(DVec3::Z, [x, 0.0, 17.5], 15.0, 5.0)?, density::WATER);
    }
    let body = Shape::cylinder(DVec3::ZERO, [CM * 20.0, CM * 10.0], CM * 25.0, DQuat::IDENTITY)?;
    parts.push(body, density::WATER);
    for x in [-10.5, 10.5] {
        parts.ellipsoid([x, 0.0, 0.0], [7.5, 5.5, 15.0], density::LUNG)?;
    }
    parts.cuboid([0.0, 9.0, 2.5], [2.5, 0.8, 25.0], density::STERNUM)?;
    parts.cuboid([0.0, 9.0, 2.5], [2.0, 0.5, 25.0], density::BONE_MARROW)?;
    parts.ellipsoid([0.0, 4.0, 0.0], [3.5; 3], density::HEART)
}

/// Descending, ascending and arch, cut from one another at the bisecting planes.
fn aorta(parts: &mut Parts) -> Result<(), PhantomError> {
    const TO_DESCENDING: ([f64; 3], f64) = ([3.0, 7.0, 7.615_773_105_863_909], 2.982_109);
    const TO_ASCENDING: ([f64; 3], f64) = ([1.0, 2.0, -2.236_067_977_499_79], -2.239_327_7);
    let descending =
        cylinder(DVec3::Z, [-2.5, -2.5, 0.0], 30.0, 1.0)?.clipped(below(TO_DESCENDING.0, TO_DESCENDING.1)?);
    let ascending = cylinder(DVec3::Z, [0.5, 4.5, 6.0], 6.0, 1.0)?.clipped(above(TO_ASCENDING.0, TO_ASCENDING.1)?);
    let arch = cylinder(DVec3::new(3.0, 7.0, 0.0), [-1.0, 1.0, 7.5], 22.0, 1.0)?
        .clipped(above(TO_DESCENDING.0, TO_DESCENDING.1)?)
        .clipped(below(TO_ASCENDING.0, TO_ASCENDING.1)?);
    for part in [descending, ascending, arch] {
        parts.push(part, density::AORTA);
    }
    Ok(())
}

/// Vertebra with its body about (0, `y`, `z`), 2 cm high.
fn vertebra(parts: &mut Parts, y: f64, z: f64) -> Result<(), PhantomError> {
    const HEIGHT: f64 = 2.0;
    // Half the chord of the vertebral body (radius 1.75) at 1.3 behind its centre.
    let chord = 1.3725_f64.sqrt();
    let corner = y - 2.45;
    parts.push(cylinder(DVec3::Z, [0.0, y, z], HEIGHT, 1.75)?, density::CORTICALIS);
    parts.cuboid([0.0, y - 1.4, z], [2.0 * chord, 0.2, HEIGHT], density::CORTICALIS)?;
    parts.push(cylinder(DVec3::Z, [0.0, y, z], HEIGHT, 1.5)?, density::SPONGIOSA);
    for side in [-1.0, 1.0] {
        let tip = [side * 4.0, corner, 0.0];
        let process = cuboid([side * 2.0, y - 1.975, z], [4.0, 0.95, HEIGHT])?
            .clipped(through(tip, [side * 0.95, 4.0 - chord, 0.0], HalfSpace::below)?)
            .clipped(through(tip, [side * 2.0, 32.0, 0.0], HalfSpace::above)?);
        parts.push(process, density::CORTICALIS);
    }
    let fillet = cuboid([0.0, y - 2.35, z], [1.6, 0.3, HEIGHT])?
        .clipped(through([0.4, corner, 0.0], [-2.0, 4.0, 0.0], HalfSpace::above)?)
        .clipped(through([-0.4, corner, 0.0], [-2.0, -4.0, 0.0], HalfSpace::below)?);
    parts.push(fillet, density::CORTICALIS);
    parts.cuboid([0.0, y - 3.25, z], [0.8, 1.6, HEIGHT], density::CORTICALIS)?;
    let end = cylinder(DVec3::Z, [0.0, y - 4.05, z], HEIGHT, 0.4)?.clipped(below([0.0, 1.0, 0.0], y - 4.05)?);
    parts.push(end, density::CORTICALIS);
    Ok(())
}

/// Half-space whose plane passes through a point given in cm.
fn through(
    point: [f64; 3],
    normal: [f64; 3],
    side: impl Fn(DVec3, f64) -> Result<HalfSpace, PhantomError>,
) -> Result<HalfSpace, PhantomError> {
    let normal = DVec3::from_array(normal);
    side(normal, normal.normalize_or_zero().dot(cm(point)))
}

/// One half rib: tangents of the ellipse, each cut from the next at the plane that bisects them.
fn rib(parts: &mut Parts, side: f64, z: f64, radius: f64, value: f64) -> Result<(), PhantomError> {
    const LENGTH: f64 = 10.0;
    for piece in 1..=RIB_PIECES {
        let (centre, axis) = rib_piece(side, z, piece);
        let (behind, ahead) = (rib_joint(side, z, piece - 1), rib_joint(side, z, piece));
        let shape = cylinder(axis, centre.to_array(), LENGTH, radius)?
            .clipped(above(behind.0.to_array(), behind.1)?)
            .clipped(below(ahead.0.to_array(), ahead.1)?);
        parts.push(shape, value);
    }
    Ok(())
}

/// Point of contact and unit tangent of a piece of a rib, in cm; counted from the front.
fn rib_piece(side: f64, z: f64, piece: u32) -> (DVec3, DVec3) {
    let (sin, cos) = (f64::from(piece) * RIB_STEP_DEG).to_radians().sin_cos();
    let mirror = DVec3::new(side, 1.0, 1.0);
    let centre = mirror * RIB_SEMI_CM * DVec3::new(sin, cos, cos) + DVec3::Z * z;
    (centre, (mirror * RIB_SEMI_CM * DVec3::new(cos, -sin, -sin)).normalize_or_zero())
}

/// Plane between a piece of a rib and the next one: normal and distance from the origin in cm.
fn rib_joint(side: f64, z: f64, piece: u32) -> (DVec3, f64) {
    let ((a, tangent_a), (b, tangent_b)) = (rib_piece(side, z, piece), rib_piece(side, z, piece + 1));
    let normal = tangent_a + tangent_b;
    // The tangents meet as far from either point of contact, so the plane halves their distance.
    (normal, normal.normalize_or_zero().dot(meeting(a, tangent_a, b, tangent_b)))
}

/// Where two tangents of the ellipse meet, both lying in its plane.
fn meeting(a: DVec3, tangent_a: DVec3, b: DVec3, tangent_b: DVec3) -> DVec3 {
    let cosine = tangent_a.dot(tangent_b);
    let gap = b - a;
    let along = (gap.dot(tangent_a) - cosine * gap.dot(tangent_b)) / (1.0 - cosine * cosine);
    a + along * tangent_a
}

fn shoulders(parts: &mut Parts) -> Result<(), PhantomError> {
    for (length, radius, value) in [(17.0, 0.5, density::SHOULDER_BONES), (16.5, 0.4, density::BONE_MARROW)] {
        for side in [-1.0, 1.0] {
            let axis = DVec3::new(20.0, -side * 9.0, side * 2.0);
            parts.push(cylinder(axis, [side * 10.0, 5.5, 16.0], length, radius)?, value);
        }
    }
    for (semi, value) in [([4.5, 0.5, 6.0], density::SHOULDER_BONES), ([4.0, 0.4, 5.5], density::BONE_MARROW)] {
        for side in [-1.0, 1.0] {
            let turn = DQuat::from_rotation_z(f64::atan2(side, 2.0));
            let blade = ellipsoid([side * 12.0, -5.0, 15.0], semi, turn)?;
            parts.push(blade.clipped(below([0.0, 0.0, 1.0], 15.0)?), value);
        }
    }
    for x in [22.0, 16.5] {
        for (radius, value) in [(2.5, density::SHOULDER_BONES), (2.0, density::BONE_MARROW)] {
            for side in [-1.0, 1.0] {
                parts.ellipsoid([side * x, 0.0, 15.0], [radius; 3], value)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables print six decimals of quantities up to 20 cm, and offsets computed from such rounded numbers.
    const PRINTED_CM: f64 = 3e-5;

    #[test]
    fn ribs_reproduce_the_printed_tables() {
        let close = |got: DVec3, want: [f64; 3]| {
            assert!((got - DVec3::from_array(want)).abs().max_element() < PRINTED_CM, "{got}, want {want:?}");
        };
        // Right rib about z = 0, first piece; left rib about z = 6, fourth piece.
        let (centre, axis) = rib_piece(1.0, 0.0, 1);
        close(centre, [5.716_814, 8.559_509, -5.230_811]);
        close(axis, DVec3::new(17.594_546, -2.781_153, 1.699_593).normalize().to_array());
        let (normal, offset) = rib_joint(1.0, 0.0, 0);
        close(normal, [1.983_271, -0.155_425, 0.094_982]);
        assert!((offset - 1.953_178).abs() < PRINTED_CM, "{offset}");
        let (centre, _) = rib_piece(-1.0, 6.0, 4);
        close(centre, [-17.594_546, 2.781_153, 4.300_407]);
        let (normal, offset) = rib_joint(-1.0, 6.0, 4);
        close(normal, [-0.495_137, -1.594_626, 0.974_494]);
        assert!((offset - 6.147_545).abs() < PRINTED_CM, "{offset}");
        let (normal, offset) = rib_joint(1.0, 3.0, 9);
        close(normal, [-1.983_271, -0.155_425, 0.094_982]);
        assert!((offset + 1.810_106).abs() < PRINTED_CM, "{offset}");
    }

    #[test]
    fn the_list_has_the_published_number_of_shapes() {
        assert_eq!(forbild_thorax().unwrap().parts().len(), 271);
    }

    #[test]
    fn organs_have_their_densities() {
        let phantom = forbild_thorax().unwrap();
        let per_density = tissue::WATER_MASS_ATTENUATION / CM;
        for (point, want) in [
            ([0.0, 0.0, 20.0], density::WATER),
            ([10.5, 0.0, 0.0], density::LUNG),
            ([0.0, 4.0, 0.0], density::HEART),
            ([-2.5, -2.5, -10.0], density::AORTA),
            ([-1.0, 1.0, 7.5], density::AORTA),
            ([0.0, -5.0, 0.0], density::SPONGIOSA),
            ([0.0, -6.6, 0.0], density::CORTICALIS),
            ([18.05, 0.0, 0.0], density::RIBS),
            ([18.5, 0.0, 0.0], density::BONE_MARROW),
            ([22.0, 0.0, 15.0], density::BONE_MARROW),
            ([26.0, 0.0, 15.0], 0.0),
        ] {
            let got = phantom.value_at(cm(point)) / per_density;
            assert!((got - want).abs() < 1e-12, "{point:?}: {got}, want {want}");
        }
    }
}
