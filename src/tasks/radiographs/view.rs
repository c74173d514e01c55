//! Where body, source and detector stand, and what that does to line integrals.
//!
//! The body is turned, moved and scaled; projectors see it where it was made, and source and detector take the inverse
//! way. A map A of the body's space to the room's changes lengths along a ray, so that
//!
//! ```text
//! ∫ µ(A⁻¹x) dx  =  |d| / |A⁻¹d| · ∫ µ(y) dy
//! ```
//! where the left integral runs along the ray d in the room and the right one along its image in the body's space.

use glam::{DMat3, DVec3};

use crate::{
    geometry::{Geometry, GeometryError, Source, View},
    phantom::random::Random,
};

/// What is to be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    /// Middle of the body in its own space, in millimetres.
    pub(super) centre_mm: DVec3,
    /// Half the box that holds the body, in its own space.
    pub(super) half_mm: DVec3,
    /// Factors of width, depth and height; negative for a mirrored body.
    pub(super) scale: DVec3,
    /// Half the part about the middle that may be the middle of an image.
    pub(super) interest_mm: DVec3,
    /// Largest field at the isocentre that shows no end of the body, in millimetres.
    pub(super) field_mm: f64,
    /// Least distance between pixels in the body's middle that shows more of it, in millimetres.
    pub(super) finest_mm: f64,
    /// Whether nothing stands in the way of a lateral beam.
    pub(super) lateral: bool,
}

/// One image's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    /// From the body's space to the room's, but for the shift.
    turn: DMat3,
    scale: DVec3,
    /// Point of the body's space that lies at the isocentre.
    target_mm: DVec3,
    /// Distances of the source from isocentre and detector, in millimetres.
    sid_mm: f64,
    sdd_mm: f64,
    /// Distance between pixels, in millimetres.
    pitch_mm: f64,
    /// Whether u runs along +x of the room.
    rightwards: bool,
}

/// Width and height of the field at the detector: of whole chests, and of details that fill the image.
const FIELDS_MM: [f64; 2] = [250.0, 420.0];
const DETAILS_MM: [f64; 2] = [110.0, 200.0];
/// Share of images of details.
const DETAILS: f64 = 0.35;
/// Share of the part of interest within which the middle of whole chests lies.
const NEAR: f64 = 0.12;
/// From source to detector, in millimetres.
const SDD_MM: [f64; 2] = [1000.0, 1800.0];
/// Between the body's box and the detector, in millimetres.
const GAP_MM: [f64; 2] = [15.0, 60.0];
/// Least distance between the source and the body's box, in millimetres.
const CLEAR_MM: f64 = 150.0;

impl Pose {
    /// A pose of `subject` for an image of `size` pixels a side.
    pub(super) fn draw(random: &mut Random, subject: &Subject, size: usize) -> Self {
        let yaw_deg = yaw_deg(random, subject.lateral);
        let turned = |random: &mut Random, most: f64| random.within(-most, most).to_radians();
        let (pitch, roll) = (turned(random, 8.0), turned(random, 6.0));
        let turn =
            DMat3::from_rotation_y(roll) * DMat3::from_rotation_x(pitch) * DMat3::from_rotation_z(yaw_deg.to_radians());

        let is_detail = random.within(0.0, 1.0) < DETAILS;
        // Whole chests stay near the middle, details lie anywhere.
        let reach = if is_detail { 1.0 } else { NEAR };
        let mut offset = DVec3::from_array([0; 3].map(|_| reach * random.within(-1.0, 1.0))) * subject.interest_mm;

        // How far the body reaches from the isocentre along the beam: the support of its box.
        let half = (turn.transpose() * DVec3::Y).abs().dot(subject.half_mm * subject.scale.abs());
        let gap = random.within(GAP_MM[0], GAP_MM[1]);
        let drawn_sdd_mm = random.within(SDD_MM[0], SDD_MM[1]);
        let stand = |offset: DVec3| {
            let middle = (turn * (subject.scale * -offset)).y;
            let behind = half + middle + gap;
            (behind, drawn_sdd_mm.max(behind + half - middle + CLEAR_MM))
        };
        let (behind, sdd_mm) = stand(offset);
        let magnification = sdd_mm / (sdd_mm - behind);
        let [low, high] = if is_detail { DETAILS_MM } else { FIELDS_MM };
        let finest_mm = subject.finest_mm * magnification * size as f64;
        let field_mm = random.within(low, high).max(finest_mm).min(subject.field_mm * magnification);
        // Back towards the middle where the ends of the body would be seen.
        let room = ((subject.field_mm - field_mm / magnification) / (2.0 * subject.scale.z)).max(0.0);
        offset.z = offset.z.clamp(-room, room);
        let (behind, sdd_mm) = stand(offset);
        Self {
            turn,
            scale: subject.scale,
            target_mm: subject.centre_mm + offset,
            sid_mm: sdd_mm - behind,
            sdd_mm,
            pitch_mm: field_mm / size as f64,
            rightwards: (90.0..270.0).contains(&yaw_deg.rem_euclid(360.0)),
        }
    }

    /// A direction of the room in the body's space.
    fn in_body(&self, direction: DVec3) -> DVec3 {
        self.turn.transpose() * direction / self.scale
    }

    /// Source and detector in the body's space.
    pub(super) fn geometry(&self, size: usize) -> Result<Geometry, GeometryError> {
        let place = |room: DVec3| self.target_mm + self.in_body(room);
        let [u, v] = self.steps();
        let view = View {
            source: Source::Point(place(-self.sid_mm * DVec3::Y)),
            detector_centre: place((self.sdd_mm - self.sid_mm) * DVec3::Y),
            u_step: self.in_body(u),
            v_step: self.in_body(v),
        };
        Geometry::new([size, size], vec![view])
    }

    /// From pixel to pixel in the room: the first row is the highest, the patient's right is at the left.
    fn steps(&self) -> [DVec3; 2] {
        let across = if self.rightwards { DVec3::X } else { -DVec3::X };
        [self.pitch_mm * across, -self.pitch_mm * DVec3::Z]
    }

    /// Turns integrals along the rays of [`Self::geometry`] into those of the room.
    pub(super) fn stretch(&self, size: usize, integrals: &mut [f32]) {
        let [u, v] = self.steps();
        let middle = (size as f64 - 1.0) / 2.0;
        for (row, values) in integrals.chunks_exact_mut(size).enumerate() {
            for (column, value) in values.iter_mut().enumerate() {
                let ray = self.sdd_mm * DVec3::Y + (column as f64 - middle) * u + (row as f64 - middle) * v;
                let ratio = ray.length() / self.in_body(ray).length();
                *value = (f64::from(*value) * ratio) as f32;
            }
        }
    }

    /// Distance between pixels, in millimetres.
    pub(super) fn pitch_mm(&self) -> f64 {
        self.pitch_mm
    }

    /// Magnification of the isocentre's plane on the detector.
    pub(super) fn magnification(&self) -> f64 {
        self.sdd_mm / self.sid_mm
    }
}

/// Turn of the body about its long axis in degrees: 0 for PA, 180 for AP.
fn yaw_deg(random: &mut Random, lateral: bool) -> f64 {
    let side = if random.within(0.0, 1.0) < 0.5 { 1.0 } else { -1.0 };
    let kind = random.within(0.0, 1.0);
    let jitter = random.within(-10.0, 10.0);
    match kind {
        k if k < 0.45 => jitter,
        k if k < 0.70 => 180.0 + jitter,
        k if k < 0.85 && lateral => side * 90.0 + jitter,
        _ if lateral => side * random.within(20.0, 70.0),
        _ => side * random.within(10.0, 35.0),
    }
}

#[cfg(test)]
mod tests {
    use glam::DQuat;

    use super::*;
    use crate::phantom::{Phantom, Rule, Shape};

    fn subject(scale: DVec3) -> Subject {
        Subject {
            centre_mm: DVec3::ZERO,
            half_mm: DVec3::splat(100.0),
            scale,
            interest_mm: DVec3::splat(50.0),
            field_mm: 1e3,
            finest_mm: 0.0,
            lateral: true,
        }
    }

    /// A ball scaled along an axis is an ellipsoid, whose line integrals in the room are known.
    #[test]
    fn a_scaled_ball_projects_as_the_ellipsoid_it_is() {
        const SIZE: usize = 16;
        let scale = DVec3::new(0.8, 1.15, -1.0);
        let semi = DVec3::splat(60.0);
        let phantom = |semi| {
            let shape = Shape::ellipsoid(DVec3::ZERO, semi, DQuat::IDENTITY).unwrap();
            Phantom::new(Rule::Add, vec![(shape, 0.02)])
        };
        for seed in 0..20 {
            let pose = Pose::draw(&mut Random::new(seed), &subject(scale), SIZE);
            let mut found = phantom(semi).project(&pose.geometry(SIZE).unwrap()).unwrap().into_values();
            let unstretched = found.clone();
            pose.stretch(SIZE, &mut found);
            // The same rays with the ellipsoid itself, turned back but not scaled.
            let plain = Pose { scale: DVec3::ONE, target_mm: pose.target_mm * scale, ..pose };
            let want = phantom(semi * scale.abs()).project(&plain.geometry(SIZE).unwrap()).unwrap().into_values();
            let error = |got: &[f32]| got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error(&found) < 1e-5, "seed {seed}: {}", error(&found));
            assert!(error(&unstretched) > 1e-2, "seed {seed}: the control agrees");
        }
    }

    #[test]
    fn rays_pass_all_of_the_body() {
        for seed in 0..200 {
            let subject = subject(DVec3::new(1.1, 0.9, 1.0));
            let pose = Pose::draw(&mut Random::new(seed), &subject, 8);
            let corners = (0..8).map(|c| DVec3::from_array([0, 1, 2].map(|a| f64::from(c >> a & 1) * 2.0 - 1.0)));
            for corner in corners {
                let room = pose.turn * (pose.scale * (corner * subject.half_mm - pose.target_mm));
                assert!(room.y > -pose.sid_mm, "seed {seed}");
                assert!(room.y < pose.sdd_mm - pose.sid_mm, "seed {seed}");
            }
            assert!((1.0..1.6).contains(&pose.magnification()), "{}", pose.magnification());
        }
    }
}
